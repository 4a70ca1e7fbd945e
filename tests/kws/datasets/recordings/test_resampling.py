"""Resampling keeps the time, the level and the band, and makes nothing new."""

import fractions

import numpy as np
import pytest

from kws.datasets.clip import SAMPLE_RATE
from kws.datasets.recordings import resampling

RATES = (4000, 8000, 11025, 12000, 16001, 22050, 32000, 44099, 44100, 48000, 96000, 192000, 352800, 384000)
_MOST_LATE_S = 1e-5


def _chirp(time: np.ndarray, highest: float) -> np.ndarray:
    """A sound at 0.35 to 0.65 s that rises from 200 Hz to `highest`."""
    within = np.clip((time - 0.35) / 0.3, 0, 1)
    phase = 2 * np.pi * 0.3 * (200 * within + (highest - 200) * within**2 / 2)
    return np.sin(np.pi * within) ** 2 * np.sin(phase)


@pytest.mark.parametrize("rate", RATES)
def test_an_impulse_stays_where_it_is(rate: int) -> None:
    impulse = np.zeros(rate)
    impulse[rate // 2] = 1.0
    power = np.square(resampling.to_16_khz(impulse, rate))
    centre = np.sum(power * np.arange(len(power))) / np.sum(power) / SAMPLE_RATE
    assert abs(centre - (rate // 2) / rate) < _MOST_LATE_S


@pytest.mark.parametrize("rate", RATES)
def test_a_chirp_is_the_same_chirp(rate: int) -> None:
    highest = 0.35 * min(rate, SAMPLE_RATE)
    resampled = resampling.to_16_khz(_chirp(np.arange(rate) / rate, highest), rate)
    assert abs(len(resampled) - SAMPLE_RATE) <= 1
    expected = _chirp(np.arange(len(resampled)) / SAMPLE_RATE, highest)
    np.testing.assert_allclose(resampled, expected, atol=1e-3)


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 192000])
def test_the_band_is_kept_and_what_lies_above_does_not_fold_into_it(rate: int) -> None:
    time = np.arange(rate) / rate
    for tone, low, high in ((1000, -0.01, 0.01), (7000, -0.05, 0.05), (8500, -300, -90), (10000, -300, -90)):
        level = np.max(np.abs(resampling.to_16_khz(np.sin(2 * np.pi * tone * time), rate)[2000:-2000]))
        assert low <= 20 * np.log10(level + 1e-15) <= high, tone


def test_16_khz_is_left_alone_and_other_rates_are_bounded() -> None:
    samples = np.arange(100.0)
    assert resampling.to_16_khz(samples, SAMPLE_RATE) is samples
    for rate in (-1, 0, 3999, 384001, 2**31):
        with pytest.raises(ValueError, match=f"rate={rate} Hz: expected 4000 to 384000"):
            resampling.to_16_khz(samples, rate)


def test_an_odd_rate_beyond_64_khz_has_a_close_ratio() -> None:
    for rate in (64_001, 191_999, 383_999):
        ratio = fractions.Fraction(SAMPLE_RATE, rate).limit_denominator(resampling._LARGEST_DENOMINATOR)
        assert abs(float(ratio) * rate / SAMPLE_RATE - 1) < 1e-5


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 6007])
def test_blocks_give_the_whole_bit_by_bit(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "_LEAST_BLOCK", 3000)
    rng = np.random.default_rng(rate)
    samples = rng.normal(0, 0.3, 50_000 + (50_000 if rate > 40_000 else 0))
    whole = resampling.to_16_khz(samples, rate)
    for lengths in ([len(samples)], [1] * 3, [20_000, 0, 1], [7, 4000, *[5000] * 6]):
        edges = np.cumsum(lengths)
        parts = list(resampling.in_blocks(np.split(samples, edges[edges < len(samples)]), rate))
        assert np.array_equal(np.concatenate(parts), whole)
    assert len(parts) > 3
    assert list(resampling.in_blocks([], rate)) == []
