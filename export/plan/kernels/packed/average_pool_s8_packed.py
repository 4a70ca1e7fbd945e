"""Average pooling on int8, four channels at a time."""

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Kernel
from export.plan.kernels.portable import average_pool_s8
from export.plan.layout import S8

CHANNELS_AT_ONCE = 4


def _refusal(layer: Layer) -> str:
    channels = layer.input_shape[2]
    return "" if channels >= CHANNELS_AT_ONCE else f"{channels} channels, the loop takes {CHANNELS_AT_ONCE} at once"


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.input_shape
    return -(-channels // CHANNELS_AT_ONCE) * (11 * height * width + 60)


KERNEL = Kernel(
    "fxp_average_pool_s8_packed",
    AVERAGE_POOL,
    S8,
    S8,
    args=average_pool_s8.KERNEL.args,
    constants=lambda layer: {},
    instructions=_instructions,
    refusal=_refusal,
)
