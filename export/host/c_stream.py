"""The streaming network's C on the host: compiles a bundle's generated C with the engine's kernels and calls it.

Results equal `export.model.stream_interpreter`, code by code.
"""

import _ctypes
import ctypes
import pathlib
import tempfile
import weakref
from types import TracebackType

import numpy as np

from export.host import c_engine
from export.plan import ALIGNMENT
from export.source import stream_source
from microcontroller import c_sources

_HOST = c_sources.engine().host / "fxp_stream_host.c"


class StreamEngine:
    """A streaming network compiled for the host, with its state. A context manager; closing it unloads the library.

    Attributes:
      labels: one per logit.
      model_sha256: hash of the integer model from which the C was generated.
      frames_per_call, frame_codes: what a call takes.
      steps_per_call: rows of logits that a call gives.
      delay_frames: as `StreamInterpreter.delay_frames`.
      state_bytes, arena_bytes: memory that lasts, and of one call.
    """

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled; the history is empty."""
        self._library = lib = ctypes.CDLL(str(library))
        self._finalizer = weakref.finalize(self, _ctypes.dlclose, lib._handle)
        lib.fxp_stream_host_model_sha256.restype = lib.fxp_stream_host_label.restype = ctypes.c_char_p
        lib.fxp_stream_host_init.restype = lib.fxp_stream_host_run.restype = None
        lib.fxp_stream_host_init.argtypes = [ctypes.c_void_p]
        pointer = ctypes.c_void_p
        lib.fxp_stream_host_run.argtypes = [pointer, pointer, pointer, ctypes.c_uint32, pointer]
        self.model_sha256 = lib.fxp_stream_host_model_sha256().decode()
        self.labels = tuple(lib.fxp_stream_host_label(i).decode() for i in range(lib.fxp_stream_host_label_count()))
        self.frames_per_call = lib.fxp_stream_host_frames()
        self.frame_codes = lib.fxp_stream_host_frame_bytes()
        self.steps_per_call = lib.fxp_stream_host_steps()
        self.delay_frames = lib.fxp_stream_host_delay_frames()
        self.state_bytes = lib.fxp_stream_host_state_bytes()
        self.arena_bytes = lib.fxp_stream_host_arena_bytes()
        self._state = _aligned(self.state_bytes)
        self._arena = _aligned(self.arena_bytes)
        self.reset()

    @classmethod
    def build(cls, c_folder: str | pathlib.Path) -> "StreamEngine":
        """Compiles the C in `c_folder`, where `export.source.stream_source.generate`'s files lie, and loads it.

        Raises:
          HostError: no compiler, a file missing, or C that does not compile.
        """
        c_folder = pathlib.Path(c_folder)
        generated = (stream_source.HEADER, stream_source.SOURCE)
        files = [*c_sources.engine().files, _HOST]
        with tempfile.TemporaryDirectory(prefix="fxp-stream-") as folder:
            library = pathlib.Path(folder) / "fxp_stream_model.so"
            c_engine.compile_library(c_folder, generated, files, c_sources.engine().include_folders, library)
            return cls(library)

    def reset(self) -> None:
        """Forgets all frames."""
        self._library.fxp_stream_host_init(self._alive(self._state).ctypes.data)

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
        frames = np.ascontiguousarray(frames)
        calls = len(frames) // self.frames_per_call
        logits = np.zeros((calls * self.steps_per_call, len(self.labels)), np.int8)
        state, arena = self._alive(self._state).ctypes.data, self._arena.ctypes.data
        self._library.fxp_stream_host_run(state, frames.ctypes.data, logits.ctypes.data, calls, arena)
        return logits

    def close(self) -> None:
        """Unloads the library; the engine can't be used afterwards. Closing twice does no harm."""
        self._finalizer()

    def __enter__(self) -> "StreamEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _alive(self, memory: np.ndarray) -> np.ndarray:
        if not self._finalizer.alive:
            raise ValueError("this engine is closed: build it again")
        return memory


def _aligned(size: int) -> np.ndarray:
    """Memory int8 [size], aligned, of arbitrary content."""
    memory = np.full(size + ALIGNMENT, 0x5A, np.int8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]
