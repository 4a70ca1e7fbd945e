"""The streaming network's C on the host: compiles a bundle's generated C with the engine's kernels and calls it.

Results equal `export.model.stream_interpreter`, code by code.
"""

import pathlib

import numpy as np

from export.host.library import COUNT, INTEGER, POINTER, TEXT, HostLibrary, LibraryDefinition, memory
from export.source import stream_source
from microcontroller import c_sources


class StreamEngine(HostLibrary):
    """A streaming network compiled for the host, with its state; `reset` begins another stream.

    Attributes:
      labels: one per logit.
      model_sha256: hash of the integer model from which the C was generated.
      frames_per_call, frame_codes: what a call takes.
      steps_per_call: rows of logits that a call gives.
      delay_frames: as `StreamInterpreter.delay_frames`.
      state_bytes, arena_bytes: memory that lasts, and of one call.
    """

    definition = LibraryDefinition(
        c_sources.engine,
        "fxp_stream_host.c",
        (stream_source.HEADER, stream_source.SOURCE),
        "fxp_stream_host_",
        {
            "state_bytes": (COUNT,),
            "arena_bytes": (COUNT,),
            "frames": (COUNT,),
            "frame_bytes": (COUNT,),
            "steps": (COUNT,),
            "label_count": (COUNT,),
            "delay_frames": (INTEGER,),
            "model_sha256": (TEXT,),
            "label": (TEXT, COUNT),
            "init": (None, POINTER),
            "run": (None, POINTER, POINTER, POINTER, COUNT, POINTER),
        },
        apart=True,
    )

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled; the history is empty."""
        super().__init__(library)
        self.model_sha256 = self._text("model_sha256")
        self.labels = tuple(self._text("label", i) for i in range(self._call("label_count")))
        self.frames_per_call: int = self._call("frames")
        self.frame_codes: int = self._call("frame_bytes")
        self.steps_per_call: int = self._call("steps")
        self.delay_frames: int = self._call("delay_frames")
        self.state_bytes: int = self._call("state_bytes")
        self.arena_bytes: int = self._call("arena_bytes")
        self._state, self._arena = memory(self.state_bytes), memory(self.arena_bytes)
        self.reset()

    def reset(self) -> None:
        """Forgets all frames."""
        self._call("init", self._state)

    def run(self, frames: np.ndarray) -> np.ndarray:
        """As many calls as there are frames for, continuing what came before.

        Args:
          frames: int8 [n, frame_codes], n a multiple of `frames_per_call`.

        Returns:
          logits int8 [steps, labels].

        Raises:
          ValueError: another shape or dtype, or a closed engine.
        """
        fits = frames.dtype == np.int8 and frames.ndim == 2 and frames.shape[1] == self.frame_codes
        if not fits or len(frames) % self.frames_per_call:
            expected = f"int8 (n, {self.frame_codes}), n a multiple of {self.frames_per_call}"
            raise ValueError(f"frames {frames.dtype} {frames.shape}, expected {expected}")
        calls = len(frames) // self.frames_per_call
        logits = np.zeros((calls * self.steps_per_call, len(self.labels)), np.int8)
        self._call("run", self._state, np.ascontiguousarray(frames), logits, calls, self._arena)
        return logits
