"""Reverberation: impulse responses of rooms, from a recording that holds them end to end, or synthesized.

`room_impulse_responses.wav` (or another format) in the folder of negatives is cut where `sources.csv` beside it says
(rows with that name in the column `file`, and `start_seconds` and `seconds`), else wherever the level of 10 ms rises
by 18 dB. Of each piece there is kept what follows its peak until the level stays 34 dB below the loudest: behind that
comes the noise of the measurement. The pieces go to the splits in turn, so that no room is in two.
"""

import csv
import dataclasses
import itertools
import pathlib

import numpy as np

from kws.datasets.clip import SAMPLE_RATE, SPLITS
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives.folder import IMPULSE_RESPONSES
from kws.datasets.recordings import audio_file

SOURCES = "sources.csv"
_FRAME = SAMPLE_RATE // 100
_RISE = 8.0
_FLOOR = 0.02
# Frames before a rise whose quietest it is compared with, and in which no second one is looked for.
_NEAR = 5
_APART = 20
# Samples before the peak that are kept.
_BEFORE = SAMPLE_RATE // 1000
# Of a synthetic room: energy of the direct sound over that of the rest.
_DIRECT_TO_REVERBERANT_DB = 0.0


@dataclasses.dataclass(frozen=True)
class ImpulseResponse:
    """What a room makes of a click.

    Attributes:
      name: where it is from.
      samples: float64 [n] at 16 kHz, of energy 1, the direct sound within its first millisecond or two.
    """

    name: str
    samples: np.ndarray

    @property
    def rt60_seconds(self) -> float:
        """Time in which the sound falls by 60 dB, from Schroeder's integral between -5 and -20 dB."""
        left = np.cumsum(np.square(self.samples[::-1]))[::-1]
        level = 10 * np.log10(np.maximum(left / left[0], 1e-12))
        fallen = [int(np.argmax(level <= -decibels)) for decibels in (5, 20)]
        return 60 / 15 * (fallen[1] - fallen[0]) / SAMPLE_RATE


def impulse_responses(folder: str | pathlib.Path, split: str) -> list[ImpulseResponse]:
    """The impulse responses of a split in a folder of negatives; none where the folder has none.

    Raises:
      DatasetError: an unknown split, a folder or file that can't be read, or a damaged `sources.csv`.
    """
    if split not in SPLITS:
        raise DatasetError(f"split={split} is unknown: choose one of {', '.join(SPLITS)}")
    path = _file(pathlib.Path(folder))
    if path is None:
        return []
    try:
        samples = audio_file.read(path).astype(np.float64)
    except audio_file.NotAudio as reason:
        raise DatasetError(f"negatives: {path} can't be used: {reason}") from reason
    places = _listed(path.parent / SOURCES) or _rises(samples)
    pieces = [samples[start:end] for start, end in places]
    kept = [_direct_and_tail(piece) for piece in pieces if np.any(piece)]
    return [
        ImpulseResponse(f"{path.stem}/{number}", piece / np.sqrt(np.sum(np.square(piece))))
        for number, piece in enumerate(kept)
        if SPLITS[number % len(SPLITS)] == split
    ]


def synthetic(rng: np.random.Generator, rt60_seconds: float) -> ImpulseResponse:
    """Direct sound and, 3 ms behind it, as much energy of Gaussian noise that falls by 60 dB in `rt60_seconds`."""
    count = round(rt60_seconds * SAMPLE_RATE)
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: 3 * SAMPLE_RATE // 1000] = 0
    tail *= 10 ** (-_DIRECT_TO_REVERBERANT_DB / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return ImpulseResponse(f"synthetic, RT60 {rt60_seconds:g} s", tail / np.sqrt(np.sum(np.square(tail))))


def reverberate(samples: np.ndarray, response: ImpulseResponse) -> np.ndarray:
    """Sound in a room: float64 [n + length of the response - 1] of samples [n]; the direct sound is not delayed by
    more than two milliseconds."""
    from scipy.signal import fftconvolve  # takes a second

    return np.asarray(fftconvolve(samples.astype(np.float64), response.samples))


def _file(folder: pathlib.Path) -> pathlib.Path | None:
    try:
        paths = sorted(folder.glob(f"{IMPULSE_RESPONSES}.*"))
    except OSError as error:
        raise DatasetError(f"negatives={folder} can't be read ({error.strerror}): give a folder of sound") from error
    return next((path for path in paths if path.suffix.lower() in audio_file.SUFFIXES), None)


def _listed(path: pathlib.Path) -> list[tuple[int, int]]:
    """(first sample, the one behind the last) of every impulse response that `sources.csv` names."""
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("file") == IMPULSE_RESPONSES]
        spans = [(float(row["start_seconds"]), float(row["seconds"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DatasetError(
            f"negatives: {path} can't be read ({error}): expected columns file, start_seconds and seconds"
        ) from error
    return [(round(start * SAMPLE_RATE), round((start + seconds) * SAMPLE_RATE)) for start, seconds in spans]


def _levels(samples: np.ndarray) -> np.ndarray:
    """RMS of every 10 ms, float64 [n // 160]."""
    whole = samples[: len(samples) - len(samples) % _FRAME].reshape(-1, _FRAME)
    return np.sqrt(np.mean(np.square(whole), axis=1))


def _rises(samples: np.ndarray) -> list[tuple[int, int]]:
    """The same where nothing names them: each begins at a rise by 18 dB, the first with the recording."""
    levels = _levels(samples)
    floor = 1e-4 * levels.max(initial=0)
    starts = [0]
    for frame in range(1, len(levels)):
        before = levels[max(frame - _NEAR, 0) : frame].min()
        if levels[frame] > _RISE * max(before, floor) and frame - starts[-1] >= _APART:
            starts.append(frame)
    # Half a frame earlier: the direct sound may begin at a frame's very start.
    edges = [max(start * _FRAME - _FRAME // 2, 0) for start in starts] + [len(samples)]
    return list(itertools.pairwise(edges))


def _direct_and_tail(piece: np.ndarray) -> np.ndarray:
    peak = max(int(np.argmax(np.abs(piece))) - _BEFORE, 0)
    sound = np.pad(piece[peak:], (0, -(len(piece) - peak) % _FRAME))
    levels = _levels(sound)
    last = int(np.flatnonzero(levels >= _FLOOR * levels.max())[-1])
    return sound[: (last + 1) * _FRAME]
