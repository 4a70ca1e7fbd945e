"""The MFCC in float64, rounded nowhere: what the integers of `cepstrum` stand for, and are measured against.

It shares parameters with the integer front end, but no table and no step: the spectrum is taken of the whole window,
not folded. The window alone is in Q15, as it is defined: it decides how far a full-scale tone leaks into empty bands.
"""

import functools

import numpy as np

from export.frontend.cepstrum import check_calibrated, check_samples
from export.model.frontend_config import INPUT_FORMAT, FrontEndConfig

_CLIPS_PER_BATCH = 4


def _hertz_to_mel(hertz: float | np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + hertz / 700)


@functools.lru_cache(maxsize=8)
def window(config: FrontEndConfig) -> np.ndarray:
    """Hann, float64 [window_samples]."""
    time = np.arange(config.window_samples)
    return np.minimum(np.rint(np.sin(np.pi * time / config.window_samples) ** 2 * 2**15), 2**15 - 1) / 2**15


@functools.lru_cache(maxsize=8)
def filters(config: FrontEndConfig) -> np.ndarray:
    """Triangles over the bins' power, float64 [fft_length / 2 + 1, mel_bands], in the unit of the integer energies.

    That is: a sample times a Q15 window, divided by the FFT's length, squared and halved 33 times, times Q15 filters.
    """
    edges = np.linspace(_hertz_to_mel(config.mel_low_hz), _hertz_to_mel(config.mel_high_hz), config.mel_bands + 2)
    mel = _hertz_to_mel(np.arange(config.fft_length // 2 + 1) / config.fft_length * config.sample_rate)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    unit = (2.0**15 / config.fft_length) ** 2 * 2.0**-33 * 2.0**15
    return np.maximum(0, np.minimum(rising, falling)) * unit


@functools.lru_cache(maxsize=8)
def dct(config: FrontEndConfig) -> np.ndarray:
    """float64 [mel_bands, coefficients]."""
    order, band = np.arange(config.coefficients), np.arange(config.mel_bands)
    return np.cos(np.pi * np.outer(band + 0.5, order) / config.mel_bands) * np.sqrt(2 / config.mel_bands)


def float_mfcc(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """MFCC before offset and scale.

    Args:
      samples: int16 [n, clip_samples].

    Returns:
      float64 [n, frames, coefficients] in the unit of the integer MFCC (2**-22 of a log2).

    Raises:
      ValueError: wrong shape or dtype.
    """
    from scipy import fft  # takes a quarter of a second

    check_samples(samples, config)
    # A window longer than the FFT is padded to a multiple of it; every such bin is one of the FFT's frequencies.
    multiple = -(-config.window_samples // config.fft_length)
    output = np.empty((len(samples), config.frames, config.coefficients))
    for start in range(0, len(samples), _CLIPS_PER_BATCH):
        batch = samples[start : start + _CLIPS_PER_BATCH]
        views = np.lib.stride_tricks.sliding_window_view(batch, config.window_samples, axis=1)
        frames = views[:, :: config.hop_samples] * window(config)
        bins = fft.rfft(frames, config.fft_length * multiple)[..., ::multiple]
        power = bins.real**2 + bins.imag**2
        logs = np.log2(power @ filters(config) + 2.0**config.floor_bits) - config.floor_bits
        output[start : start + len(batch)] = logs @ dct(config) * 2.0**22
    return output


def float_features(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """The values that the codes of `features` round and saturate: int16 [n, clip_samples] to float32.

    Returns:
      float32 [n, frames, coefficients, 1], of which code = 32 * value.

    Raises:
      ValueError: wrong shape or dtype, or `config` isn't calibrated.
    """
    check_calibrated(config)
    scale = 2.0 ** -(np.array(config.shifts, np.float64) + INPUT_FORMAT.fraction_bits)
    return ((float_mfcc(samples, config) - config.offsets) * scale).astype(np.float32)[..., np.newaxis]
