"""Average pooling of int16 activations, two channels at a time."""

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Kernel, half, requantization
from export.plan.layout import S16, padded


def _refusal(layer: Layer) -> str:
    q = layer.input_format
    positions = layer.input_shape[0] * layer.input_shape[1]
    limit = 2**15 if q.signed else 2**16 - 1
    if positions * max(q.max_code, -q.min_code) > limit:
        return f"{positions} codes of {q} can leave 16 bits"
    return ""


def _args(layer: Layer) -> dict:
    height, width, channels = layer.input_shape
    return dict(
        positions=height * width,
        words=padded(channels) // 2,
        bias=half(layer),
        is_signed=int(layer.input_format.signed),
        requantization=requantization(layer),
    )


KERNEL = Kernel(
    "fxp_average_pool_s16_dsp",
    AVERAGE_POOL,
    S16,
    S16,
    args=_args,
    constants=lambda layer: {},
    instructions=lambda layer: layer.kernel.size + 10.1 * padded(layer.input_shape[2]),
    cycles=lambda layer: 1.72 * layer.kernel.size + 15.5 * padded(layer.input_shape[2]),
    refusal=_refusal,
)
