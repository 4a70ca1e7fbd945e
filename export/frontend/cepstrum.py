"""MFCC in integers: the definition that the C front end has to equal, code by code.

The FFT is CMSIS-DSP's `arm_rfft_q31`, whose C sources give the same integers on a Cortex-M; the steps around it
are one shift, sum or product each, written here on whole batches.
"""

import functools
import hashlib
from typing import Any

import cmsisdsp
import numpy as np

from export.frontend.frontend_error import FrontEndError
from export.model.frontend_config import INPUT_FORMAT, FrontEndConfig
from export.model.frontend_tables import LOG_BITS, LOG_INTERVALS, LOG_TABLE_BITS, MAX_NORMALIZATION, make_tables

_LOG_FRACTION_BITS = 15
_CLIPS_PER_BATCH = 8
_CHECK_LENGTH = 512
_CHECK_SHA256 = "c685368ec5d347231a52d01480f1aeba3be7b45bd34a06006bee3dad7aff83c9"


def check_samples(samples: np.ndarray, config: FrontEndConfig) -> None:
    """Raises `ValueError` for samples that aren't int16 [n, clip_samples]."""
    if samples.dtype != np.int16:
        raise ValueError(f"samples of dtype {samples.dtype}: expected int16 PCM")
    if samples.ndim != 2 or samples.shape[1] != config.clip_samples:
        raise ValueError(f"samples of shape {samples.shape}: expected [n, {config.clip_samples}]")


def check_calibrated(config: FrontEndConfig) -> None:
    """Raises `ValueError` for parameters without offsets and shifts."""
    if not config.calibrated:
        raise ValueError("the front end isn't calibrated: call calibrate on training data first")


@functools.lru_cache(maxsize=8)
def _rfft(length: int) -> Any:
    """An instance of CMSIS-DSP's q31 RFFT, after a check that this build computes the reference's integers.

    The NEON variant of CMSIS-DSP (its wheels for 64-bit Arm) has another FFT than the C that runs on a Cortex-M.

    Raises:
      FrontEndError: the build is such a variant, or CMSIS-DSP has no FFT of this length.
    """
    ramp = np.arange(_CHECK_LENGTH, dtype=np.int64)
    noise = (((ramp * ramp * 2654435761 + ramp * 40503) % 2**31) - 2**30).astype(np.int32)
    try:
        bins = cmsisdsp.arm_rfft_q31(_instance(_CHECK_LENGTH), noise)[: _CHECK_LENGTH + 2]
        equal = hashlib.sha256(bins.astype("<i4").tobytes()).hexdigest() == _CHECK_SHA256
    except (TypeError, ValueError):
        equal = False
    if not equal:
        raise FrontEndError(
            "this build of cmsisdsp computes other integers than its C on a Cortex-M: use an x86-64 machine"
        )
    return _instance(length)


def _instance(length: int) -> Any:
    instance = cmsisdsp.arm_rfft_instance_q31()
    if cmsisdsp.arm_rfft_init_q31(instance, length, 0, 1) != 0:
        raise FrontEndError(f"CMSIS-DSP has no real FFT of length {length}: use a power of two from 32 to 8192")
    return instance


def windowed(frames: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """Frames times the window (Q15), folded onto the FFT's length: the spectrum of the sum is that of the whole window.

    Args:
      frames: int16 [..., window_samples].

    Returns:
      int32 [..., fft_length], below 2**30 in magnitude.
    """
    product = frames.astype(np.int32) * make_tables(config).window
    length = config.fft_length
    if config.window_samples <= length:
        padding = [(0, 0)] * (product.ndim - 1) + [(0, length - config.window_samples)]
        return np.pad(product, padding)
    folded = product[..., :length].copy()
    folded[..., : config.window_samples - length] += product[..., length:]
    return folded


def spectrum(folded: np.ndarray) -> np.ndarray:
    """CMSIS-DSP's `arm_rfft_q31` of each row: int32 [n, length] to [n, length / 2 + 1, 2], scaled by 1 / length."""
    length = folded.shape[-1]
    instance = _rfft(length)
    rfft = cmsisdsp.arm_rfft_q31
    output = np.empty((len(folded), length + 2), np.int32)
    for row, frame in zip(output, folded, strict=True):
        row[:] = rfft(instance, frame)[: length + 2]
    return output.reshape(len(folded), length // 2 + 1, 2)


def band_logs(bins: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """Log energies of the mel bands.

    The spectrum is shifted left until its largest part fills 31 bits (at most 16 places), squared as
    `arm_cmplx_mag_squared_q31` does, summed over each filter in 64 bits, and its log2 taken from a table with linear
    interpolation; the shift is taken back in the log domain.

    Args:
      bins: int32 [n, fft_length / 2 + 1, 2], real and imaginary parts.

    Returns:
      int32 [n, mel_bands], log2 in Q8, 0 at the floor.
    """
    tables = make_tables(config)
    flat = bins.reshape(len(bins), -1)
    peak = np.maximum(flat.max(1).astype(np.int64), -flat.min(1).astype(np.int64))
    bit_length = np.frexp(peak.astype(np.float64))[1]
    normalization = np.clip(31 - bit_length, 0, MAX_NORMALIZATION).astype(np.int64)
    square = flat << normalization[:, np.newaxis]
    square *= square
    square >>= 33
    power = square[:, 0::2] + square[:, 1::2]
    first = np.cumsum(tables.mel_length) - tables.mel_length
    taps = np.arange(len(tables.mel_weights)) - np.repeat(first - tables.mel_start, tables.mel_length)
    energy = np.add.reduceat(np.take(power, taps, axis=1) * tables.mel_weights, first, axis=1)
    floor = np.int64(1) << (config.floor_bits + 2 * normalization)
    logs = _log2(energy + floor[:, None], tables.log2)
    return logs - ((config.floor_bits + 2 * normalization)[:, None] << LOG_BITS).astype(np.int32)


def _log2(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """log2 of positive integers below 2**53, in Q8: exponent, and a table of the mantissa's top 15 bits."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    fraction = (mantissa * 2.0 ** (_LOG_FRACTION_BITS + 1)).astype(np.int32) - (1 << _LOG_FRACTION_BITS)
    step = (1 << _LOG_FRACTION_BITS) // LOG_INTERVALS
    interval, rest = fraction // step, fraction % step
    low, high = table[interval], table[interval + 1]
    log = low + ((high - low) * rest) // step
    drop = LOG_TABLE_BITS - LOG_BITS
    return ((exponent - 1) << LOG_BITS) + ((log + (1 << (drop - 1))) >> drop)


def mfcc(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """MFCC before they are turned into codes.

    Args:
      samples: int16 [n, clip_samples].

    Returns:
      int32 [n, frames, coefficients] in Q22: the exact sums of log2 (Q8) times DCT (Q14).

    Raises:
      ValueError: wrong shape or dtype.
    """
    check_samples(samples, config)
    dct = make_tables(config).dct.astype(np.int32).T
    output = np.empty((len(samples), config.frames, config.coefficients), np.int32)
    for start in range(0, len(samples), _CLIPS_PER_BATCH):
        batch = samples[start : start + _CLIPS_PER_BATCH]
        views = np.lib.stride_tricks.sliding_window_view(batch, config.window_samples, axis=1)
        frames = views[:, :: config.hop_samples].reshape(-1, config.window_samples)
        logs = band_logs(spectrum(windowed(frames, config)), config)
        output[start : start + len(batch)] = (logs @ dct).reshape(len(batch), config.frames, config.coefficients)
    return output


def codes(raw: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """`clamp((raw - offset + half) >> shift)`: int32 [..., coefficients] to int8 of the same shape, s8.f5.

    Raises:
      ValueError: `config` isn't calibrated.
    """
    check_calibrated(config)
    shifts = np.array(config.shifts, np.int64)
    half = np.int64(1) << (shifts - 1)
    shifted = (raw.astype(np.int64) - np.array(config.offsets, np.int64) + half) >> shifts
    return np.clip(shifted, INPUT_FORMAT.min_code, INPUT_FORMAT.max_code).astype(np.int8)


def features(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """The network's input: int16 [n, clip_samples] to int8 [n, frames, coefficients, 1] in s8.f5.

    Raises:
      ValueError: wrong shape or dtype, or `config` isn't calibrated.
    """
    return codes(mfcc(samples, config), config)[..., np.newaxis]
