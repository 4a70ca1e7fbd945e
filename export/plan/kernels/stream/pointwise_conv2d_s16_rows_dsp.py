"""1x1 convolution of a stream's rows, int16: the last of an odd number of positions is computed alone."""

import dataclasses
import math

from export.model.integer_model import Layer
from export.plan.kernel import Instance
from export.plan.kernels.dsp import matrix_loops, pointwise_conv2d_s16_dsp
from export.plan.layout import padded

_POSITION_PAIRS = pointwise_conv2d_s16_dsp.kernel(matrix_loops.W16)


def _instances(layer: Layer) -> dict[str, Instance]:
    loop = _POSITION_PAIRS.instances(layer)["loop"]
    return {"loop": loop, "single_loop": Instance("stream", "FXP_MATRIX_LOOP_S16_DSP_SINGLE", loop.arguments)}


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    position_pairs, single = divmod(height * width, 2)
    block = 2.5 * padded(layer.input_shape[2]) + 14
    return padded(channels) // 2 * block * (position_pairs + 0.55 * single) + 80 * position_pairs


def _cycles(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    inputs = padded(layer.input_shape[2])
    position_pairs, single = divmod(height * width, 2)
    block = 4.5 * inputs + 19
    return padded(channels) // 2 * block * (position_pairs + 0.64 * single) + position_pairs * (2.25 * inputs + 116)


def _refusal(layer: Layer) -> str:
    return _POSITION_PAIRS.refusal(layer) or ("" if math.prod(layer.output_shape[:2]) % 2 else "even positions")


KERNEL = dataclasses.replace(
    _POSITION_PAIRS,
    function="fxp_pointwise_conv2d_s16_rows_dsp",
    instances=_instances,
    instructions=_instructions,
    cycles=_cycles,
    refusal=_refusal,
    in_place=lambda layer: False,
)
