"""Signals for the front end's tests, made of integers alone so that they never change."""

import numpy as np

CLIP_SAMPLES = 16000


def noise(seed: int, amplitude: int) -> np.ndarray:
    """int16 [16000], a linear congruential sequence within +-amplitude."""
    state, values = seed, []
    for _ in range(CLIP_SAMPLES):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state >> 16) % (2 * amplitude + 1) - amplitude)
    return np.array(values, np.int16)


def square(period: int, amplitude: int) -> np.ndarray:
    """int16 [16000], a square wave."""
    high = (np.arange(CLIP_SAMPLES) // (period // 2)) % 2 == 0
    return np.where(high, amplitude, -amplitude - 1).astype(np.int16)


def chirp(amplitude: float) -> np.ndarray:
    """int16 [16000], 100 Hz to 7 kHz, fading in and out."""
    time = np.arange(CLIP_SAMPLES) / CLIP_SAMPLES
    tone = np.sin(2 * np.pi * (100 * time + 3450 * time**2)) * np.sin(np.pi * time)
    return np.rint(amplitude * tone).astype(np.int16)


def speech_like() -> np.ndarray:
    """int16 [40, 16000], harmonics of changing pitch under a moving resonance, with noise, at many levels."""
    rng = np.random.RandomState(1)
    time = np.arange(CLIP_SAMPLES) / CLIP_SAMPLES
    clips = []
    for _ in range(40):
        phase = np.cumsum(rng.uniform(80, 250) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(1, 4) * time)) / 16000)
        resonance = rng.uniform(500, 3000) + 800 * np.sin(2 * np.pi * rng.uniform(1, 3) * time)
        voice = sum(
            np.exp(-(((harmonic * 150 - resonance) / 600) ** 2)) * np.sin(2 * np.pi * harmonic * phase)
            for harmonic in range(1, 30)
        )
        burst = np.exp(-(((time - rng.uniform(0.3, 0.7)) / 0.15) ** 2))
        hiss = rng.standard_normal(CLIP_SAMPLES) * rng.uniform(1, 100)
        clips.append(voice * burst * 10 ** rng.uniform(2, 4) + hiss)
    return np.clip(np.rint(clips), -32768, 32767).astype(np.int16)


def adversarial() -> np.ndarray:
    """int16 [n, 16000]: silence, DC, both full scales, square waves, impulses, dither, loud and quiet noise."""
    impulse = np.zeros(CLIP_SAMPLES, np.int16)
    impulse[5000] = 32767
    return np.stack(
        [
            np.zeros(CLIP_SAMPLES, np.int16),
            np.full(CLIP_SAMPLES, 1, np.int16),
            np.full(CLIP_SAMPLES, 12345, np.int16),
            np.full(CLIP_SAMPLES, 32767, np.int16),
            np.full(CLIP_SAMPLES, -32768, np.int16),
            square(2, 32767),
            square(16, 32767),
            square(160, 32767),
            square(20, 3),
            impulse,
            noise(1, 1),
            noise(2, 100),
            noise(3, 32767),
            chirp(32767),
            chirp(5),
        ]
    )
