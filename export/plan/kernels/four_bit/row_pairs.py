"""Kernels for activations of at most four bits, on tensors in which a word holds two rows of two channels.

Four products per instruction where `export.model.accumulator` proves that sums fit their lanes (`quads.py` 1x1,
`lanes.py` first and depthwise convolutions); here are those that do two where they don't, and pooling.
"""

import numpy as np

from export.model.integer_model import AVERAGE_POOL, CONV2D, Layer
from export.plan.kernel import Kernel, half, requantization
from export.plan.kernels.dsp import dsp, quads
from export.plan.kernels.dsp.pair_loop import STEP, W4, WIDE, PairLoop
from export.plan.kernels.four_bit import lanes
from export.plan.kernels.four_bit.row_pair_layout import (
    FOR_DEPTHWISE,
    FOR_POINTWISE,
    LEADS,
    not_few_bits,
    not_few_inputs,
    not_few_outputs,
    row_pairs,
)
from export.plan.layout import S8, S16, padded

_POOL_SUM = 2**16 - 1


def _pointwise_steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def _pointwise_sizes(layer: Layer, lead: int) -> dict[str, int]:
    height, width, channels = layer.output_shape
    return dict(
        position_pairs=row_pairs(height, lead) * width,
        input_words=padded(layer.input_shape[2]) // 2,
        output_words=padded(channels) // 2,
    )


def _no_more_channels(layer: Layer) -> bool:
    return padded(layer.output_shape[2]) <= padded(layer.input_shape[2])


def pointwise(loop: PairLoop, lead: int) -> Kernel:
    """1x1 convolution, two products per instruction: for weights or sums that no lane holds."""
    wide = dsp.pointwise(loop)

    def args(layer: Layer) -> dict:
        words = wide.scratch_bytes(layer) // 4
        weights_words = loop.weights_words(layer.output_shape[2], _pointwise_steps(layer))
        return _pointwise_sizes(layer, lead) | {"position_pair_words": words, "weights_words": weights_words}

    return Kernel(
        "fxp_pointwise_conv2d_row_pairs_dsp",
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
        "fxp_conv2d_s8_to_row_pairs_dsp",
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
        instructions=lambda layer: 1.7 * layer.kernel.size,
        refusal=refusal,
    )


FAST_KERNELS = (
    *(quads.quad(lead) for lead in LEADS),
    *(pointwise(WIDE, lead) for lead in LEADS),
    lanes.LANE_CONV,
    convolution(WIDE),
    *(lanes.depthwise(lead) for lead in LEADS),
    *(pool(lead) for lead in LEADS),
)
SMALL_KERNELS = (
    *(quads.quad_w4(lead) for lead in LEADS),
    *(pointwise(W4, lead) for lead in LEADS),
    lanes.LANE_CONV_COMPACT,
    convolution(W4),
    *(lanes.depthwise(lead, compact=True) for lead in LEADS),
    *(pool(lead) for lead in LEADS),
)
