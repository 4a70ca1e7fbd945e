"""Silence covers every level and kind, and evaluation hears the same clips in every run."""

import numpy as np
import pytest

from kws.datasets import noise, silence
from kws.datasets.clip import CLIP_SAMPLES


def _noises() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [noise.to_int16(3000 * noise.coloured(rng, 5 * CLIP_SAMPLES, slope)) for slope in (0.0, 1.0)]


def test_levels_reach_from_digital_silence_to_full() -> None:
    rng, noises = np.random.default_rng(0), _noises()
    clips = [silence.draw(rng, noises) for _ in range(400)]
    assert all(clip.shape == (CLIP_SAMPLES,) and clip.dtype == np.int16 for clip in clips)
    levels = np.array([noise.rms(clip) for clip in clips])
    assert 10 < np.sum(levels == 0) < 70
    assert np.sum([np.array_equal(np.unique(clip), [-1, 0, 1]) for clip in clips]) > 3
    for low, high in ((0.3, 3), (3, 30), (30, 300), (300, 3000), (3000, 10_500)):
        assert np.sum((levels > low) & (levels <= high)) > 20, (low, high)


def test_a_faint_recording_is_heard_at_every_level() -> None:
    """Published silence clips reach an RMS of 10,000, and a recording may have been edited to be a hundredth of it."""
    rng = np.random.default_rng(0)
    recording = np.sin(np.arange(5 * CLIP_SAMPLES))
    draws = [silence.draw(rng, [noise.to_int16(20 * recording)]) for _ in range(400)]
    power = np.abs(np.fft.rfft(np.stack(draws).astype(float))) ** 2
    tonal = power[:, 2500:2600].sum(1) > 0.9 * power.sum(1)
    levels = np.array([noise.rms(clip) for clip in draws])[tonal]
    assert 0.4 * len(draws) < len(levels) < 0.7 * len(draws)
    assert np.histogram(levels, [0, 10, 100, 1000, 10_000])[0].min() > 20


def test_no_recordings_and_short_recordings_are_enough() -> None:
    rng = np.random.default_rng(0)
    assert all(silence.draw(rng, []).shape == (CLIP_SAMPLES,) for _ in range(30))
    short = [np.arange(100, dtype=np.int16)]
    assert all(silence.draw(rng, short).shape == (CLIP_SAMPLES,) for _ in range(30))
    with pytest.raises(ValueError, match="no noise recordings"):
        noise.excerpt(rng, [])


def test_fixed_set_is_the_same_every_time_and_differs_between_splits() -> None:
    noises = _noises()
    first, again = silence.fixed_set("testing", 8, noises), silence.fixed_set("testing", 8, noises)
    assert [name for name, _ in first] == [name for name, _ in again]
    for (_, one), (_, other) in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    other_split = silence.fixed_set("validation", 8, noises)
    assert any(not np.array_equal(one, other) for (_, one), (_, other) in zip(first, other_split, strict=True))


def test_colours_have_their_slope() -> None:
    rng = np.random.default_rng(1)
    for slope in noise.COLOURS.values():
        power = np.abs(np.fft.rfft(noise.coloured(rng, 16 * CLIP_SAMPLES, slope))) ** 2
        frequencies = np.fft.rfftfreq(16 * CLIP_SAMPLES, 1 / 16000)
        octaves = [power[(frequencies >= f) & (frequencies < 2 * f)].mean() for f in (125, 250, 500, 1000, 2000)]
        np.testing.assert_allclose(np.diff(np.log2(octaves)), -slope, atol=0.15)
