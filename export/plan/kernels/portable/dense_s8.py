"""Dense layer in plain C."""

from export.model.integer_model import DENSE, Layer
from export.plan.kernel import Kernel, requantization
from export.plan.kernels.portable.weights import in_order
from export.plan.layout import S8


def _args(layer: Layer) -> dict:
    return dict(inputs=layer.input_shape[2], outputs=layer.output_shape[2], requantization=requantization(layer))


KERNEL = Kernel(
    "fxp_dense_s8",
    DENSE,
    S8,
    S8,
    args=_args,
    constants=in_order("[output][input]", 1, 0),
    instructions=lambda layer: 5.4 * layer.macs,
)
