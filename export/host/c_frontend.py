"""The C front end on the host: compiles a bundle's tables with the front end's C and calls it.

Codes equal `kws.frontend.features`.
"""

import _ctypes
import ctypes
import pathlib
import tempfile
import weakref

import numpy as np

from export.host import c_engine
from export.source import frontend_source
from microcontroller import c_sources

_LIBRARY = "fxp_frontend.so"


class CFrontEnd:
    """A front end compiled for the host, with one stream's state; `reset` begins another stream.

    Attributes:
      config_sha256: `FrontEndConfig.sha256` of the parameters from which the tables were generated.
      hop_samples, coefficients, frames: shape of what goes in and comes out.
      state_bytes, scratch_bytes: memory of a stream, and of one hop, on the host.
    """

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        self._library = lib = ctypes.CDLL(str(library))
        weakref.finalize(self, _ctypes.dlclose, lib._handle)
        lib.fxp_host_config_sha256.restype = ctypes.c_char_p
        lib.fxp_host_shape.restype = lib.fxp_host_init.restype = lib.fxp_host_hops.restype = None
        lib.fxp_host_features.restype = lib.fxp_host_clips.restype = None
        pointer, count = ctypes.c_void_p, ctypes.c_uint32
        lib.fxp_host_init.argtypes = [pointer]
        lib.fxp_host_hops.argtypes = [pointer, pointer, count, pointer, pointer]
        lib.fxp_host_features.argtypes = [pointer, pointer]
        lib.fxp_host_clips.argtypes = [pointer, count, count, pointer]
        lib.fxp_host_spectrum.argtypes = [pointer, pointer, pointer]
        shape = (ctypes.c_uint32 * 5)()
        lib.fxp_host_shape(shape)
        self.hop_samples, self.coefficients, self.frames, self.state_bytes, self.scratch_bytes = shape
        self.config_sha256 = lib.fxp_host_config_sha256().decode()
        # 64-bit words, for their alignment.
        self._state = np.zeros(-(-self.state_bytes // 8), np.int64)
        self._scratch = np.zeros(-(-self.scratch_bytes // 8), np.int64)
        self.reset()

    @classmethod
    def build(cls, c_folder: str | pathlib.Path) -> "CFrontEnd":
        """Compiles the generated C in `c_folder` (a bundle's c/) and loads it.

        Raises:
          HostError: no compiler, a file missing, or C that does not compile.
        """
        with tempfile.TemporaryDirectory(prefix="fxp-frontend-") as folder:
            return cls(_compile(pathlib.Path(c_folder), pathlib.Path(folder) / _LIBRARY))

    def reset(self) -> None:
        """As before the first hop: digital silence."""
        self._library.fxp_host_init(self._state.ctypes.data)

    def hops(self, samples: np.ndarray) -> np.ndarray:
        """The next samples of the stream: int16 [n * hop_samples] to the frames they complete, int8 [n, coefficients].

        Raises:
          ValueError: another dtype, or no whole number of hops.
        """
        if samples.dtype != np.int16 or samples.ndim != 1 or len(samples) % self.hop_samples:
            raise ValueError(f"samples {samples.dtype} {samples.shape}, expected int16 (n * {self.hop_samples},)")
        samples = np.ascontiguousarray(samples)
        frames = np.empty((len(samples) // self.hop_samples, self.coefficients), np.int8)
        state, scratch = self._state.ctypes.data, self._scratch.ctypes.data
        self._library.fxp_host_hops(state, samples.ctypes.data, len(frames), frames.ctypes.data, scratch)
        return frames

    def features(self) -> np.ndarray:
        """The network's input now: int8 [frames, coefficients, 1], oldest frame first."""
        result = np.empty((self.frames, self.coefficients, 1), np.int8)
        self._library.fxp_host_features(self._state.ctypes.data, result.ctypes.data)
        return result

    def clips(self, samples: np.ndarray) -> np.ndarray:
        """Features of clips, each a stream of its own.

        int16 [n, hops * hop_samples] to int8 [n, frames, coefficients, 1].

        Raises:
          ValueError: another dtype, or no whole number of hops.
        """
        if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] % self.hop_samples:
            raise ValueError(f"samples {samples.dtype} {samples.shape}, expected int16 (clips, n * {self.hop_samples})")
        samples = np.ascontiguousarray(samples)
        result = np.empty((len(samples), self.frames, self.coefficients, 1), np.int8)
        hops = samples.shape[1] // self.hop_samples
        self._library.fxp_host_clips(samples.ctypes.data, len(samples), hops, result.ctypes.data)
        return result

    def spectrum(self, samples: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, int]:
        """One frame's spectrum: int16 [640] times int16 [640] to int32 [257, 2], and its normalization."""
        bins = np.empty((257, 2), np.int32)
        samples, steps = np.ascontiguousarray(samples, np.int16), frontend_source.steps(window)
        shift = self._library.fxp_host_spectrum(samples.ctypes.data, steps.ctypes.data, bins.ctypes.data)
        return bins, shift


def _compile(c_folder: pathlib.Path, library: pathlib.Path) -> pathlib.Path:
    part = c_sources.front_end()
    files = [*part.files, part.host / "fxp_frontend_host.c"]
    generated = (frontend_source.HEADER, frontend_source.SOURCE)
    return c_engine.compile_library(c_folder, generated, files, part.include_folders, library)
