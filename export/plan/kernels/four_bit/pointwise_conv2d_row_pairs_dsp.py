"""1x1 convolution on row pairs, two products per instruction: for weights or sums that no lane holds."""

import math

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel
from export.plan.kernels.dsp import pointwise_conv2d_s16_dsp
from export.plan.kernels.dsp.matrix_loops import MatrixLoop
from export.plan.kernels.four_bit.row_pairs import (
    FOR_DEPTHWISE,
    FOR_POINTWISE,
    NIBBLES,
    bits_from,
    not_few_inputs,
    not_few_outputs,
    row_pairs,
)
from export.plan.layout import padded


def _sizes(layer: Layer, lead: int, code_at: int) -> dict[str, int]:
    height, width, channels = layer.output_shape
    return dict(
        position_pairs=row_pairs(height, lead) * width,
        input_words=padded(layer.input_shape[2]) // 2,
        output_words=padded(channels) // 2,
        code_at=code_at,
    )


def _no_more_channels(layer: Layer) -> bool:
    return padded(layer.output_shape[2]) <= padded(layer.input_shape[2])


def kernel(loop: MatrixLoop, lead: int, code_at: int = NIBBLES) -> Kernel:
    """The kernel with one of the inner loops, for codes that begin at `code_at` in their bytes."""
    s16 = pointwise_conv2d_s16_dsp.kernel(loop)

    def args(layer: Layer) -> dict:
        words = s16.scratch_of(layer) // 4
        weights_words = loop.weights_words(layer.output_shape[2], pointwise_conv2d_s16_dsp.steps(layer))
        return _sizes(layer, lead, code_at) | {"position_pair_words": words, "weights_words": weights_words}

    def refusal(layer: Layer) -> str:
        return s16.refusal(layer) or not_few_inputs(layer, bits_from(code_at)) or not_few_outputs(layer)

    return Kernel(
        "fxp_pointwise_conv2d_row_pairs_dsp",
        CONV2D,
        FOR_POINTWISE[code_at][lead],
        FOR_DEPTHWISE[lead],
        args=args,
        constants=s16.constants,
        instances=s16.instances,
        instructions=lambda layer: s16.instructions(layer) + 2.5 * math.prod(layer.output_shape),
        cycles=lambda layer: (s16.cycles or s16.instructions)(layer) + 4 * math.prod(layer.output_shape),
        refusal=refusal,
        in_place=_no_more_channels,
        scratch_bytes=lambda layer: s16.scratch_of(layer) + 4 * padded(layer.output_shape[2]),
    )
