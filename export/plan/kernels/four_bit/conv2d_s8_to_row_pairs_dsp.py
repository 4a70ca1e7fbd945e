"""Convolution from int8 codes to row pairs, any window, stride and padding, two products per instruction."""

import math

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel
from export.plan.kernels.dsp import conv2d_s8_to_s16_dsp
from export.plan.kernels.dsp.matrix_loops import MatrixLoop
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, not_few_outputs, row_pairs
from export.plan.layout import S8, padded


def kernel(loop: MatrixLoop) -> Kernel:
    """The kernel with one of the inner loops."""
    s16 = conv2d_s8_to_s16_dsp.kernel(loop)

    def padded_height(layer: Layer) -> int:
        rows = 2 * row_pairs(layer.output_shape[0], 0)
        return max(s16.args(layer)["padded_height"], (rows - 1) * layer.stride[0] + layer.kernel_size[0])

    def scratch_bytes(layer: Layer) -> int:
        fields = s16.args(layer)
        added = (padded_height(layer) - fields["padded_height"]) * fields["padded_width"] * layer.input_shape[2]
        return s16.scratch_of(layer) + added + 4 * padded(layer.output_shape[2])

    return Kernel(
        "fxp_conv2d_s8_to_row_pairs_dsp",
        CONV2D,
        S8,
        FOR_DEPTHWISE[0],
        args=lambda layer: s16.args(layer) | {"padded_height": padded_height(layer)},
        constants=s16.constants,
        instances=s16.instances,
        instructions=lambda layer: s16.instructions(layer) + 2.5 * math.prod(layer.output_shape),
        cycles=lambda layer: (s16.cycles or s16.instructions)(layer) + 4 * math.prod(layer.output_shape),
        refusal=lambda layer: not_few_outputs(layer) or s16.refusal(layer),
        scratch_bytes=scratch_bytes,
    )
