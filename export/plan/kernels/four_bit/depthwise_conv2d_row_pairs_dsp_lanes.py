"""Depthwise 3x3 convolution on row pairs as a product of polynomials, in lanes of 16 bits."""

import math

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.four_bit import row_lanes
from export.plan.kernels.four_bit.row_lanes import Lanes, lane_bias, lanes
from export.plan.kernels.four_bit.row_pairs import (
    CODE_BITS,
    FOR_DEPTHWISE,
    FOR_POINTWISE,
    NIBBLE_BITS,
    NIBBLES,
    bits_from,
    not_few_inputs,
    not_few_outputs,
    row_pairs,
)
from export.plan.layout import padded

_MAX_PANEL_WORDS = 250
_MAX_ROW_BYTES = 4095
_MAX_UNROLLED = 5
"""Columns that follow each other without a loop."""


def _lanes(layer: Layer, code_at: int = NIBBLES) -> Lanes:
    if code_at == NIBBLES:
        return lanes(layer, cheapest=NIBBLES, least=NIBBLES, most=15 - NIBBLE_BITS)
    return lanes(layer, cheapest=8, least=0, most=15 - CODE_BITS)


def refusal(layer: Layer, code_at: int = NIBBLES) -> str:
    """Why a depthwise convolution can't be a product of polynomials; empty where it can."""
    if layer.kernel_size != (3, 3) or layer.stride != (1, 1) or layer.padding != ((1, 1), (1, 1)):
        return f"window {layer.kernel_size}, stride {layer.stride}, padding {layer.padding}: it takes 3x3, 1 and 1"
    if reason := not_few_inputs(layer) or not_few_outputs(layer, bits_from(code_at)):
        return reason
    height, width, channels = layer.input_shape
    if row_pairs(height, 1) * width > _MAX_PANEL_WORDS:
        return f"{height}x{width} positions are more than the loop's offsets reach"
    if 2 * padded(channels) * width > _MAX_ROW_BYTES:
        return f"a row takes {2 * padded(channels) * width} bytes, more than {_MAX_ROW_BYTES}"
    return row_lanes.refusal(layer, lambda layer: _lanes(layer, code_at))


def _constants(layer: Layer, chosen: Lanes) -> dict[str, Constant]:
    channels = layer.input_shape[2]
    kernel = layer.kernel.astype(np.int64) << chosen.extra
    words = np.zeros((padded(channels), 7), np.int64)
    for column in range(3):
        words[:channels, column] = kernel[2, column] + (kernel[1, column] << 16)
        words[:channels, 3 + column] = kernel[0, column]
    words[:channels, 6] = lane_bias(layer, chosen)
    layout = "[channel]{w2 + w1 z of columns 0, 1, 2, w0 of columns 0, 1, 2, bias (1 + z)}, z = 2^16"
    return {"weights": Constant((words & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _codes(layer: Layer, chosen: Lanes) -> dict[str, Constant]:
    channels = layer.input_shape[2]
    codes, bias = np.zeros((padded(channels), 9), np.int8), np.zeros(padded(channels), np.int64)
    codes[:channels] = layer.kernel.transpose(2, 1, 0).reshape(channels, 9)
    bias[:channels] = lane_bias(layer, chosen)
    return {
        "codes": Constant(codes.ravel(), "[channel][column][row]"),
        "bias": Constant(
            (bias & 0xFFFFFFFF).astype(np.uint32), "[channel] bias (1 + z), rounding half included, scaled"
        ),
    }


def kernel(lead: int, code_at: int = NIBBLES, compact: bool = False, wide: bool = False) -> Kernel:
    """The output has the other lead. `compact` stores codes, from which weights are made on the way.

    `wide` loads more words at once: fewer cycles, more instructions.

    Args:
      code_at: where in its byte an output's code begins.
    """
    out_of_lanes = 0.0 if code_at == NIBBLES else 1.0  # an output's share of LSR and UXTB16
    instructions, cycles = (6.9, 8.4) if wide else (6.6, 9.1) if compact else (6.33, 8.8)
    instructions, cycles = instructions + out_of_lanes, cycles + out_of_lanes

    def expand(layer: Layer, a_channel: float) -> float:
        return a_channel * layer.input_shape[2] if compact else 0.0

    def args(layer: Layer) -> dict:
        height, width, channels = layer.input_shape
        fields = dict(height=height, width=width, channels=padded(channels), lead=lead)
        return fields | ({"scale": _lanes(layer, code_at).extra} if compact else {})

    suffix = "_WIDE" if wide else ""

    def instances(layer: Layer) -> dict[str, Instance]:
        height, width, channels = layer.input_shape
        rows, size, chosen = row_pairs(height, lead), 2 * padded(channels), _lanes(layer, code_at)
        last = row_pairs(height, 1 - lead) - (rows - lead)
        panels = (rows, lead, (height + lead) % 2, width, size)
        lanes = (chosen.flip, chosen.code_bit, code_at, layer.output_format.bits)
        loop = (rows, lead, last, width, size, *lanes, int(not compact and width <= _MAX_UNROLLED))
        return {
            "panels": Instance("four_bit", "FXP_PANELS_ROW_PAIRS_DSP" + suffix, panels),
            "loop": Instance("four_bit", "FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES" + suffix, loop),
        }

    return Kernel(
        "fxp_depthwise_conv2d_row_pairs_dsp_lanes",
        DEPTHWISE_CONV2D,
        FOR_DEPTHWISE[lead],
        FOR_POINTWISE[code_at][1 - lead],
        args=args,
        constants=lambda layer: (_codes if compact else _constants)(layer, _lanes(layer, code_at)),
        instances=instances,
        instructions=lambda layer: instructions * math.prod(layer.output_shape) + expand(layer, 40),
        cycles=lambda layer: cycles * math.prod(layer.output_shape) + expand(layer, 60),
        refusal=lambda layer: refusal(layer, code_at),
        proof=row_lanes.proof,
        in_place=lambda layer: True,
        scratch_bytes=lambda layer: 16 * row_pairs(layer.input_shape[0], lead) * layer.input_shape[1],
    )
