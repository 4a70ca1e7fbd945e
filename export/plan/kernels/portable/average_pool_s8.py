"""Average pooling in plain C."""

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Kernel, half, requantization
from export.plan.layout import S8


def _args(layer: Layer) -> dict:
    height, width, channels = layer.input_shape
    return dict(positions=height * width, channels=channels, bias=half(layer), requantization=requantization(layer))


KERNEL = Kernel(
    "fxp_average_pool_s8",
    AVERAGE_POOL,
    S8,
    S8,
    args=_args,
    constants=lambda layer: {},
    instructions=lambda layer: 6.2 * layer.kernel.size,
)
