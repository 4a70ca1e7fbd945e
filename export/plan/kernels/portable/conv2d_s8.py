"""Convolution in plain C, any window, stride and padding."""

from export.model.integer_model import CONV2D
from export.plan.kernel import Kernel, requantization, window_args
from export.plan.kernels.portable.weights import in_order
from export.plan.layout import S8

KERNEL = Kernel(
    "fxp_conv2d_s8",
    CONV2D,
    S8,
    S8,
    args=lambda layer: window_args(layer) | {"requantization": requantization(layer)},
    constants=in_order("[output channel][row][column][input channel]", 3, 0, 1, 2),
    instructions=lambda layer: 4.0 * layer.macs,
)
