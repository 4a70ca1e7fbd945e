"""What matrix products on vectors have in common: weights, places of outputs, fxp_matrix_loop_s8_helium.h."""

import math

import numpy as np

from export.model.integer_model import Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance
from export.plan.kernels.helium import narrowing
from export.plan.kernels.helium.planes import BLOCK, MAX_OFFSET, PLANES, VECTOR, blocks, plane_bytes
from export.plan.layout import ActivationLayout

MAX_VECTORS = 128


def output(layer: Layer, layout: ActivationLayout) -> dict[str, int]:
    """Fields of an fxp_matrix_output."""
    width, channels = layer.output_shape[1:]
    if layout == PLANES:
        parts, size = BLOCK * blocks(channels) + 1, plane_bytes(layer.output_shape)
        return dict(first=1 + width, step=1, copied=0, parts=parts, plane_bytes=size, zeros=width)
    whole = channels % BLOCK == 0
    step = BLOCK * blocks(channels)
    return dict(first=0, step=step, copied=0 if whole else channels, parts=0, plane_bytes=0, zeros=0)


def _channel_bytes(layer: Layer, layout: ActivationLayout) -> int:
    """Between two channels of a position."""
    return plane_bytes(layer.output_shape) if layout == PLANES else 1


def offsets(layer: Layer, layout: ActivationLayout) -> Constant:
    """Places of four channels of two positions, then of one position twice."""
    channel, position = _channel_bytes(layer, layout), output(layer, layout)["step"]
    places = [c * channel + p * position * both for both in (1, 0) for c in range(BLOCK) for p in (0, 1)]
    return Constant(np.array(places, np.uint16), "[two positions, one]{c0p0, c0p1, c1p0, ... c3p1} bytes")


def copy_bytes(layer: Layer, layout: ActivationLayout) -> int:
    places = output(layer, layout)
    return 2 * places["step"] if places["copied"] else 0


def vectors(layer: Layer) -> int:
    """Vectors of one output's products."""
    return -(-math.prod(layer.kernel.shape[:-1]) // VECTOR)


def weights(layer: Layer) -> Constant:
    """Weights and biases of all output channels, in the order of fxp_matrix_loop_s8_helium.h."""
    outputs, count = layer.kernel.shape[-1], vectors(layer)
    codes = np.zeros((BLOCK * blocks(outputs), count * VECTOR), np.int8)
    codes[:outputs, : math.prod(layer.kernel.shape[:-1])] = layer.kernel.reshape(-1, outputs).T
    bias = np.zeros(BLOCK * blocks(outputs), np.int64)
    bias[:outputs] = narrowing.accumulator_start(layer)
    ordered = codes.reshape(-1, BLOCK, count, VECTOR).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(ordered).reshape(len(ordered), -1).view("<u4")
    biases = bias.astype("<i4").view("<u4").reshape(-1, BLOCK)
    layout = "[4 channels]{4 biases, 4 biases, [vector]{c0, c1, c2, c3}} 16 codes of a channel each"
    return Constant(np.concatenate([biases, biases, words], axis=1).ravel(), layout)


def loop(layer: Layer, layout: ActivationLayout) -> Instance:
    saturate, bits = narrowing.saturation(layer)
    step = BLOCK * _channel_bytes(layer, layout)
    numbers = (vectors(layer), step, layer.shift, saturate, bits)
    return Instance("helium", "FXP_MATRIX_LOOP_S8_HELIUM", numbers)


def refusal(layer: Layer, layout: ActivationLayout) -> str:
    if vectors(layer) > MAX_VECTORS:
        return f"{math.prod(layer.kernel.shape[:-1])} products, the loop takes {MAX_VECTORS * VECTOR}"
    reach = BLOCK * _channel_bytes(layer, layout) + output(layer, layout)["step"]
    if reach > MAX_OFFSET:
        return f"four channels reach over {reach} bytes, offsets over {MAX_OFFSET}"
    return scale.saturation_refusal(layer)


def cost(layer: Layer, layout: ActivationLayout, per_position: float) -> float:
    height, width, channels = layer.output_shape
    count = vectors(layer)
    block = 12 * count + max(2 * count - 5, 0) + 10 + narrowing.instructions(layer, 8)
    zeros = 6 * channels if layout == PLANES else 0
    return -(-height * width // 2) * (blocks(channels) * block + 40 + 2 * per_position) + zeros + 40


def constants(layer: Layer, layout: ActivationLayout) -> dict[str, Constant]:
    return {"weights": weights(layer), "offsets": offsets(layer, layout)}


def fields(layer: Layer, layout: ActivationLayout) -> dict:
    words = blocks(layer.kernel.shape[-1]) * BLOCK * (2 + VECTOR // 4 * vectors(layer))
    return dict(vectors=vectors(layer), output=output(layer, layout), weights_words=words)
