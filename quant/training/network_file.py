"""A network between two phases of training: real-valued weights and the formats they were trained in, as one .npz."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from quant.folding.layers import FoldedLayers, weighted_layers, with_weighted
from quant.formats.network_formats import Formats, Network

_FORMATS = "formats"


def write(path: pathlib.Path, layers: FoldedLayers, formats: Formats) -> None:
    """Writes kernels and biases, float32, and formats."""
    weighted = weighted_layers(layers)
    arrays: dict[str, Any] = {f"{layer.name}/kernel": layer.kernel for layer in weighted}
    arrays |= {f"{layer.name}/bias": layer.bias for layer in weighted}
    arrays[_FORMATS] = np.array(json.dumps(formats.to_json()))
    with path.open("wb") as file:
        np.savez(file, **arrays)


def of_arrays(arrays: Mapping[str, np.ndarray], layers: FoldedLayers) -> Network:
    """`layers` with the weights of a file's arrays, and its formats. Raises `KeyError` or `ValueError` for others."""
    formats = Formats.from_json(json.loads(str(arrays[_FORMATS])))
    weighted = [
        dataclasses.replace(layer, kernel=arrays[f"{layer.name}/kernel"], bias=arrays[f"{layer.name}/bias"])
        for layer in weighted_layers(layers)
    ]
    return Network(with_weighted(layers, weighted), formats)
