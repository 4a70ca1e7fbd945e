"""Writes the front end's parameters and tables as C, for `microcontroller/frontend`.

Two files: `fxp_frontend_config.h` (sizes, hash) and `fxp_frontend_tables.c`. Every number in them comes from
`export.model.frontend_config` and `export.model.frontend_tables`, which Python's front end uses too.
"""

import textwrap
from typing import Any

import numpy as np

from export.model.frontend_config import FrontEndConfig
from export.model.frontend_tables import (
    LOG_BITS,
    LOG_INTERVALS,
    LOG_TABLE_BITS,
    MAX_NORMALIZATION,
    Tables,
    make_tables,
    split_factors,
    twiddles,
)
from export.source import self_test_source
from export.source.source_error import SourceError

HEADER = "fxp_frontend_config.h"
SOURCE = "fxp_frontend_tables.c"
# The C has one FFT, folds a window of a quarter more onto it, and keeps half a window.
_FFT_LENGTH = 512
_SHAPE = {"fft_length": _FFT_LENGTH, "window_samples": 640, "hop_samples": 320}
# A band's energy is below 2**53, so that NumPy's double holds it too.
_LARGEST_LOG2 = 53
_COLUMNS = 120
_INTERVAL_BITS = 10
_LOG_SHIFT = LOG_TABLE_BITS - LOG_BITS + _INTERVAL_BITS
# Taps of a row of which the C multiplies a multiple.
_DCT_BLOCK = 4
STEP = np.dtype(
    [
        ("first", np.int16, 2),
        ("inner", np.int32, (3, 2)),
        ("last", np.int16, 2),
        ("twiddles", np.int32, (3, 2)),
    ]
)
"""The C side's `fxp_frontend_step`."""
_INNER_BITS = 12
"""By which the inner quarters of the window are shifted left."""


def generate(config: FrontEndConfig) -> dict[str, str]:
    """The generated C files of a front end, name -> text (ASCII).

    Raises:
      ValueError: `config` isn't calibrated, or the C has no code for its shape.
    """
    if not config.calibrated:
        raise ValueError("the front end isn't calibrated")
    shape = {
        "fft_length": config.fft_length,
        "window_samples": config.window_samples,
        "hop_samples": config.hop_samples,
    }
    if shape != _SHAPE:
        found, only = (", ".join(f"{name}={value}" for name, value in values.items()) for values in (shape, _SHAPE))
        raise ValueError(f"{found}: the C front end has {only} only")
    tables = make_tables(config)
    _check_sums(config, tables)
    mel = slopes(tables)
    bins = sum(map(len, mel))
    return {HEADER: _header(config, int(tables.mel_start[0]), bins), SOURCE: _source(config, tables, mel)}


def of_bundle(parameters: dict[str, Any]) -> dict[str, str]:
    """`generate` from the parameters that a run or a bundle stores.

    Raises:
      SourceError: they are none of a calibrated front end for which there is C.
    """
    config = FrontEndConfig.from_json(parameters)
    try:
        return generate(config)
    except ValueError as error:
        raise SourceError(f"front-end parameters: {error}; train again with the default front end") from error


def steps(window: np.ndarray) -> np.ndarray:
    """The C side's `fxp_frontend_steps`: what each step of the FFT's first stage multiplies by.

    Args:
      window: int16 [640].

    Returns:
      `STEP` [64]; step i is where its three digits of two bits are in reverse.
    """
    points = _FFT_LENGTH // 2
    index = np.arange(points // 4).reshape(4, 4, 4).transpose().ravel()
    table = np.empty(points // 4, STEP)
    quarters = window.reshape(5, points // 4, 2)[:, index]
    table["first"], table["last"] = quarters[0], quarters[4]
    table["inner"] = quarters[1:4].transpose(1, 0, 2).astype(np.int32) << _INNER_BITS
    turns = twiddles(points)
    table["twiddles"] = np.stack([turns[k * index] for k in (2, 1, 3)], axis=1)
    return table


def slopes(tables: Tables) -> list[np.ndarray]:
    """The mel filters as the slopes between their centers, on each of which a band falls and the next one rises.

    Returns:
      Per slope, int64 [bins, 2] in Q15: weights in the falling band and in the rising one, which follows it. The
      first slope has no falling band and the last no rising one. The first bin is `tables.mel_start[0]`.

    Raises:
      ValueError: more than two bands, or two that don't follow each other, hear a bin.
    """
    bands = len(tables.mel_length)
    first, end = int(tables.mel_start[0]), int(tables.mel_start[-1] + tables.mel_length[-1])
    weights = np.zeros((bands + 2, end), np.int64)
    starts = np.cumsum(tables.mel_length) - tables.mel_length
    for band in range(bands):
        taps = slice(tables.mel_start[band], tables.mel_start[band] + tables.mel_length[band])
        weights[band + 1, taps] = tables.mel_weights[starts[band] : starts[band] + tables.mel_length[band]]
    result: list[list[np.ndarray]] = [[] for _ in range(bands + 1)]
    slope = 0
    for index in range(first, end):
        heard = np.flatnonzero(weights[:, index])
        slope = max(slope, *(int(band) - 1 for band in heard))
        if len(heard) and heard[0] < slope:
            raise ValueError(f"bin {index} is heard by bands that don't follow each other")
        result[slope].append(weights[slope : slope + 2, index])
    return [np.array(rows, np.int64).reshape(-1, 2) for rows in result]


def _check_sums(config: FrontEndConfig, tables: Tables) -> None:
    """Raises `ValueError` where a coefficient less its offset could leave int32."""
    largest = (_LARGEST_LOG2 - config.floor_bits) << LOG_BITS
    sums = largest * np.abs(tables.dct.astype(np.int64)).sum(1)
    reach = sums + np.abs(np.array(config.offsets, np.int64)) + (1 << np.array(config.shifts, np.int64) >> 1)
    if reach.max() >= 2**31:
        raise ValueError(f"coefficient {int(reach.argmax())} can leave 32 bits")


def _header(config: FrontEndConfig, first_bin: int, bins: int) -> str:
    macros = {
        "CONFIG_SHA256": f'"{config.sha256}"',
        "SAMPLE_RATE": config.sample_rate,
        "WINDOW_SAMPLES": config.window_samples,
        "HOP_SAMPLES": config.hop_samples,
        "FFT_LENGTH": config.fft_length,
        "FRAMES": config.frames,
        "COEFFICIENTS": config.coefficients,
        "MEL_BANDS": config.mel_bands,
        "MEL_FIRST_BIN": first_bin,
        "MEL_BINS": bins,
        "MAX_NORMALIZATION": MAX_NORMALIZATION,
        "FLOOR_BITS": config.floor_bits,
        "LOG_INTERVALS": LOG_INTERVALS,
        "LOG_INTERVAL_BITS": _INTERVAL_BITS,
        "LOG_SHIFT": _LOG_SHIFT,
        "DCT_TAPS": _taps(config.mel_bands),
    }
    defines = "\n".join(f"#define FXP_FRONTEND_{name} {value}" for name, value in macros.items())
    return f"""\
/* Generated from a front end's parameters. Don't edit: export the model again. */
#ifndef FXP_FRONTEND_CONFIG_H
#define FXP_FRONTEND_CONFIG_H

{defines}

#endif
"""


def _source(config: FrontEndConfig, tables: Tables, mel: list[np.ndarray]) -> str:
    halves = 1 << np.array(config.shifts, np.int64) >> 1
    arrays = [
        ("int32_t", "split", split_factors(config.fft_length // 2)[1 : config.fft_length // 4 + 1]),
        ("uint32_t", "slopes", np.concatenate([[len(slope), *slope.ravel()] for slope in mel])),
        ("int32_t", "log2", _log_lines(tables.log2)),
        ("int16_t", "dct", _half_rows(tables.dct)),
        ("int32_t", "offsets", np.array(config.offsets, np.int64) - halves),
        ("uint8_t", "shifts", np.array(config.shifts)),
    ]
    text = "/* Generated from a front end's parameters. Don't edit: export the model again. */\n"
    text += '#include "fxp_frontend_tables.h"\n\n#include <stdalign.h>\n\n// clang-format off\n'
    stages = steps(tables.window)
    fields = [_steps(stages), *(_array(*array) for array in arrays)]
    typed = [("steps", stages), *((name, np.asarray(values, kind.removesuffix("_t"))) for kind, name, values in arrays)]
    checked = [self_test_source.array(f"fxp_frontend_{name}", values) for name, values in typed]
    return text + "\n".join(fields) + "// clang-format on\n\n" + self_test_source.function("frontend", checked)


def _taps(bands: int) -> int:
    """Of half a row, the middle included."""
    return -(-bands // (2 * _DCT_BLOCK)) * _DCT_BLOCK


def _half_rows(dct: np.ndarray) -> np.ndarray:
    """The first half of each row: rows of even numbers are symmetric, those of odd numbers antisymmetric.

    Raises:
      ValueError: a row is neither.
    """
    signs = 1 - 2 * (np.arange(len(dct)) % 2)[:, None]
    if (dct[:, ::-1] * signs != dct).any():
        raise ValueError(f"mel_bands={dct.shape[1]}: a row of the DCT is not symmetric")
    taps = _taps(dct.shape[1])
    half = dct[:, : -(-dct.shape[1] // 2)]
    return np.pad(half, ((0, 0), (0, taps - half.shape[1])))


def _log_lines(log2: np.ndarray) -> np.ndarray:
    """Start and slope of each interval: `log2[i] + (slope * rest >> 10)`, rounded to Q8, as one sum and one shift."""
    starts = (log2[:-1].astype(np.int64) << _INTERVAL_BITS) + (1 << (_LOG_SHIFT - 1))
    return np.stack([starts, np.diff(log2)], axis=1)


def _steps(table: np.ndarray) -> str:
    lines = []
    for step in table:
        inner, factors = (", ".join(f"{{{a}, {b}}}" for a, b in step[name].tolist()) for name in ("inner", "twiddles"))
        first, last = (", ".join(map(str, step[name].tolist())) for name in ("first", "last"))
        lines.append(f"    {{{{{first}}}, {{{inner}}}, {{{last}}},\n     {{{factors}}}}},\n")
    return f"alignas(8) const fxp_frontend_step fxp_frontend_steps[{len(table)}] = {{\n{''.join(lines)}}};\n"


def _array(kind: str, name: str, values: np.ndarray) -> str:
    size = "".join(f"[{length}]" for length in values.shape)
    rows = np.atleast_2d(values)
    lines = [f"    {line}\n" for row in rows for line in _rows(row.tolist(), braced=values.ndim > 1)]
    return f"alignas(8) const {kind} fxp_frontend_{name}{size} = {{\n{''.join(lines)}}};\n"


def _rows(values: list[int], *, braced: bool) -> list[str]:
    text = ", ".join(map(str, values))
    text = f"{{{text}}}," if braced else f"{text},"
    return textwrap.wrap(text, _COLUMNS - 4, break_long_words=False, break_on_hyphens=False)
