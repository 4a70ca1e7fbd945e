"""Signals that push a front end to its limits, a thousand of them."""

import functools

import numpy as np

CLIP_SAMPLES = 16000
_TIME = np.arange(CLIP_SAMPLES)


def adversarial_clips(every: int = 1) -> np.ndarray:
    """int16 [1017 / every, 16000]: silence, constants, squares, impulses, noise, tones, chirps and bursts."""
    return _all_clips()[::every].copy()


@functools.lru_cache(maxsize=1)
def _all_clips() -> np.ndarray:
    rng = np.random.default_rng(5)
    clips = [np.zeros(CLIP_SAMPLES), *_constants(), *_squares(), *_impulses()]
    clips += [*_noise(rng), *_tones(rng), *_bursts(rng)]
    return np.stack([np.clip(clip, -32768, 32767).astype(np.int16) for clip in clips])


def _constants() -> list[np.ndarray]:
    levels = [sign * 2**bits - (sign > 0) for bits in range(1, 16) for sign in (1, -1)]
    return [np.full(CLIP_SAMPLES, level) for level in (*levels, 12345, -12345)]


def _squares() -> list[np.ndarray]:
    """Of full scale for every period up to 128 and some longer ones, and quiet ones."""
    periods = [*range(2, 130), *range(130, 650, 10)]
    loud = [np.where(_TIME // (period / 2) % 2 == 0, 32767, -32768) for period in periods]
    return loud + [np.where(_TIME // 16 % 2 == 0, level, -level) for level in range(1, 41)]


def _impulses() -> list[np.ndarray]:
    """One, at every place of a hop in steps of four, of both signs, and trains of them."""
    single = [np.where(8000 + place == _TIME, level, 0) for place in range(0, 320, 4) for level in (32767, -32768)]
    trains = [np.where(_TIME % period == 0, -32768, 0) for period in range(2, 102, 2)]
    return single + trains


def _noise(rng: np.random.Generator) -> list[np.ndarray]:
    """Uniform and of two values, from one code to full scale."""
    levels = np.unique(np.geomspace(1, 32767, 160).astype(int))
    uniform = [rng.integers(-level, level + 1, CLIP_SAMPLES) for level in levels]
    binary = [rng.choice([-level - 1, level], CLIP_SAMPLES) for level in levels[:: len(levels) // 60]]
    return uniform + binary


def _tones(rng: np.random.Generator) -> list[np.ndarray]:
    """At every third bin of the FFT, clipped or not, and chirps at all levels."""
    tones = [1.4**place % 3 * 32767 * np.sin(2 * np.pi * place * 3 * _TIME / 512) for place in range(86)]
    chirps = [
        level * np.sin(2 * np.pi * (start * _TIME + rate * _TIME**2 / CLIP_SAMPLES) / CLIP_SAMPLES)
        for level, start, rate in zip(
            np.geomspace(1, 60000, 150), rng.integers(0, 4000, 150), rng.integers(-2000, 4000, 150), strict=True
        )
    ]
    return [np.rint(tone) for tone in tones + chirps]


def _bursts(rng: np.random.Generator) -> list[np.ndarray]:
    """Full scale and near silence in turn, at random places."""
    result = []
    for _ in range(120):
        edges = np.sort(rng.integers(0, CLIP_SAMPLES, 8))
        loud = np.searchsorted(edges, _TIME) % 2 == 0
        result.append(np.where(loud, rng.choice([-32768, 32767], CLIP_SAMPLES), rng.integers(-2, 3, CLIP_SAMPLES)))
    return result
