"""Writes the front end's parameters and tables as C, for `microcontroller/frontend`.

Two files: `fxp_frontend_config.h` (sizes, hash) and `fxp_frontend_tables.c`. Every number in them comes from
`export.frontend_config` and `export.frontend_tables`, which Python's front end uses too.
"""

import textwrap
from typing import Any

import numpy as np

from cli.command import UserError
from export.frontend_config import FrontEndConfig
from export.frontend_tables import (
    LOG_BITS,
    LOG_INTERVALS,
    MAX_NORMALIZATION,
    MEL_BITS,
    Tables,
    make_tables,
    split_factors,
    twiddles,
)

HEADER = "fxp_frontend_config.h"
SOURCE = "fxp_frontend_tables.c"
# The C has one FFT, and folds a window of this length onto it.
_FFT_LENGTH = 512
_WINDOW_SAMPLES = 640
# A band's energy is below 2**53, so that NumPy's double holds it too.
_LARGEST_LOG2 = 53
_COLUMNS = 120
STEP = np.dtype([("window", np.int16, (5, 2)), ("twiddles", np.int32, (3, 2))])
"""The C side's `fxp_frontend_step`."""


def generate(config: FrontEndConfig) -> dict[str, str]:
    """The generated C files of a front end, name -> text (ASCII).

    Raises:
      ValueError: `config` isn't calibrated, or the C has no code for its shape.
    """
    if not config.calibrated:
        raise ValueError("the front end isn't calibrated")
    if (config.fft_length, config.window_samples) != (_FFT_LENGTH, _WINDOW_SAMPLES):
        raise ValueError(
            f"fft_length={config.fft_length}, window_samples={config.window_samples}: the C front end has "
            f"{_FFT_LENGTH} and {_WINDOW_SAMPLES} only"
        )
    tables = make_tables(config)
    _check_sums(config, tables)
    slope_bins, first_bin, falling = slopes(tables)
    return {HEADER: _header(config, first_bin, len(falling)), SOURCE: _source(config, tables, slope_bins, falling)}


def of_bundle(parameters: dict[str, Any]) -> dict[str, str]:
    """`generate` from the parameters that a run or a bundle stores.

    Raises:
      UserError: they are none of a calibrated front end for which there is C.
    """
    config = FrontEndConfig.from_json(parameters)
    try:
        return generate(config)
    except ValueError as error:
        raise UserError(f"front-end parameters: {error}; train again with the default front end") from error


def steps(window: np.ndarray) -> np.ndarray:
    """The C side's `fxp_frontend_steps`: what each step of the FFT's first stage multiplies by.

    Args:
      window: int16 [640].

    Returns:
      `STEP` [64].
    """
    points = _FFT_LENGTH // 2
    index = np.arange(points // 4)
    table = np.empty(points // 4, STEP)
    table["window"] = window.reshape(5, points // 4, 2).transpose(1, 0, 2)
    turns = twiddles(points)
    table["twiddles"] = np.stack([turns[k * index] for k in (2, 1, 3)], axis=1)
    return table


def slopes(tables: Tables) -> tuple[np.ndarray, int, np.ndarray]:
    """The mel filters as the slopes between their centers, on each of which a band falls and the next one rises.

    Returns:
      Bins of each slope, int64 [mel_bands + 1]; the first slope's first bin; per bin from there on what it weighs
      in the falling band, int64 in Q15. In the rising band it weighs the rest, up to one.

    Raises:
      ValueError: the two weights of a bin don't add up to one.
    """
    bands, one = len(tables.mel_length), 1 << MEL_BITS
    first, end = int(tables.mel_start[0]), int(tables.mel_start[-1] + tables.mel_length[-1])
    weights = np.zeros((bands + 2, end), np.int64)  # a band that nobody asks for to either side
    ends = np.cumsum(tables.mel_length)
    for band in range(bands):
        start, length = tables.mel_start[band], tables.mel_length[band]
        weights[band + 1, start : start + length] = tables.mel_weights[ends[band] - length : ends[band]]
    counts, falling = np.zeros(bands + 1, np.int64), []
    for index in range(first, end):
        heard = np.flatnonzero(weights[:, index])
        if len(heard) == 1 and heard[0] == 1:
            weights[0, index] = one - weights[1, index]
        elif len(heard) == 1 and heard[0] == bands:
            weights[-1, index] = one - weights[-2, index]
        slope = int(weights[:, index].nonzero()[0][0]) if len(heard) else 0
        if slope > bands or weights[slope : slope + 2, index].sum() != one or counts[slope + 1 :].any():
            raise ValueError(f"the weights of bin {index} don't add up to one on a slope")
        counts[slope] += 1
        falling.append(int(weights[slope, index]))
    return counts, first, np.array(falling, np.int64)


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
        "MEL_BITS": MEL_BITS,
        "MAX_NORMALIZATION": MAX_NORMALIZATION,
        "FLOOR_BITS": config.floor_bits,
        "LOG_INTERVALS": LOG_INTERVALS,
    }
    defines = "\n".join(f"#define FXP_FRONTEND_{name} {value}" for name, value in macros.items())
    return f"""\
/* Generated from a front end's parameters. Don't edit: export the model again. */
#ifndef FXP_FRONTEND_CONFIG_H
#define FXP_FRONTEND_CONFIG_H

{defines}

#endif
"""


def _source(config: FrontEndConfig, tables: Tables, slope_bins: np.ndarray, falling: np.ndarray) -> str:
    halves = 1 << np.array(config.shifts, np.int64) >> 1
    arrays = [
        ("int32_t", "split", split_factors(config.fft_length // 2)[1 : config.fft_length // 4 + 1]),
        ("uint8_t", "slope_bins", slope_bins),
        ("uint32_t", "falling", falling),
        ("int16_t", "log2", tables.log2),
        ("int16_t", "dct", tables.dct),
        ("int32_t", "offsets", np.array(config.offsets, np.int64) - halves),
        ("uint8_t", "shifts", np.array(config.shifts)),
    ]
    text = "/* Generated from a front end's parameters. Don't edit: export the model again. */\n"
    text += '#include "fxp_frontend_tables.h"\n\n#include <stdalign.h>\n\n// clang-format off\n'
    fields = [_steps(steps(tables.window)), *(_array(*array) for array in arrays)]
    return text + "\n".join(fields) + "// clang-format on\n"


def _steps(table: np.ndarray) -> str:
    lines = []
    for step in table:
        window, factors = (", ".join(f"{{{a}, {b}}}" for a, b in step[name].tolist()) for name in STEP.names)
        lines.append(f"    {{{{{window}}},\n     {{{factors}}}}},\n")
    return f"alignas(8) const fxp_frontend_step fxp_frontend_steps[{len(table)}] = {{\n{''.join(lines)}}};\n"


def _array(kind: str, name: str, values: np.ndarray) -> str:
    size = "".join(f"[{length}]" for length in values.shape)
    rows = np.atleast_2d(values)
    lines = [f"    {line}\n" for row in rows for line in _lines(row.tolist(), braced=values.ndim > 1)]
    return f"alignas(8) const {kind} fxp_frontend_{name}{size} = {{\n{''.join(lines)}}};\n"


def _lines(values: list[int], *, braced: bool) -> list[str]:
    text = ", ".join(map(str, values))
    text = f"{{{text}}}," if braced else f"{text},"
    return textwrap.wrap(text, _COLUMNS - 4, break_long_words=False, break_on_hyphens=False)
