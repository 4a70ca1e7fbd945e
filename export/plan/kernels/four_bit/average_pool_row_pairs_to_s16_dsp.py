"""Average pooling of row pairs to int16."""

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Kernel, half, requantization
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, not_few_inputs
from export.plan.layout import S16, padded

_POOL_SUM = 2**16 - 1


def kernel(lead: int) -> Kernel:
    """The kernel for a lead of the input."""

    def refusal(layer: Layer) -> str:
        positions = layer.input_shape[0] * layer.input_shape[1]
        if positions * layer.input_format.max_code > _POOL_SUM:
            return f"{positions} codes of {layer.input_format} can leave 16 bits"
        return not_few_inputs(layer)

    def args(layer: Layer) -> dict:
        height, width, channels = layer.input_shape
        sizes = dict(height=height, width=width, channels=padded(channels), lead=lead)
        return sizes | dict(bias=half(layer), requantization=requantization(layer))

    return Kernel(
        "fxp_average_pool_row_pairs_to_s16_dsp",
        AVERAGE_POOL,
        FOR_DEPTHWISE[lead],
        S16,
        args=args,
        constants=lambda layer: {},
        instructions=lambda layer: 1.36 * layer.kernel.size,
        cycles=lambda layer: 1.91 * layer.kernel.size,
        refusal=refusal,
    )
