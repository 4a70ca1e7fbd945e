"""1x1 convolution of a stream's rows, codes of at most seven bits in int16: loop and proof are those on row pairs."""

import dataclasses

from export.model.integer_model import Layer
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes
from export.plan.kernels.four_bit.row_pairs import BYTES
from export.plan.layout import S16, padded

_ROW_PAIRS = pointwise_conv2d_row_pairs_dsp_lanes.kernel(0, BYTES)


def _args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    inputs, outputs = padded(layer.input_shape[2]), padded(channels)
    words = outputs // 4 * (2 + inputs)
    return dict(positions=height * width, input_words=inputs // 2, output_words=outputs // 2, weights_words=words)


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    block = 2.5 * padded(layer.input_shape[2]) + 24
    return -(-height * width // 2) * (padded(channels) // 4 * (block + 20) + 1.3 * padded(layer.input_shape[2]) + 40)


KERNEL = dataclasses.replace(
    _ROW_PAIRS,
    function="fxp_pointwise_conv2d_s16_rows_dsp_lanes",
    input_layout=S16,
    output_layout=S16,
    args=_args,
    instructions=_instructions,
    cycles=lambda layer: 1.72 * _instructions(layer),
    scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]) + 2 * padded(layer.output_shape[2]),
)
