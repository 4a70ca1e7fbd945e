"""Textures: levels, variety, and what they must not be."""

import numpy as np

from kws.datasets import noise, silence
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE
from kws.datasets.negatives.textures import texture


def _centroid(sound: np.ndarray) -> float:
    """Mean frequency in Hz, weighted by power."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)) / power.sum())


def test_textures_are_of_one_level_and_of_many_kinds() -> None:
    rng = np.random.default_rng(0)
    sounds = [texture(rng, CLIP_SAMPLES) for _ in range(150)]
    assert all(sound.shape == (CLIP_SAMPLES,) and np.isfinite(sound).all() for sound in sounds)
    sounds = [sound for sound in sounds if sound.any()]
    assert len(sounds) > 140
    np.testing.assert_allclose([noise.rms(sound) for sound in sounds], 1.0, rtol=1e-9)
    centroids = np.array([_centroid(sound) for sound in sounds])
    assert np.histogram(centroids, [0, 300, 1000, 3000, 8000])[0].min() > 5
    # Steady ones and such of a few strokes: the share of the second in which half of the power is.
    tenths = np.array([np.sort(np.square(sound).reshape(10, -1).sum(1))[::-1].cumsum() for sound in sounds])
    needed = (tenths < 0.5 * tenths[:, -1:]).sum(1) + 1
    assert (needed <= 2).sum() > 10 and (needed >= 5).sum() > 40


def test_the_seed_decides() -> None:
    first, again, other = (texture(np.random.default_rng(seed), 4000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_training_draws_them_and_evaluation_does_not() -> None:
    """From recordings that are digital silence, `draw` gives few sounds that are neither silent, hiss, nor hum."""
    noises = [np.ones(CLIP_SAMPLES, np.int16)]
    steady = {}
    for draw in (silence.draw, silence.draw_for_training):
        rng = np.random.default_rng(3)
        clips = [draw(rng, noises) for _ in range(300)]
        assert all(clip.shape == (CLIP_SAMPLES,) and clip.dtype == np.int16 for clip in clips)
        steady[draw] = sum(len(np.unique(clip)) <= 1 for clip in clips)
    # Each excerpt of a constant is one: a texture takes the place of four in ten.
    assert steady[silence.draw] > 150
    assert 0.5 < steady[silence.draw_for_training] / steady[silence.draw] < 0.7
