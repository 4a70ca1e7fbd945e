"""Noise: synthesized kinds, excerpts of recordings, and levels. All float64 unless it says int16."""

import math
from collections.abc import Sequence

import numpy as np

from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE

INT16_MAX = 32767
# Spectral slope of the named colours: power falls with frequency**-slope.
COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}
_LOWEST_HZ = 20.0


def coloured(rng: np.random.Generator, count: int, slope: float) -> np.ndarray:
    """Gaussian noise of RMS 1, [count], whose power spectrum falls with frequency**-slope (flat below 20 Hz)."""
    bins = count // 2 + 1
    spectrum = rng.standard_normal(bins) + 1j * rng.standard_normal(bins)
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), _LOWEST_HZ)
    spectrum *= frequencies ** (-slope / 2)
    spectrum[0] = 0
    return with_rms(np.fft.irfft(spectrum, count), 1.0)


def hum(rng: np.random.Generator, count: int) -> np.ndarray:
    """Mains hum of RMS 1, [count]: 50 or 60 Hz and eleven harmonics of falling, random strength."""
    mains = rng.choice((50.0, 60.0))
    time = np.arange(count) / SAMPLE_RATE
    result = np.zeros(count)
    for harmonic in range(1, 13):
        strength = rng.uniform(0.2, 1.0) / harmonic
        result += strength * np.sin(2 * math.pi * (mains * harmonic * time + rng.uniform()))
    return with_rms(result, 1.0)


def babble(rng: np.random.Generator, speech: np.ndarray, count: int, voices: int = 6) -> np.ndarray:
    """Many people talking, of RMS 1, [count]: `voices` streams of clips drawn from `speech` ([n, length]) are added."""
    result = np.zeros(count)
    length = speech.shape[1]
    for _ in range(voices):
        position = -int(rng.integers(length))
        while position < count:
            clip = with_rms(speech[rng.integers(len(speech))].astype(np.float64), 1.0)
            start, end = max(position, 0), min(position + length, count)
            result[start:end] += clip[start - position : end - position]
            position += int(length * rng.uniform(0.5, 0.9))
    return with_rms(result, 1.0)


def excerpt(rng: np.random.Generator, noises: Sequence[np.ndarray], count: int = CLIP_SAMPLES) -> np.ndarray:
    """A random stretch of a random recording, [count]; a recording that is too short is repeated.

    Raises:
      ValueError: no recordings, or an empty one.
    """
    if not noises:
        raise ValueError("no noise recordings to take an excerpt from")
    recording = noises[int(rng.integers(len(noises)))]
    if len(recording) == 0:
        raise ValueError("a noise recording is empty")
    if len(recording) < count:
        recording = np.resize(recording, count)
    start = int(rng.integers(len(recording) - count + 1))
    return recording[start : start + count].astype(np.float64)


def rms(samples: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def with_rms(samples: np.ndarray, level: float) -> np.ndarray:
    """Scaled to an RMS of `level`; digital silence stays what it is."""
    present = rms(samples)
    return samples * (level / present) if present > 0 else samples


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number in [low, high] whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Rounds to the nearest integer and saturates; int16 of the same shape."""
    return np.clip(np.rint(samples), -INT16_MAX - 1, INT16_MAX).astype(np.int16)
