"""MFCC of whole clips by C on the host, many frames at a time: the integers of `export.frontend.cepstrum.mfcc`."""

import dataclasses
import pathlib
from typing import Self

import numpy as np

from export.host.library import COUNT, POINTER, HostLibrary, LibraryDefinition
from export.model.frontend_config import FrontEndConfig
from export.source import frontend_source
from kws_cli import held_folder
from microcontroller import c_sources
from microcontroller.c_sources import CSources


def _headers() -> CSources:
    """The front end's steps and tables; its functions, which take a hop at a time, are not needed."""
    return dataclasses.replace(c_sources.front_end(), files=())


class CMfcc(HostLibrary):
    """The MFCC of a front end, whatever its calibration and the length of the clips.

    Attributes:
      window_samples, hop_samples, coefficients: its shape.
    """

    definition = LibraryDefinition(
        _headers,
        "fxp_frontend_mfcc_host.c",
        (frontend_source.HEADER, frontend_source.SOURCE),
        "fxp_host_",
        {"mfcc_shape": (None, POINTER), "mfcc": (None, POINTER, COUNT, COUNT, COUNT, POINTER)},
        remedy="report this with the compiler's version",
    )

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` or `of_config` compiled."""
        super().__init__(library)
        self.window_samples, self.hop_samples, self.coefficients = self._numbers("mfcc_shape", 3)

    @classmethod
    def of_config(cls, config: FrontEndConfig, build_dir: str | pathlib.Path | None = None) -> Self:
        """Writes the tables of `config` as C, and builds the library as `build` does.

        Raises:
          HostError: as `build`.
          ValueError: there is no C for this shape.
        """
        coefficients = config.coefficients
        some_codes = dataclasses.replace(config, offsets=(0,) * coefficients, shifts=(1,) * coefficients)
        with held_folder.made("fxp-mfcc-") as folder:
            for name, text in frontend_source.generate(some_codes).items():
                (folder / name).write_text(text, encoding="utf-8")
            return cls.build(folder, build_dir)

    def mfcc(self, samples: np.ndarray) -> np.ndarray:
        """MFCC before they are turned into codes: int16 [n, samples] to int32 [n, frames, coefficients] in Q22.

        Raises:
          ValueError: another dtype or shape, clips in which no frame fits, or a closed library.
        """
        if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] < self.window_samples:
            expected = f"expected int16 (clips, {self.window_samples} or more)"
            raise ValueError(f"samples {samples.dtype} {samples.shape}, {expected}")
        clips, length = samples.shape
        frames = 1 + (length - self.window_samples) // self.hop_samples
        result = np.empty((clips, frames, self.coefficients), np.int32)
        self._call("mfcc", np.ascontiguousarray(samples), clips, length, frames, result)
        return result
