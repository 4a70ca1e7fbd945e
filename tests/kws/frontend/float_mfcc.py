"""An MFCC in float64 that shares nothing with the front end: direct Fourier sums over the whole window.

The window is rounded to Q15, as it is defined: it decides how far a full-scale tone leaks into empty bands.
"""

import numpy as np

from kws.frontend import FrontEndConfig


def _hertz_to_mel(hertz: np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + hertz / 700)


def float_mfcc(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """float64 [n, frames, coefficients] in the unit of the integer MFCC (2**-22 of a log2)."""
    time = np.arange(config.window_samples)
    frequency = np.arange(config.fft_length // 2 + 1) / config.fft_length
    window = np.minimum(np.rint(np.sin(np.pi * time / config.window_samples) ** 2 * 2**15), 2**15 - 1) / 2**15
    fourier = np.exp(-2j * np.pi * np.outer(time, frequency)) * window[:, None]
    starts = np.arange(config.frames) * config.hop_samples
    frames = samples[:, starts[:, None] + time].astype(np.float64)
    power = np.abs(frames @ fourier) ** 2

    edges = np.linspace(_hertz_to_mel(config.mel_low_hz), _hertz_to_mel(config.mel_high_hz), config.mel_bands + 2)
    mel = _hertz_to_mel(frequency * config.sample_rate)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    # Samples times a Q15 window, divided by the FFT's length, squared and halved down by 2**33, times Q15 filters.
    energy = power @ filters * (2.0**15 / config.fft_length) ** 2 * 2.0**-33 * 2.0**15
    logs = np.log2(energy + 2.0**config.floor_bits) - config.floor_bits

    order, band = np.arange(config.coefficients), np.arange(config.mel_bands)
    dct = np.cos(np.pi * np.outer(band + 0.5, order) / config.mel_bands) * np.sqrt(2 / config.mel_bands)
    return logs @ dct * 2.0**22
