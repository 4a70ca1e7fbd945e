"""The Q-format of a tensor by least squared error."""

import dataclasses

import numpy as np

from quant import qformat
from quant.qformat import MAX_BITS, QFormat, activation_format

# How far around the format that just avoids saturation the search goes.
_FINER, _COARSER = 6, 2


def squared_error(values: np.ndarray, q: QFormat) -> float:
    """Mean squared error of quantizing real `values` (any shape) to `q`."""
    error = qformat.quantize(values, q) * q.lsb - values
    return float(np.mean(np.square(error)))


def best_fraction_bits(values: np.ndarray, q: QFormat) -> int:
    """The fraction bits, with `q`'s other properties, of least mean squared error on `values`.

    The search starts at the finest format that does not saturate, which the least-error one rarely is at low widths.
    """
    peak = float(np.abs(values).max()) if values.size else 0.0
    if peak == 0.0:
        return q.bits - 1
    start = int(np.floor(np.log2(q.max_code / peak)))
    candidates = range(start - _COARSER, start + _FINER + 1)
    return min(candidates, key=lambda f: squared_error(values, dataclasses.replace(q, fraction_bits=f)))


def input_format(features: np.ndarray) -> QFormat:
    """The 8-bit signed format of a network's input, with the fraction bits of least error on real inputs."""
    q = activation_format(MAX_BITS, 0, relu=False)
    return dataclasses.replace(q, fraction_bits=best_fraction_bits(features, q))
