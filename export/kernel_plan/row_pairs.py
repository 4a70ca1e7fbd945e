"""Kernels for activations of at most four bits, on tensors in which a word holds two rows of two channels.

1x1 convolutions do four products per instruction where `export.accumulator` proves that every other channel fits twelve
bits, and two where it does not; depthwise convolutions do four where sums fit sixteen.
"""

import numpy as np

from export import accumulator
from export.integer_model import AVERAGE_POOL, CONV2D, Layer
from export.kernel_plan import dsp, lanes
from export.kernel_plan.kernel import Constant, Instance, Kernel, half, requantization
from export.kernel_plan.layout import S8, S16, padded
from export.kernel_plan.pair_loop import MAX_STEPS, STEP, W4, WIDE, PairLoop, halfwords
from export.kernel_plan.portable import not_pointwise
from export.kernel_plan.row_pair_layout import (
    FOR_DEPTHWISE,
    FOR_POINTWISE,
    LEADS,
    not_few_bits,
    not_few_outputs,
    row_pairs,
)

LANE_BITS = 12
"""Width of the lower lane of a quad's accumulator."""
_MAX_UPPER_SUM = 2**19 - 2
"""What the bits above `LANE_BITS` hold, with one to spare for what the lower lane carries."""
_MAX_QUAD_SHIFT = 31 - 20
_POOL_SUM = 2**16 - 1


def _pointwise_steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def quad_refusal(layer: Layer) -> str:
    """Why a 1x1 convolution can't have two output channels in a halfword; empty where the proof allows it."""
    if reason := not_pointwise(layer) or not_few_bits(layer):
        return reason
    if layer.weight_format.max_code > 2**15 // 2**LANE_BITS - 1:
        return f"weights {layer.weight_format}: two of them don't fit a halfword"
    if _pointwise_steps(layer) > MAX_STEPS:
        return f"{layer.input_shape[2]} input channels, the unrolled loop takes {MAX_STEPS * STEP}"
    if layer.shift > _MAX_QUAD_SHIFT:
        return f"shift {layer.shift} is more than {_MAX_QUAD_SHIFT}"
    low, high = accumulator.bounds(layer)
    limit = 1 << (LANE_BITS - 1)
    for channel in range(0, layer.output_shape[2], 2):
        if low[channel] < -limit or high[channel] >= limit:
            sums = f"{low[channel]} .. {high[channel]}"
            return f"channel {channel} sums to {sums}, the lower lane holds {-limit} .. {limit - 1}"
    if (worst := int(accumulator.worst_case(layer).max())) > _MAX_UPPER_SUM:
        return f"sums of {worst}, the upper lane holds {_MAX_UPPER_SUM}"
    return ""


def _quad_proof(layer: Layer) -> str:
    low, high = accumulator.bounds(layer)
    return f"{low[::2].min()} .. {high[::2].max()} fits {LANE_BITS} bits"


def _quad_constants(layer: Layer) -> dict[str, Constant]:
    inputs, outputs = (padded(shape[2]) for shape in (layer.input_shape, layer.output_shape))
    weights, bias = np.zeros((outputs, inputs), np.int64), np.zeros(outputs, np.int64)
    weights[: layer.output_shape[2], : layer.input_shape[2]] = layer.kernel[0, 0].T
    bias[: layer.output_shape[2]] = layer.bias.astype(np.int64) + half(layer)
    bias[0::2] += 1 << (LANE_BITS - 1)
    both = weights[0::2] + (weights[1::2] << LANE_BITS)
    biases = bias[0::2] + (bias[1::2] << LANE_BITS)
    words = halfwords(both).reshape(outputs // 4, 2, inputs // 2).transpose(0, 2, 1).reshape(outputs // 4, -1)
    stream = np.concatenate([(biases & 0xFFFFFFFF).astype(np.uint32).reshape(-1, 2), words], axis=1)
    layout = "[channel quad]{2 biases, [step]{c0c1 k0k1, c2c3 k0k1, c0c1 k2k3, c2c3 k2k3}} int16 of two channels"
    return {"weights": Constant(stream.ravel(), layout)}


def _quad_instance(layer: Layer) -> Instance:
    arguments = (_pointwise_steps(layer), layer.shift, layer.output_format.bits)
    name = "quad_products_" + "_".join(map(str, arguments))
    return Instance(name, "fxp_quad_products.h", "FXP_QUAD_PRODUCTS", arguments)


def _pointwise_sizes(layer: Layer, lead: int) -> dict[str, int]:
    height, width, channels = layer.output_shape
    return dict(
        pairs=row_pairs(height, lead) * width,
        input_words=padded(layer.input_shape[2]) // 2,
        output_words=padded(channels) // 2,
    )


def _no_more_channels(layer: Layer) -> bool:
    return padded(layer.output_shape[2]) <= padded(layer.input_shape[2])


def quad(lead: int) -> Kernel:
    """1x1 convolution, four products per instruction."""

    def args(layer: Layer) -> dict:
        height, width, channels = layer.output_shape
        inputs, outputs = padded(layer.input_shape[2]), padded(channels)
        sizes = dict(height=height, width=width, lead=lead, input_words=inputs // 2, output_words=outputs // 2)
        return sizes | {"weights_words": outputs // 4 * (2 + inputs)}

    def instructions(layer: Layer) -> float:
        sizes = _pointwise_sizes(layer, lead)
        block = 10 * _pointwise_steps(layer) + 24
        return sizes["pairs"] * (padded(layer.output_shape[2]) // 4 * block + 1.7 * padded(layer.input_shape[2]) + 40)

    return Kernel(
        "fxp_pointwise_conv2d_quad",
        CONV2D,
        FOR_POINTWISE[lead],
        FOR_DEPTHWISE[lead],
        args=args,
        constants=_quad_constants,
        instances=lambda layer: {"products": _quad_instance(layer)},
        instructions=instructions,
        refusal=quad_refusal,
        proof=_quad_proof,
        in_place=_no_more_channels,
        scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]) + 2 * padded(layer.output_shape[2]),
    )


def pointwise(loop: PairLoop, lead: int) -> Kernel:
    """1x1 convolution, two products per instruction: for sums that no lane holds."""
    wide = dsp.pointwise(loop)

    def args(layer: Layer) -> dict:
        words = wide.scratch_bytes(layer) // 4
        weights_words = loop.weights_words(layer.output_shape[2], _pointwise_steps(layer))
        return _pointwise_sizes(layer, lead) | {"pair_words": words, "weights_words": weights_words}

    return Kernel(
        "fxp_pointwise_conv2d_pairs",
        CONV2D,
        FOR_POINTWISE[lead],
        FOR_DEPTHWISE[lead],
        args=args,
        constants=wide.constants,
        instances=wide.instances,
        instructions=lambda layer: wide.instructions(layer) + 2.5 * np.prod(layer.output_shape),
        refusal=lambda layer: wide.refusal(layer) or not_few_bits(layer),
        in_place=_no_more_channels,
        scratch_bytes=lambda layer: wide.scratch_bytes(layer) + 4 * padded(layer.output_shape[2]),
    )


def convolution(loop: PairLoop) -> Kernel:
    """Convolution from int8 codes to row pairs, any window, stride and padding."""
    wide = dsp.convolution(loop)

    def padded_height(layer: Layer) -> int:
        rows = 2 * row_pairs(layer.output_shape[0], 0)
        return max(wide.args(layer)["padded_height"], (rows - 1) * layer.stride[0] + layer.kernel_size[0])

    def scratch_bytes(layer: Layer) -> int:
        fields = wide.args(layer)
        added = (padded_height(layer) - fields["padded_height"]) * fields["padded_width"] * layer.input_shape[2]
        return wide.scratch_bytes(layer) + added + 4 * padded(layer.output_shape[2])

    return Kernel(
        "fxp_conv2d_pairs",
        CONV2D,
        S8,
        FOR_DEPTHWISE[0],
        args=lambda layer: wide.args(layer) | {"padded_height": padded_height(layer)},
        constants=wide.constants,
        instances=wide.instances,
        instructions=lambda layer: wide.instructions(layer) + 2.5 * np.prod(layer.output_shape),
        refusal=lambda layer: not_few_outputs(layer) or wide.refusal(layer),
        scratch_bytes=scratch_bytes,
    )


def pool(lead: int) -> Kernel:
    """Average pooling to int16."""

    def refusal(layer: Layer) -> str:
        positions = layer.input_shape[0] * layer.input_shape[1]
        if positions * layer.input_format.max_code > _POOL_SUM:
            return f"{positions} codes of {layer.input_format} can leave 16 bits"
        return not_few_bits(layer)

    def args(layer: Layer) -> dict:
        height, width, channels = layer.input_shape
        sizes = dict(height=height, width=width, channels=padded(channels), lead=lead)
        return sizes | dict(bias=half(layer), requantization=requantization(layer))

    return Kernel(
        "fxp_average_pool_pairs",
        AVERAGE_POOL,
        FOR_DEPTHWISE[lead],
        S16,
        args=args,
        constants=lambda layer: {},
        instructions=lambda layer: 1.7 * layer.kernel.size,
        refusal=refusal,
    )


FAST_KERNELS = (
    *(quad(lead) for lead in LEADS),
    *(pointwise(WIDE, lead) for lead in LEADS),
    lanes.LANE_CONV,
    convolution(WIDE),
    *(lanes.depthwise(lead) for lead in LEADS),
    *(pool(lead) for lead in LEADS),
)
SMALL_KERNELS = (
    *(pointwise(W4, lead) for lead in LEADS),
    convolution(W4),
    *(lanes.depthwise(lead, compact=True) for lead in LEADS),
    *(pool(lead) for lead in LEADS),
)
