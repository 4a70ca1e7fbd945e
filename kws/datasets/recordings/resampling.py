"""From any rate to 16 kHz without delay: a word lies where it lay in the recording."""

import fractions
import functools
from collections.abc import Iterable, Iterator

import numpy as np

from export.model.frontend_config import HIGHEST_RATE, LOWEST_RATE
from kws.datasets.clip import SAMPLE_RATE

# Every rate up to this one has its exact ratio; one above it that shares no factor with 16 kHz a close one.
_LARGEST_DENOMINATOR = 64_000
# Of the filter: its length on each side in periods of the lower rate, its cutoff as a share of the lower Nyquist
# frequency, and its window. Flat within 0.03 dB to 7 kHz, 90 dB down from 8.5 kHz on.
_PERIODS = 32
_CUTOFF = 0.95
_KAISER_BETA = 9.0
# Samples that are resampled at a time, at least.
_LEAST_BLOCK = 1 << 19


def to_16_khz(samples: np.ndarray, rate: int) -> np.ndarray:
    """float64 [n] at `rate` Hz -> float64 [about n * 16000 / rate] at 16 kHz; sample t stays at the time t / rate.

    The polyphase filter is symmetrical and centred, so that nothing comes late.

    Raises:
      ValueError: a rate outside LOWEST_RATE to HIGHEST_RATE.
    """
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"rate={rate} Hz: expected {LOWEST_RATE} to {HIGHEST_RATE}")
    if rate == SAMPLE_RATE:
        return samples
    import scipy.signal

    up, down = _ratio(rate)
    return scipy.signal.resample_poly(samples, up, down, window=_low_pass(max(up, down)))


def in_blocks(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """What `to_16_khz` gives of the blocks end to end, bit by bit, in blocks: memory is that of a few seconds.

    Between two blocks lie as many samples as the filter is long. Blocks begin at multiples of `down` samples, at which
    the phases of the filter begin anew.

    Args:
      blocks: float64 [any length] each.

    Raises:
      ValueError: as `to_16_khz`.
    """
    up, down = _ratio(rate)
    margin = down * -(-_PERIODS * max(up, down) // (up * down)) if up != down else 0
    held, done = np.zeros(0), 0
    for block in blocks:
        held = np.concatenate((held, block))
        end = (len(held) - margin) // down * down
        if end - done < _LEAST_BLOCK:
            continue
        yield to_16_khz(held, rate)[done * up // down : end * up // down]
        kept = max(end - margin, 0)
        held, done = held[kept:], end - kept
    if len(held) > done:
        yield to_16_khz(held, rate)[done * up // down :]


def _ratio(rate: int) -> tuple[int, int]:
    ratio = fractions.Fraction(SAMPLE_RATE, rate).limit_denominator(_LARGEST_DENOMINATOR)
    return ratio.numerator, ratio.denominator


@functools.lru_cache(maxsize=4)
def _low_pass(periods: int) -> np.ndarray:
    """Taps at the common multiple of both rates, of which `periods` make a period of the lower rate."""
    import scipy.signal

    return scipy.signal.firwin(2 * _PERIODS * periods + 1, _CUTOFF / periods, window=("kaiser", _KAISER_BETA))
