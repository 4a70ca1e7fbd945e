"""Samples on disk for many processes: what is not read takes no memory, and nothing is sent per task."""

import dataclasses
import mmap
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

CLIPS, NOISES = "clips.int16", "noises.int16"
_BLOCK_CLIPS = 1024


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
        with open(self._path(CLIPS), "wb") as file:
            for start in range(0, len(samples), _BLOCK_CLIPS):
                file.write(np.ascontiguousarray(samples[start : start + _BLOCK_CLIPS]).data)
        self.write_noises(noises)

    def write_noises(self, noises: Sequence[np.ndarray]) -> None:
        """Writes the recordings, int16 [noise_lengths[i]]."""
        with open(self._path(NOISES), "wb") as file:
            for noise in noises:
                file.write(np.ascontiguousarray(noise).data)

    def open_clips(self) -> Callable[[int], np.ndarray]:
        """A function from a clip's number to its samples, int16 [clip_samples]."""
        descriptor = os.open(self._path(CLIPS), os.O_RDONLY)
        size = self._clip_bytes
        return lambda clip: np.frombuffer(os.pread(descriptor, size, clip * size), np.int16)

    def read_clips(self, start: int, stop: int) -> np.ndarray:
        """The clips from `start` up to, and not including, `stop`: int16 [stop - start, clip_samples]."""
        count = (stop - start) * self.clip_samples
        samples = np.fromfile(self._path(CLIPS), np.int16, count, offset=start * self._clip_bytes)
        return samples.reshape(-1, self.clip_samples)

    def map_clips(self) -> np.ndarray:
        """All clips, int16 [n, clip_samples], read-only: they are read when they are looked at."""
        return mapped(self._path(CLIPS)).reshape(-1, self.clip_samples)

    def read_noises(self) -> list[np.ndarray]:
        """The recordings, int16 each."""
        return self._cut(np.fromfile(self._path(NOISES), np.int16))

    def map_noises(self) -> list[np.ndarray]:
        """The recordings, int16 each, read-only: they are read when they are looked at."""
        return self._cut(mapped(self._path(NOISES)))

    def _cut(self, samples: np.ndarray) -> list[np.ndarray]:
        return np.split(samples, np.cumsum(self.noise_lengths)[:-1]) if self.noise_lengths else []

    @property
    def _clip_bytes(self) -> int:
        return self.clip_samples * np.dtype(np.int16).itemsize

    def _path(self, name: str) -> pathlib.Path:
        return pathlib.Path(self.folder) / name


def mapped(path: pathlib.Path) -> np.ndarray:
    """The samples of a file, int16 [n], read-only and mapped into memory."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:  # which can't be mapped
            return np.frombuffer(b"", np.int16)
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.int16)
