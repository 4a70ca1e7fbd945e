"""The C detector on the host: compiles a detector's tables with its C and calls it.

Detections equal `export.model.detector`, step by step.
"""

import _ctypes
import ctypes
import pathlib
import tempfile
import weakref

import numpy as np

from export.host import c_engine
from export.source import detector_source
from microcontroller import c_sources

_LIBRARY = "fxp_detector.so"
_REMEDY = "write a detector with python -m kws.tune_detector"


class CDetector:
    """A detector compiled for the host, with one stream's state; `reset` begins another stream.

    Attributes:
      classes: logits in a row.
      state_bytes: memory of a stream.
    """

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        self._library = lib = ctypes.CDLL(str(library))
        weakref.finalize(self, _ctypes.dlclose, lib._handle)
        pointer = ctypes.c_void_p
        lib.fxp_detector_host_init.restype = lib.fxp_detector_host_run.restype = None
        lib.fxp_detector_host_init.argtypes = [pointer]
        lib.fxp_detector_host_run.argtypes = [pointer, pointer, ctypes.c_uint32, pointer]
        self.classes, self.state_bytes = lib.fxp_detector_host_classes(), lib.fxp_detector_host_state_bytes()
        # 64-bit words, for their alignment.
        self._state = np.zeros(-(-self.state_bytes // 8), np.int64)
        self.reset()

    @classmethod
    def build(cls, c_folder: str | pathlib.Path) -> "CDetector":
        """Compiles the generated C in `c_folder` (a bundle's c/) and loads it.

        Raises:
          HostError: no compiler, a file missing, or C that does not compile.
        """
        c_folder = pathlib.Path(c_folder)
        generated = (detector_source.HEADER, detector_source.SOURCE)
        part = c_sources.detector()
        files = [*part.files, part.host / "fxp_detector_host.c"]
        with tempfile.TemporaryDirectory(prefix="fxp-detector-") as folder:
            library = pathlib.Path(folder) / _LIBRARY
            c_engine.compile_library(c_folder, generated, files, part.include_folders, library, _REMEDY)
            return cls(library)

    def reset(self) -> None:
        """As before the first step."""
        self._library.fxp_detector_host_init(self._state.ctypes.data)

    def run(self, logits: np.ndarray) -> np.ndarray:
        """The next rows of the stream: logit codes int8 [steps, classes] to the detected class or -1, int32 [steps].

        Raises:
          ValueError: another shape or dtype.
        """
        if logits.dtype != np.int8 or logits.ndim != 2 or logits.shape[1] != self.classes:
            raise ValueError(f"logits {logits.dtype} {logits.shape}, expected int8 (steps, {self.classes})")
        logits = np.ascontiguousarray(logits)
        detected = np.zeros(len(logits), np.int32)
        self._library.fxp_detector_host_run(
            self._state.ctypes.data, logits.ctypes.data, len(logits), detected.ctypes.data
        )
        return detected
