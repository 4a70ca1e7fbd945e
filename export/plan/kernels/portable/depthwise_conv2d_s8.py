"""Depthwise convolution in plain C, any window, stride and padding."""

from export.model.integer_model import DEPTHWISE_CONV2D
from export.plan.kernel import Kernel, requantization, window_args
from export.plan.kernels.portable.weights import in_order
from export.plan.layout import S8

KERNEL = Kernel(
    "fxp_depthwise_conv2d_s8",
    DEPTHWISE_CONV2D,
    S8,
    S8,
    args=lambda layer: window_args(layer) | {"requantization": requantization(layer)},
    constants=in_order("[channel][row][column]", 2, 0, 1),
    instructions=lambda layer: 5.9 * layer.macs,
)
