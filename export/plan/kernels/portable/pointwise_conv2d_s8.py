"""1x1 convolution in plain C."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel, not_pointwise, requantization
from export.plan.kernels.portable.weights import in_order
from export.plan.layout import S8


def _args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    return dict(
        positions=height * width,
        input_channels=layer.input_shape[2],
        output_channels=channels,
        requantization=requantization(layer),
    )


KERNEL = Kernel(
    "fxp_pointwise_conv2d_s8",
    CONV2D,
    S8,
    S8,
    args=_args,
    constants=in_order("[output channel][input channel]", 3, 0, 1, 2),
    instructions=lambda layer: 2.8 * layer.macs,
    refusal=not_pointwise,
)
