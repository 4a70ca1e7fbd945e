"""The Q-formats of a whole network, and their choice by least squared error."""

import dataclasses
from typing import Any

import numpy as np

from quant import qformat
from quant.qformat import QFormat

# How far around the format that just avoids saturation the search goes.
_FINER, _COARSER = 6, 2


@dataclasses.dataclass(frozen=True)
class LayerFormats:
    """Q-formats of one layer: its weights (None for pooling) and its output."""

    weights: QFormat | None
    output: QFormat


@dataclasses.dataclass(frozen=True)
class Formats:
    """Q-formats of the network's input and of every layer, by layer name."""

    input: QFormat
    layers: dict[str, LayerFormats]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Formats":
        def read(fields: dict[str, Any] | None) -> QFormat | None:
            return None if fields is None else QFormat(**fields)

        layers = {name: LayerFormats(read(f["weights"]), read(f["output"])) for name, f in data["layers"].items()}
        return cls(read(data["input"]), layers)


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
