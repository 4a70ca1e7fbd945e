"""Samples on disk for worker processes: what is not read takes no memory, and nothing is sent per task."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class SampleStore:
    """Clips and noise recordings in a file each.

    Attributes:
      folder: where the two files lie.
      clip_samples: samples of each clip.
      noise_lengths: samples of each noise recording.
    """

    folder: str
    clip_samples: int
    noise_lengths: tuple[int, ...]

    def write(self, samples: np.ndarray, noises: Sequence[np.ndarray]) -> None:
        """Writes int16 [n, clip_samples] and the recordings, int16 [noise_lengths[i]]."""
        with open(self._path("clips"), "wb") as file:
            for start in range(0, len(samples), 1024):
                file.write(np.ascontiguousarray(samples[start : start + 1024]).data)
        with open(self._path("noises"), "wb") as file:
            for noise in noises:
                file.write(np.ascontiguousarray(noise).data)

    def open_clips(self) -> Callable[[int], np.ndarray]:
        """A function from a clip's number to its samples, int16 [clip_samples]."""
        descriptor = os.open(self._path("clips"), os.O_RDONLY)
        size = self.clip_samples * np.dtype(np.int16).itemsize
        return lambda clip: np.frombuffer(os.pread(descriptor, size, clip * size), np.int16)

    def read_noises(self) -> list[np.ndarray]:
        """The recordings, int16 each."""
        samples = np.fromfile(self._path("noises"), np.int16)
        return np.split(samples, np.cumsum(self.noise_lengths)[:-1]) if self.noise_lengths else []

    def _path(self, name: str) -> pathlib.Path:
        return pathlib.Path(self.folder) / f"{name}.int16"
