"""Textures: sounds of no words and of no recording, so that what a network calls silence is wider than a few of those.

A texture is noise or tones with a spectrum and a course of its own: hums, rattles, drips, knocks, sirens, chords. Its
spectrum is a random walk over octaves, its loudness constant, waving, or a series of strokes.
"""

import math

import numpy as np

from kws.datasets.clip import SAMPLE_RATE
from kws.datasets.noise import log_uniform, with_rms

_LOWEST_HZ = 60.0
# The spectrum's random walk, in decibels a third of an octave.
_WALK_DB = 5.0
_TONES = (1, 4)
_PITCH_HZ = (80.0, 3000.0)
_WAVES_HZ = (0.5, 20.0)
_STROKES_HZ = (1.0, 12.0)
_DECAY_SECONDS = (0.004, 0.25)


def texture(rng: np.random.Generator, count: int) -> np.ndarray:
    """A sound of RMS 1, float64 [count]: noise, tones, or both; zeros where no tone stays below 8 kHz."""
    kind = rng.uniform()
    sound = np.zeros(count)
    if kind < 0.7:
        sound += with_rms(_noise(rng, count) * _loudness(rng, count), 1.0)
    if kind > 0.5:
        sound += with_rms(_tones(rng, count) * _loudness(rng, count), log_uniform(rng, 0.3, 3.0))
    return with_rms(sound, 1.0)


def _noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Gaussian noise, [count], through a filter that is a random walk over thirds of an octave."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    thirds = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE) / _LOWEST_HZ, 1.0)
    position = 3 * np.log2(thirds)
    walk = np.cumsum(rng.normal(rng.uniform(-2.0, 1.0), _WALK_DB, math.ceil(position[-1]) + 1))
    return np.fft.irfft(spectrum * 10 ** (np.interp(position, np.arange(len(walk)), walk) / 20), count)


def _tones(rng: np.random.Generator, count: int) -> np.ndarray:
    """Some tones, [count], each with harmonics, that keep their pitch, glide or waver."""
    time = np.arange(count) / SAMPLE_RATE
    result = np.zeros(count)
    for _ in range(int(rng.integers(*_TONES))):
        pitch = log_uniform(rng, *_PITCH_HZ) * 2 ** (rng.choice((0.0, 1.0)) * rng.normal(0.0, 0.5) * time)
        pitch *= 1 + rng.choice((0.0, 0.03)) * np.sin(2 * math.pi * (rng.uniform(3.0, 9.0) * time + rng.uniform()))
        phase = 2 * math.pi * (np.cumsum(pitch) / SAMPLE_RATE + rng.uniform())
        fall = rng.uniform(0.3, 2.0)
        for harmonic in range(1, int(rng.integers(1, 7))):
            audible = pitch * harmonic < SAMPLE_RATE / 2
            result += audible * np.sin(harmonic * phase) / harmonic**fall
    return result


def _loudness(rng: np.random.Generator, count: int) -> np.ndarray:
    """A course of loudness, [count], 0 and above: constant, waving, or strokes that die away."""
    kind = rng.uniform()
    time = np.arange(count) / SAMPLE_RATE
    if kind < 0.25:
        return np.ones(count)
    if kind < 0.55:
        wave = 1 + np.sin(2 * math.pi * (log_uniform(rng, *_WAVES_HZ) * time + rng.uniform()))
        return wave ** rng.uniform(0.5, 4.0)
    strokes = np.zeros(count)
    expected = log_uniform(rng, *_STROKES_HZ) * count / SAMPLE_RATE
    decay = log_uniform(rng, *_DECAY_SECONDS)
    for start in rng.uniform(-0.2, 1.0, 1 + rng.poisson(expected)) * count:
        since = time - start / SAMPLE_RATE
        strokes += rng.uniform(0.2, 1.0) * np.where(since >= 0, np.exp(-np.maximum(since, 0.0) / decay), 0.0)
    return strokes
