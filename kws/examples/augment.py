"""Augmentation of one clip of PCM: speed, shift, a room, background noise and gain, drawn afresh every time."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from kws.examples import reverberation

INT16_MIN, INT16_MAX = -32768, 32767
# Taps of the cubic interpolation to either side of a position.
_MARGIN = 2


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Ranges of what is drawn; each is uniform between its two ends.

    Attributes:
      speed: playback speed (pitch follows), the clip's middle staying where it is.
      shift_samples: largest time shift to either side, 1600 is 100 ms at 16 kHz.
      room_probability: share of the clips that are heard in a room (`reverberation`).
      noise_probability: share of the clips to which background noise is added.
      snr_db: ratio of the clip's power to that of the noise, in decibels.
      gain_db: level of the sum, in decibels.
    """

    speed: tuple[float, float] = (0.85, 1.18)
    shift_samples: int = 1600
    room_probability: float = 0.2
    noise_probability: float = 0.8
    snr_db: tuple[float, float] = (0.0, 40.0)
    gain_db: tuple[float, float] = (-26.0, 4.0)

    def __post_init__(self) -> None:
        for name in ("speed", "snr_db", "gain_db"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f"{name}={(low, high)}: the lower end comes first")
        if not 0.25 <= self.speed[0] <= self.speed[1] <= 4:
            raise ValueError(f"speed={self.speed}: expected 0.25 to 4")
        if self.shift_samples < 0:
            raise ValueError(f"shift_samples={self.shift_samples}: expected 0 or more")
        for name in ("room_probability", "noise_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected 0 to 1")


def warp(samples: np.ndarray, speed: float, shift: float) -> np.ndarray:
    """Plays a clip faster around its middle, and later by `shift` samples.

    Catmull-Rom interpolation (a cubic through the four nearest samples), zeros outside the clip. Source: E. Catmull,
    R. Rom, "A class of local interpolating splines", 1974.

    Args:
      samples: int16 [n].
      speed: above 1 is faster (shorter, higher).
      shift: in samples of the result, positive is later.

    Returns:
      float32 [n].
    """
    count = len(samples)
    middle = (count - 1) / 2
    position = (np.arange(count) - (middle + shift)) * speed + middle
    below = np.floor(position)
    fraction = (position - below).astype(np.float32)
    before = max(0, -int(below[0])) + _MARGIN
    after = max(0, int(below[-1]) - count + 1) + _MARGIN
    padded = np.zeros(before + count + after, np.float32)
    padded[before : before + count] = samples
    index = below.astype(np.int64) + (before - 1)
    a, b, c, d = (padded[tap:].take(index) for tap in range(4))
    slope = (b - c) * 3 + d - a
    slope = (slope * fraction + (2 * a - 5 * b + 4 * c - d)) * fraction + (c - a)
    return slope * fraction * np.float32(0.5) + b


def mix(speech: np.ndarray, noise: np.ndarray | None, noise_level: float, gain: float) -> np.ndarray:
    """Adds noise to speech, and sets the level of the sum.

    Args:
      speech, noise: float32 [n].
      noise_level: factor of the noise, rounded to float32.
      gain: factor of the sum, rounded to float32.

    Returns:
      int16 [n], rounded to nearest, ties to even; what is too loud is clipped.
    """
    mixed = speech.copy() if noise is None else speech + noise * np.float32(noise_level)
    mixed *= np.float32(gain)
    return np.clip(np.rint(mixed, out=mixed), INT16_MIN, INT16_MAX).astype(np.int16)


@dataclasses.dataclass(frozen=True)
class Steps:
    """The steps of an augmentation that go through every sample: `warp` and `mix`, or what gives the same bits."""

    warp: Callable[[np.ndarray, float, float], np.ndarray]
    mix: Callable[[np.ndarray, np.ndarray | None, float, float], np.ndarray]


NUMPY = Steps(warp, mix)


def augment(
    samples: np.ndarray,
    rng: np.random.Generator,
    noises: Sequence[np.ndarray],
    config: AugmentConfig,
    steps: Steps = NUMPY,
) -> np.ndarray:
    """A variant of one clip.

    Args:
      samples: int16 [n], one clip.
      rng: gives every random choice.
      noises: background recordings, int16 [any length]; where there are none, white noise is added.
      config: the ranges to draw from.
      steps: what computes it.

    Returns:
      int16 [n]; what leaves the clip is lost, what enters it is zero, what is too loud is clipped.

    Raises:
      ValueError: another dtype or shape.
    """
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"samples of {samples.dtype} {samples.shape}: expected int16 [n]")
    speed = rng.uniform(*config.speed)
    shift = rng.uniform(-config.shift_samples, config.shift_samples)
    noisy = rng.uniform() < config.noise_probability
    snr_db = rng.uniform(*config.snr_db)
    gain = 10 ** (rng.uniform(*config.gain_db) / 20)
    speech = steps.warp(samples, speed, shift)
    if config.room_probability and rng.uniform() < config.room_probability:
        speech = reverberation.reverberate(speech, int(rng.integers(reverberation.ROOMS)))
    if noisy:
        noise = _excerpt(rng, noises, len(samples))
        speech_power, noise_power = _power(speech), _power(noise)
        if speech_power > 0 and noise_power > 0:
            return steps.mix(speech, noise, math.sqrt(speech_power / noise_power) * 10 ** (-snr_db / 20), gain)
    return steps.mix(speech, None, 0.0, gain)


def _excerpt(rng: np.random.Generator, noises: Sequence[np.ndarray], count: int) -> np.ndarray:
    if len(noises) == 0:
        return rng.standard_normal(count, dtype=np.float32)
    recording = noises[int(rng.integers(len(noises)))]
    if len(recording) < count:
        recording = np.resize(recording, count)
    start = int(rng.integers(len(recording) - count + 1))
    return recording[start : start + count].astype(np.float32)


def _power(samples: np.ndarray) -> float:
    return float(np.vdot(samples, samples)) / len(samples)
