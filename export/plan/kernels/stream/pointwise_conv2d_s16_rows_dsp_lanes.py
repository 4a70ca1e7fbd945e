"""1x1 convolution of a stream's rows, codes of at most seven bits in int16: weights and proof are row pairs'."""

import dataclasses

from export.model.integer_model import Layer
from export.plan.kernel import Instance
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes
from export.plan.kernels.four_bit.row_pairs import BYTES
from export.plan.layout import S16, padded

_ROW_PAIRS = pointwise_conv2d_row_pairs_dsp_lanes.kernel(0, BYTES)


def _args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    inputs, outputs = padded(layer.input_shape[2]), padded(channels)
    words = outputs // 4 * (2 + inputs)
    return dict(positions=height * width, input_words=inputs // 2, output_words=outputs // 2, weights_words=words)


def _instances(layer: Layer) -> dict[str, Instance]:
    arguments = _ROW_PAIRS.instances(layer)["loop"].arguments
    macro = "FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES"
    loops = {"loop": macro, "single_loop": f"{macro}_SINGLE"}
    return {field: Instance("stream", name, arguments) for field, name in loops.items()}


def channel_quad(layer: Layer) -> tuple[float, float]:
    """Instructions of a channel quad of two positions, and of one, lower lanes that are taken out included."""
    inputs, lane = padded(layer.input_shape[2]), pointwise_conv2d_row_pairs_dsp_lanes.lane_bits(layer)
    steps = pointwise_conv2d_row_pairs_dsp_lanes.steps(layer)
    taken_out = -(-steps // pointwise_conv2d_row_pairs_dsp_lanes.lane_steps(layer, lane)) - 1
    two, one = (14 * taken_out + 4, 6 * taken_out + 1) if taken_out else (0, 0)
    return 2.5 * inputs + 23 + two, 1.4 * inputs + 16 + one


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    position_pairs, single = divmod(height * width, 2)
    two, one = channel_quad(layer)
    copies = 0.8 * padded(layer.input_shape[2]) + 40
    return padded(channels) // 4 * (position_pairs * two + single * one) + copies * (position_pairs + single)


KERNEL = dataclasses.replace(
    _ROW_PAIRS,
    function="fxp_pointwise_conv2d_s16_rows_dsp_lanes",
    input_layout=S16,
    output_layout=S16,
    args=_args,
    instances=_instances,
    instructions=_instructions,
    cycles=lambda layer: 1.82 * _instructions(layer),
    scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]),
)
