"""The C front end on the host: compiles a bundle's tables with the front end's C and calls it.

Codes equal `kws.frontend.features`.
"""

import pathlib

import numpy as np

from export.host.library import COUNT, INTEGER, POINTER, TEXT, HostLibrary, LibraryDefinition, memory
from export.source import frontend_source
from microcontroller import c_sources


class CFrontEnd(HostLibrary):
    """A front end compiled for the host, with one stream's state; `reset` begins another stream.

    Attributes:
      config_sha256: `FrontEndConfig.sha256` of the parameters from which the tables were generated.
      hop_samples, coefficients, frames: shape of what goes in and comes out.
      state_bytes, scratch_bytes: memory of a stream, and of one hop, on the host.
    """

    definition = LibraryDefinition(
        c_sources.front_end,
        "fxp_frontend_host.c",
        (frontend_source.HEADER, frontend_source.SOURCE),
        "fxp_host_",
        {
            "config_sha256": (TEXT,),
            "shape": (None, POINTER),
            "init": (None, POINTER),
            "hops": (None, POINTER, POINTER, COUNT, POINTER, POINTER),
            "features": (None, POINTER, POINTER),
            "clips": (None, POINTER, COUNT, COUNT, POINTER),
            "spectrum": (INTEGER, POINTER, POINTER, POINTER),
        },
    )

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        super().__init__(library)
        shape = self._numbers("shape", 5)
        self.hop_samples, self.coefficients, self.frames, self.state_bytes, self.scratch_bytes = shape
        self.config_sha256 = self._text("config_sha256")
        self._state, self._scratch = memory(self.state_bytes), memory(self.scratch_bytes)
        self.reset()

    def reset(self) -> None:
        """As before the first hop: digital silence."""
        self._call("init", self._state)

    def hops(self, samples: np.ndarray) -> np.ndarray:
        """The next samples of the stream: int16 [n * hop_samples] to the frames they complete, int8 [n, coefficients].

        Raises:
          ValueError: another dtype, no whole number of hops, or a closed front end.
        """
        if samples.dtype != np.int16 or samples.ndim != 1 or len(samples) % self.hop_samples:
            raise ValueError(f"samples {samples.dtype} {samples.shape}, expected int16 (n * {self.hop_samples},)")
        frames = np.empty((len(samples) // self.hop_samples, self.coefficients), np.int8)
        self._call("hops", self._state, np.ascontiguousarray(samples), len(frames), frames, self._scratch)
        return frames

    def features(self) -> np.ndarray:
        """The network's input now: int8 [frames, coefficients, 1], oldest frame first."""
        result = np.empty((self.frames, self.coefficients, 1), np.int8)
        self._call("features", self._state, result)
        return result

    def clips(self, samples: np.ndarray) -> np.ndarray:
        """Features of clips, each a stream of its own.

        int16 [n, hops * hop_samples] to int8 [n, frames, coefficients, 1].

        Raises:
          ValueError: as `hops`.
        """
        if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] % self.hop_samples:
            raise ValueError(f"samples {samples.dtype} {samples.shape}, expected int16 (clips, n * {self.hop_samples})")
        result = np.empty((len(samples), self.frames, self.coefficients, 1), np.int8)
        hops = samples.shape[1] // self.hop_samples
        self._call("clips", np.ascontiguousarray(samples), len(samples), hops, result)
        return result

    def spectrum(self, samples: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, int]:
        """One frame's spectrum: int16 [640] times int16 [640] to int32 [257, 2], and its normalization."""
        bins = np.empty((257, 2), np.int32)
        steps = frontend_source.steps(window)
        shift = self._call("spectrum", np.ascontiguousarray(samples, np.int16), steps, bins)
        return bins, shift
