"""Constant tables of the front end, all integers; those of the C side are written from these."""

import dataclasses
import functools

import numpy as np
from cmsisdsp import mfcc as cmsis_mfcc
from cmsisdsp.datatype import F64

from export.model.frontend_config import FrontEndConfig

WINDOW_BITS = 15
MEL_BITS = 15
DCT_BITS = 14
LOG_BITS = 8
LOG_TABLE_BITS = 14
LOG_INTERVALS = 32
# The largest left shift of a spectrum: below it every band is under the log floor anyway.
MAX_NORMALIZATION = 16
_FFT_BITS = 31


@dataclasses.dataclass(frozen=True)
class Tables:
    """What `mfcc` multiplies by.

    Attributes:
      window: int16 [window_samples], Hann (periodic), Q15.
      mel_start: int64 [mel_bands], first bin of each filter.
      mel_length: int64 [mel_bands], bins of each filter, at least 1.
      mel_weights: int64 [sum of mel_length], the filters one after the other, Q15.
      dct: int16 [coefficients, mel_bands], orthonormal type II but for row 0's factor, Q14.
      log2: int32 [33], log2(1 + i / 32), Q14.
    """

    window: np.ndarray
    mel_start: np.ndarray
    mel_length: np.ndarray
    mel_weights: np.ndarray
    dct: np.ndarray
    log2: np.ndarray


def _quantize(values: np.ndarray, fraction_bits: int) -> np.ndarray:
    return np.clip(np.floor(np.asarray(values) * 2.0**fraction_bits + 0.5), -(2**15), 2**15 - 1).astype(np.int64)


@functools.lru_cache(maxsize=8)
def make_tables(config: FrontEndConfig) -> Tables:
    """Tables for `config`; mel filters and DCT as in CMSIS-DSP's own MFCC (cmsisdsp.mfcc).

    Raises:
      ValueError: a mel filter holds no bin, that is too many bands for the FFT's length.
    """
    phase = np.arange(config.window_samples) * (2 * np.pi / config.window_samples)
    window = 0.5 - 0.5 * np.cos(phase)
    empty = f"mel_bands={config.mel_bands}: a band holds no bin of a {config.fft_length}-point FFT"
    try:
        lengths, starts, weights = cmsis_mfcc.melFilterMatrix(
            F64, config.mel_low_hz, config.mel_high_hz, config.mel_bands, config.sample_rate, config.fft_length
        )
    except UnboundLocalError as error:  # it finds no end of the first band
        raise ValueError(empty) from error
    if min(lengths) < 1 or len(weights) != sum(lengths):
        raise ValueError(empty)
    if not np.add.reduceat(weights, np.cumsum([0, *lengths[:-1]])).all():
        raise ValueError(empty)
    dct = np.reshape(cmsis_mfcc.dctMatrix(F64, config.coefficients, config.mel_bands), (-1, config.mel_bands))
    return Tables(
        window=_quantize(window, WINDOW_BITS).astype(np.int16),
        mel_start=np.array(starts, np.int64),
        mel_length=np.array(lengths, np.int64),
        mel_weights=_quantize(weights, MEL_BITS),
        dct=_quantize(dct, DCT_BITS).astype(np.int16),
        log2=_quantize(np.log2(1 + np.arange(LOG_INTERVALS + 1) / LOG_INTERVALS), LOG_TABLE_BITS).astype(np.int32),
    )


def twiddles(points: int) -> np.ndarray:
    """CMSIS-DSP's `twiddleCoef_*_q31`: int32 [3 * points / 4, 2], cosine and sine of 2 pi i / points in Q31.

    CMSIS-DSP rounds them down, but for those that lie within a twentieth below the next integer.
    """
    phase = np.arange(3 * points // 4) * (2 * np.pi / points)
    return _q31(np.stack([np.cos(phase), np.sin(phase)], axis=-1), 0.05)


def split_factors(points: int) -> np.ndarray:
    """CMSIS-DSP's `realCoefAQ31` and `realCoefBQ31` for a real FFT of 2 * points: int32 [points, 3] in Q31.

    Of i they are (1 - sin) / 2, -cos / 2 and (1 + sin) / 2 of pi i / points; a fourth one would be the second negated.
    """
    phase = np.arange(points) * (np.pi / points)
    factors = [(1 - np.sin(phase)) / 2, -np.cos(phase) / 2, (1 + np.sin(phase)) / 2]
    return _q31(np.stack(factors, axis=-1), 0.5)


def _q31(values: np.ndarray, rounding: float) -> np.ndarray:
    scaled = np.floor(values * 2.0**_FFT_BITS + rounding)
    return np.minimum(scaled, 2**_FFT_BITS - 1).astype(np.int32)
