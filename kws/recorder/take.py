"""What is kept of a take, and what is wrong with it. `take.js` does the same in a browser, with the same numbers."""

import dataclasses

import numpy as np

from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE
from kws.datasets.survey import measures
from kws.datasets.survey.survey import CLIPPED_ABOVE, NOISY_BELOW_DB, QUIET_BELOW_DB, SILENT_BELOW_DB

FRAME = SAMPLE_RATE // 50
# A frame is sound within this of the loudest, and this far above the quietest tenth.
RANGE_DB, OVER_NOISE_DB = 30.0, 4.0
# Sounds of fewer frames are clicks.
LEAST_FRAMES = 3
# Kept on each side of a word that lasts longer than a clip.
MARGIN = SAMPLE_RATE // 10
SILENT, CUT_OFF, CLIPPED, QUIET, NOISY = (
    "nothing was heard: come nearer, or turn the microphone on",
    "it was cut off: begin after the prompt, and end before the time is over",
    "too loud: go further away, or turn the microphone down",
    "quiet: come nearer, or turn the microphone up",
    "noisy: the word is hardly louder than what is around it",
)
# For these the word is recorded again, unless whoever speaks wants to keep it.
BAD = (SILENT, CUT_OFF, CLIPPED)


@dataclasses.dataclass(frozen=True)
class Take:
    """A take: what is kept of it, int16 [n], its level in dB of full scale, and what is wrong with it ("": nothing)."""

    samples: np.ndarray
    level_db: float
    fault: str

    @property
    def is_good(self) -> bool:
        return self.fault not in BAD


def take(samples: np.ndarray) -> Take:
    """Of a take, int16 [n], the second around the word; or if the word is longer, that and a tenth on each side."""
    measured = measures.of_samples(samples[np.newaxis])
    level, ratio, clipped = (float(values[0]) for values in (measured.level_db, measured.snr_db, measured.clipped))
    start, end = extent(samples)
    if level < SILENT_BELOW_DB or end == start:
        return Take(samples, level, SILENT)
    fault = CUT_OFF if start == 0 or end >= len(samples) // FRAME * FRAME else ""
    fault = fault or (CLIPPED if clipped > CLIPPED_ABOVE else QUIET if level < QUIET_BELOW_DB else "")
    return Take(kept(samples, start, end), level, fault or (NOISY if ratio < NOISY_BELOW_DB else ""))


def extent(samples: np.ndarray) -> tuple[int, int]:
    """(first sample, the one behind the last) of the word in int16 [n], by frames; (0, 0) where there is no sound."""
    power = np.mean(np.square(samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME), dtype=np.float64), axis=1)
    noise = np.sort(power)[len(power) // 10]
    least = max(float(np.max(power)) * 10 ** (-RANGE_DB / 10), noise * 10 ** (OVER_NOISE_DB / 10))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], power > least, [False])).astype(np.int8)))
    sounds = [(start, end) for start, end in edges.reshape(-1, 2).tolist() if end - start >= LEAST_FRAMES]
    return (sounds[0][0] * FRAME, sounds[-1][1] * FRAME) if sounds else (0, 0)


def kept(samples: np.ndarray, start: int, end: int) -> np.ndarray:
    """The part of a take with its word, from `start` to `end`, in the middle."""
    length = min(len(samples), CLIP_SAMPLES if end - start <= CLIP_SAMPLES else end - start + 2 * MARGIN)
    first = min(max((start + end - length) // 2, 0), len(samples) - length)
    return samples[first : first + length]
