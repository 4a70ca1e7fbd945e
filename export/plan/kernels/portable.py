"""Portable kernels: plain C on int8 activations, any shape, any Cortex-M."""

from collections.abc import Callable

import numpy as np

from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Kernel, half, requantization, shape_fields
from export.plan.layout import S8

_BIAS = "[output channel], rounding half included"


def _constants(layout: str, *order: int) -> Callable[[Layer], dict[str, Constant]]:
    def constants(layer: Layer) -> dict[str, Constant]:
        weights = np.ascontiguousarray(layer.kernel.transpose(order)).ravel()
        bias = (layer.bias.astype(np.int64) + half(layer)).astype(np.int32)
        return {"weights": Constant(weights, layout), "bias": Constant(bias, _BIAS)}

    return constants


def window_args(layer: Layer) -> dict:
    """Shapes, window, stride and padding of a convolution."""
    (top, _), (left, _) = layer.padding
    return {
        "input": shape_fields(layer.input_shape),
        "output": shape_fields(layer.output_shape),
        "window": dict(height=layer.kernel_size[0], width=layer.kernel_size[1]),
        "stride": dict(vertical=layer.stride[0], horizontal=layer.stride[1]),
        "padding": dict(top=top, left=left),
    }


def _window_args(layer: Layer) -> dict:
    return window_args(layer) | {"requantization": requantization(layer)}


def _pointwise_args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    return dict(
        positions=height * width,
        input_channels=layer.input_shape[2],
        output_channels=channels,
        requantization=requantization(layer),
    )


def _pool_args(layer: Layer) -> dict:
    height, width, channels = layer.input_shape
    return dict(positions=height * width, channels=channels, bias=half(layer), requantization=requantization(layer))


def _dense_args(layer: Layer) -> dict:
    return dict(inputs=layer.input_shape[2], outputs=layer.output_shape[2], requantization=requantization(layer))


def not_pointwise(layer: Layer) -> str:
    """Why a convolution is not one matrix product over all positions; empty where it is."""
    if layer.kernel_size != (1, 1):
        return f"the window is {layer.kernel_size[0]}x{layer.kernel_size[1]}, not 1x1"
    if layer.stride != (1, 1) or layer.padding != ((0, 0), (0, 0)):
        return f"stride {layer.stride} or padding {layer.padding}"
    return ""


def _per_mac(instructions: float) -> Callable[[Layer], float]:
    return lambda layer: instructions * layer.macs


POOL = Kernel(
    "fxp_average_pool_s8",
    AVERAGE_POOL,
    S8,
    S8,
    args=_pool_args,
    constants=lambda layer: {},
    instructions=lambda layer: 4.0 * layer.kernel.size,
)
CONV = Kernel(
    "fxp_conv2d_s8",
    CONV2D,
    S8,
    S8,
    args=_window_args,
    constants=_constants("[output channel][row][column][input channel]", 3, 0, 1, 2),
    instructions=_per_mac(4.0),
)
POINTWISE = Kernel(
    "fxp_pointwise_conv2d_s8",
    CONV2D,
    S8,
    S8,
    args=_pointwise_args,
    constants=_constants("[output channel][input channel]", 3, 0, 1, 2),
    instructions=_per_mac(2.8),
    refusal=not_pointwise,
)
DEPTHWISE = Kernel(
    "fxp_depthwise_conv2d_s8",
    DEPTHWISE_CONV2D,
    S8,
    S8,
    args=_window_args,
    constants=_constants("[channel][row][column]", 2, 0, 1),
    instructions=_per_mac(5.0),
)
FULLY_CONNECTED = Kernel(
    "fxp_dense_s8",
    DENSE,
    S8,
    S8,
    args=_dense_args,
    constants=_constants("[output][input]", 1, 0),
    instructions=_per_mac(4.0),
)

KERNELS = (POINTWISE, CONV, DEPTHWISE, POOL, FULLY_CONNECTED)
