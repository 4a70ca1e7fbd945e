"""The C detector on the host: compiles a detector's tables with its C and calls it.

Detections equal `export.model.detector`, step by step.
"""

import pathlib

import numpy as np

from export.host.library import COUNT, POINTER, HostLibrary, LibraryDefinition, memory
from export.source import detector_source
from microcontroller import c_sources


class CDetector(HostLibrary):
    """A detector compiled for the host, with one stream's state; `reset` begins another stream.

    Attributes:
      classes: logits in a row.
      state_bytes: memory of a stream.
    """

    definition = LibraryDefinition(
        c_sources.detector,
        "fxp_detector_host.c",
        (detector_source.HEADER, detector_source.SOURCE),
        "fxp_detector_host_",
        {
            "classes": (COUNT,),
            "state_bytes": (COUNT,),
            "init": (None, POINTER),
            "run": (None, POINTER, POINTER, COUNT, POINTER),
        },
        remedy="write a detector with python -m kws.tune_detector",
    )

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        super().__init__(library)
        self.classes: int = self._call("classes")
        self.state_bytes: int = self._call("state_bytes")
        self._state = memory(self.state_bytes)
        self.reset()

    def reset(self) -> None:
        """As before the first step."""
        self._call("init", self._state)

    def run(self, logits: np.ndarray) -> np.ndarray:
        """The next rows of the stream: logit codes int8 [steps, classes] to the detected class or -1, int32 [steps].

        Raises:
          ValueError: another shape or dtype, or a closed detector.
        """
        if logits.dtype != np.int8 or logits.ndim != 2 or logits.shape[1] != self.classes:
            raise ValueError(f"logits {logits.dtype} {logits.shape}, expected int8 (steps, {self.classes})")
        detected = np.zeros(len(logits), np.int32)
        self._call("run", self._state, np.ascontiguousarray(logits), len(logits), detected)
        return detected
