"""Proved widths of accumulators: no input can make a layer's sum leave its declared width.

Per output channel: `sum|w_code| * max|x_code| + |bias_code| + half <= 2**(A - 1) - 1`, half = 2**(shift - 1).
The bound holds for every partial sum in any order, which is what a kernel is free to choose.
"""

import numpy as np

from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer


def worst_case(layer: Layer) -> np.ndarray:
    """The largest magnitude each output channel's accumulator can reach, int64 [channels]."""
    magnitude = np.abs(layer.kernel.astype(np.int64))
    axes = {DENSE: (0,), DEPTHWISE_CONV2D: (0, 1), AVERAGE_POOL: (0, 1)}.get(layer.op, (0, 1, 2))
    peak_input = max(abs(layer.input_format.min_code), layer.input_format.max_code)
    half = (1 << layer.shift) >> 1
    return magnitude.sum(axis=axes) * peak_input + np.abs(layer.bias.astype(np.int64)) + half


def bounds(layer: Layer, inputs: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest sum of each output channel, rounding half included, int64 [channels] each.

    Exact for a whole window; padding, which reads as 0, gives nothing beyond. Narrower than `worst_case`, which bounds
    partial sums in any order too: this is for sums that may leave their lane on the way, modulo 2**32.

    Args:
      inputs: input channels of a convolution that are summed; bias and half come in with the first one.
    """
    kernel = layer.kernel.astype(np.int64)
    kernel = kernel[:, :, inputs] if layer.op == CONV2D else kernel
    axes = {DENSE: (0,), DEPTHWISE_CONV2D: (0, 1), AVERAGE_POOL: (0, 1)}.get(layer.op, (0, 1, 2))
    q = layer.input_format
    products = np.sort(np.stack([kernel * min(q.min_code, 0), kernel * max(q.max_code, 0)]), axis=0)
    offset = 0 if inputs.start else layer.bias.astype(np.int64) + ((1 << layer.shift) >> 1)
    return tuple(side.sum(axis=axes) + offset for side in products)


def required_bits(layer: Layer) -> int:
    """The narrowest signed width that holds every channel's accumulator."""
    return int(worst_case(layer).max()).bit_length() + 1


def prove(model: IntegerModel) -> None:
    """Raises `ValueError` that names layer, channel and excess where a declared width can overflow."""
    for layer in model.layers:
        limit = 2 ** (layer.accumulator_bits - 1) - 1
        sums = worst_case(layer)
        channel = int(np.argmax(sums))
        if sums[channel] > limit:
            raise ValueError(
                f"layer {layer.name}, channel {channel}: the accumulator can reach {sums[channel]}, "
                f"{sums[channel] - limit} more than {layer.accumulator_bits} bits hold ({limit})"
            )
