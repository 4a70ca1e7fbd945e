"""What matrix products to planes have in common: weights of channel pairs, fxp_matrix_loop_planes_helium.h."""

import math

import numpy as np

from export.model.integer_model import Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance
from export.plan.kernels.helium import narrowing
from export.plan.kernels.helium.matrix_products import vectors
from export.plan.kernels.helium.planes import VECTOR, plane_bytes

MAX_VECTORS = 4
"""Of products; the weights of two channels stay in twice as many registers."""
UNIT = 16
"""Positions that are computed at once; FXP_UNIT of fxp_helium.h."""
_MAX_ZEROS = 112
"""What VSTRB reaches behind a unit."""


def _channel_pairs(layer: Layer) -> int:
    return -(-layer.kernel.shape[-1] // 2)


def positions(layer: Layer) -> int:
    """Of the output."""
    return math.prod(layer.output_shape[:2])


def refusal(layer: Layer) -> str:
    """Why the loop can't compute the layer; empty where it can."""
    if vectors(layer) > MAX_VECTORS:
        return f"{math.prod(layer.kernel.shape[:-1])} products, the loop takes {MAX_VECTORS * VECTOR}"
    if layer.output_shape[1] > _MAX_ZEROS:
        return f"a row of {layer.output_shape[1]}, the loop writes {_MAX_ZEROS} zeros between planes"
    return scale.saturation_refusal(layer)


def fields(layer: Layer) -> dict[str, int]:
    """Where planes lie, and how many words of weights there are."""
    width = layer.output_shape[1]
    words = _channel_pairs(layer) * (2 + 2 * VECTOR // 4 * vectors(layer))
    return dict(first=1 + width, zeros=width, weights_words=words)


def weights(layer: Layer) -> Constant:
    """Weights and biases of all output channels, in the order of fxp_matrix_loop_planes_helium.h."""
    outputs, count, channel_pairs = layer.kernel.shape[-1], vectors(layer), _channel_pairs(layer)
    codes = np.zeros((2 * channel_pairs, count * VECTOR), np.int8)
    codes[:outputs, : math.prod(layer.kernel.shape[:-1])] = layer.kernel.reshape(-1, outputs).T
    bias = np.zeros(2 * channel_pairs, np.int64)
    bias[:outputs] = narrowing.accumulator_start(layer)
    ordered = codes.reshape(channel_pairs, 2, count, VECTOR).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(ordered).reshape(channel_pairs, -1).view("<u4")
    biases = bias.astype("<i4").view("<u4").reshape(-1, 2)
    layout = "[channel pair]{2 biases, [vector]{c0, c1}} 16 codes of a channel each"
    return Constant(np.concatenate([biases, words], axis=1).ravel(), layout)


def loop(layer: Layer) -> Instance:
    """The loop, made for the layer's numbers."""
    saturate, bits = narrowing.saturation(layer)
    shape = (vectors(layer), positions(layer) % UNIT, plane_bytes(layer.output_shape), layer.output_shape[1])
    return Instance("helium", "FXP_MATRIX_LOOP_PLANES_HELIUM", (*shape, layer.shift, saturate, bits))


def cost(layer: Layer, bands: int = 1) -> float:
    """Of the loop, which goes through the weights once for each band of positions."""
    count, (units, rest) = vectors(layer), divmod(positions(layer), UNIT)
    again = max(count - 2, 0) + 4 * (count == MAX_VECTORS)
    narrow = 2 * narrowing.instructions(layer, UNIT)
    unit = 3 * UNIT * count + 21 + narrow + again
    left = 3 * rest * count + 2 * min(rest, 4) + again + 18 + narrow if rest else 0
    return _channel_pairs(layer) * (units * unit + left + bands * (2 * count + 30)) + 60 * bands
