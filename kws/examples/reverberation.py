"""Rooms: a clip as a microphone hears it that is some metres away.

An impulse response is the direct sound and a tail of decaying noise, which is what many reflections sum up to (J. D.
Polack, "Modifying chambers to play billiards: the foundations of reverberation theory", 1992). There are `ROOMS` of
them, the same in every run, so that each costs its spectrum once.
"""

import functools

import numpy as np

from kws.datasets.clip import SAMPLE_RATE

ROOMS = 64
# Seconds in which the tail falls by 60 dB, and by how many decibels its energy is below the direct sound's.
_DECAY_SECONDS = (0.15, 0.7)
_DIRECT_DB = (-2.0, 14.0)
# Before the first reflection.
_GAP_SECONDS = (0.002, 0.012)
# A tail is cut where this much of a second is over.
_TAIL_SECONDS = 0.28
_SEED = 20230604


def impulse_response(room: int) -> np.ndarray:
    """float64 [4480], 280 ms: 1 for the direct sound at the start, then the tail. `room` is 0 to `ROOMS` - 1."""
    rng = np.random.default_rng(np.random.SeedSequence([_SEED, room]))
    count = round(_TAIL_SECONDS * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    tail = rng.standard_normal(count) * 10 ** (-3 * time / rng.uniform(*_DECAY_SECONDS))
    tail[time < rng.uniform(*_GAP_SECONDS)] = 0.0
    tail *= 10 ** (-rng.uniform(*_DIRECT_DB) / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return tail


def reverberate(samples: np.ndarray, room: int) -> np.ndarray:
    """A clip in a room, its direct sound as it was.

    Args:
      samples: float32 [n].
      room: 0 to `ROOMS` - 1.

    Returns:
      float32 [n]; what sounds on after the clip's end is lost.
    """
    from scipy import fft  # takes a quarter of a second

    length, spectrum = _spectrum(room, len(samples))
    return fft.irfft(fft.rfft(samples, length) * spectrum, length)[: len(samples)]


@functools.lru_cache(maxsize=ROOMS)
def _spectrum(room: int, count: int) -> tuple[int, np.ndarray]:
    """Length of a transform in which `count` samples and the tail don't overlap, and the room's complex64 spectrum."""
    from scipy import fft

    response = impulse_response(room).astype(np.float32)
    length = fft.next_fast_len(count + len(response) - 1, real=True)
    return length, fft.rfft(response, length)
