"""Depthwise convolution of int8 positions, any window, stride and padding, on vectors of channels."""

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Kernel, half, requantization, window_args
from export.plan.layout import S8


def _cost(layer: Layer) -> float:
    """Of each MAC 2.5 instructions where eight channels are computed at a time, the last ones maybe twice, else 6."""
    channels = layer.input_shape[2]
    return layer.macs * (2.5 * -(-channels // 8) * 8 / channels if channels >= 8 else 6.0)


def _constants(layer: Layer) -> dict[str, Constant]:
    bias = (layer.bias.astype(np.int64) + half(layer)).astype(np.int32)
    return {
        "weights": Constant(layer.kernel.ravel(), "[row][column][channel]"),
        "bias": Constant(bias, "[channel], rounding half included"),
    }


KERNEL = Kernel(
    "fxp_depthwise_conv2d_s8_helium",
    DEPTHWISE_CONV2D,
    S8,
    S8,
    args=lambda layer: window_args(layer) | {"requantization": requantization(layer)},
    constants=_constants,
    instructions=_cost,
)
