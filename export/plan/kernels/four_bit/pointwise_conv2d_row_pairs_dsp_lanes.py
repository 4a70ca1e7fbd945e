"""1x1 convolutions of row pairs with two output channels in a halfword: four products per instruction.

The lower channel of two has `lane_bits` of the accumulator, as many as two weights leave in a halfword. Where its sums
need more, the loop takes the lane out after every so many input channels, as few times as `export.model.accumulator`
proves to be enough.
"""

import dataclasses
from typing import Any

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half, not_pointwise
from export.plan.kernels.dsp.matrix_loops import MAX_STEPS, STEP, halfwords
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

NIBBLE_LANE = 12
"""Bits of the lower lane of an accumulator with weights of four bits."""
_LANES = (14, 13, NIBBLE_LANE)
_MAX_OFFSET = 4095
_MAX_SATURATED = 11
"""Bits of a lower lane's shift and code where two positions are saturated at once."""


def steps(layer: Layer) -> int:
    """Of the loop, for all input channels."""
    return padded(layer.input_shape[2]) // STEP


def _lower_bounds(layer: Layer, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest sum of every `steps` steps, int64 [spans, lower channels] each."""
    spans = range(0, layer.input_shape[2], STEP * steps)
    bounds = [accumulator.bounds(layer, slice(span, span + STEP * steps)) for span in spans]
    low, high = (np.stack(side)[:, ::2] for side in zip(*bounds, strict=True))
    return low, high


def lane_bits(layer: Layer) -> int:
    """Bits of the lower lane: the most with which two weights fit a halfword; 0 where none will do."""
    greatest = layer.weight_format.max_code
    return next((bits for bits in _LANES if greatest * (2**bits + 1) < 2**15), 0)


def _fit(layer: Layer, steps: int, lane: int) -> bool:
    low, high = _lower_bounds(layer, steps)
    return bool(low.min() >= -(1 << lane - 1) and high.max() < 1 << lane - 1)


def lane_steps(layer: Layer, lane: int) -> int:
    """Most steps after which the lower lane may be taken out, of spans of equal length; 0 where not even one fits."""
    count = steps(layer)
    lengths = (-(-count // many) for many in range(1, count + 1))
    return next((length for length in lengths if _fit(layer, length, lane)), 0)


def lanes_refusal(layer: Layer, code_at: int, lane: int) -> str:
    """Why no two output channels share a halfword, whatever the sums are; empty where they can."""
    if reason := not_pointwise(layer) or not_few_inputs(layer, bits_from(code_at)) or not_few_outputs(layer):
        return reason
    if not lane_bits(layer):
        return f"weights {layer.weight_format}: two of them don't fit a halfword"
    if steps(layer) > MAX_STEPS:
        return f"{layer.input_shape[2]} input channels, the unrolled loop takes {MAX_STEPS * STEP}"
    if layer.shift > lane - 1:
        return f"shift {layer.shift} is more than {lane - 1}"
    return ""


def refusal(layer: Layer, code_at: int = NIBBLES, lane: int = 0) -> str:
    """Why a 1x1 convolution can't have two output channels in a halfword; empty where the proof allows it.

    Args:
      lane: bits of the lower one; 0 for those of `lane_bits`.
    """
    lane = lane or lane_bits(layer)
    if reason := lanes_refusal(layer, code_at, lane):
        return reason
    if not lane_steps(layer, lane):
        low, high = _lower_bounds(layer, 1)
        sums = f"{low.min()} .. {high.max()}"
        return f"{STEP} input channels sum to {sums}, the lower lane holds {-(1 << lane - 1)} .. {(1 << lane - 1) - 1}"
    upper = 2 ** (31 - lane) - 2  # one to spare for what the lower lane carries
    if (worst := int(accumulator.worst_case(layer).max())) > upper:
        return f"sums of {worst}, the upper lane holds {upper}"
    return ""


def _proof(layer: Layer, lane: int) -> str:
    every = lane_steps(layer, lane)
    low, high = _lower_bounds(layer, every)
    of = f" of {STEP * every} inputs" if every < steps(layer) else ""
    return f"{low.min()} .. {high.max()}{of} fits {lane} bits"


def words(layer: Layer, lane: int) -> tuple[np.ndarray, np.ndarray]:
    """Biases uint32 [channel quads, 2], weight words uint32 [channel quads, inputs / 2, 2]; last axis c0c1, c2c3."""
    inputs, outputs = (padded(shape[2]) for shape in (layer.input_shape, layer.output_shape))
    weights, bias = np.zeros((outputs, inputs), np.int64), np.zeros(outputs, np.int64)
    weights[: layer.output_shape[2], : layer.input_shape[2]] = layer.kernel[0, 0].T
    bias[: layer.output_shape[2]] = layer.bias.astype(np.int64) + half(layer)
    if lane_steps(layer, lane) == steps(layer):
        bias[0::2] += 1 << lane - 1
    both = weights[0::2] + (weights[1::2] << lane)
    biases = bias[0::2] + (bias[1::2] << lane)
    codes = halfwords(both).reshape(outputs // 4, 2, inputs // 2).transpose(0, 2, 1)
    return (biases & 0xFFFFFFFF).astype(np.uint32).reshape(-1, 2), codes


def _constants(layer: Layer, lane: int) -> dict[str, Constant]:
    biases, codes = words(layer, lane)
    stream = np.concatenate([biases, codes.reshape(len(codes), -1)], axis=1)
    layout = "[channel quad]{2 biases, [step]{c0c1 k0k1, c2c3 k0k1, c0c1 k2k3, c2c3 k2k3}} int16 of two channels"
    return {"weights": Constant(stream.ravel(), layout)}


def instance(layer: Layer, macro: str, lane: int) -> Instance:
    """One of the two loops, for the layer's numbers."""
    arguments = (steps(layer), lane_steps(layer, lane), lane, layer.shift, layer.output_format.bits)
    return Instance("four_bit", macro, arguments)


def blocks(layer: Layer, lead: int, lane: int) -> tuple[int, float]:
    """How often the loop runs over a channel quad's steps for a position pair, and its instructions."""
    height, width, channels = layer.output_shape
    taken_out = -(-steps(layer) // lane_steps(layer, lane)) - 1
    block = 10 * steps(layer) + 24 + (14 * taken_out + 4 if taken_out else 0)
    return row_pairs(height, lead) * width * padded(channels) // 4, block


def of_row_pairs(function: str, lead: int, code_at: int, lane: int = 0, **fields: Any) -> Kernel:
    """A kernel with this proof, for codes that begin at `code_at` in their bytes; of `lane`, as `refusal`."""
    return Kernel(
        function,
        CONV2D,
        FOR_POINTWISE[code_at][lead],
        FOR_DEPTHWISE[lead],
        refusal=lambda layer: refusal(layer, code_at, lane),
        proof=lambda layer: _proof(layer, lane or lane_bits(layer)),
        in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
        **fields,
    )


def sizes(layer: Layer, lead: int, code_at: int) -> dict[str, int]:
    """Arguments that do not depend on how weights are stored."""
    height, width, channels = layer.output_shape
    inputs, outputs = padded(layer.input_shape[2]), padded(channels)
    return dict(
        height=height,
        width=width,
        lead=lead,
        input_words=inputs // 2,
        output_words=outputs // 2,
        code_at=code_at,
    )


def copies(layer: Layer, lead: int, a_code: float = 1.7, a_position_pair: float = 40) -> float:
    """What it takes to bring positions to the loop, in instructions."""
    height, width, _ = layer.output_shape
    return row_pairs(height, lead) * width * (a_code * padded(layer.input_shape[2]) + a_position_pair)


def kernel(lead: int, code_at: int = NIBBLES) -> Kernel:
    """Weights in the order and the width of the loop."""

    def args(layer: Layer) -> dict:
        weights_words = padded(layer.output_shape[2]) // 4 * (2 + padded(layer.input_shape[2]))
        return sizes(layer, lead, code_at) | {"weights_words": weights_words}

    def instructions(layer: Layer) -> float:
        count, block = blocks(layer, lead, lane_bits(layer))
        return count * block + copies(layer, lead)

    def cycles(layer: Layer) -> float:
        lane = lane_bits(layer)
        count, _ = blocks(layer, lead, lane)
        taken_out = -(-steps(layer) // lane_steps(layer, lane)) - 1
        return count * (18 * steps(layer) + 36 + 22 * taken_out) + copies(layer, lead, 2.9, 85)

    return of_row_pairs(
        "fxp_pointwise_conv2d_row_pairs_dsp_lanes",
        lead,
        code_at,
        args=args,
        constants=lambda layer: _constants(layer, lane_bits(layer)),
        instances=lambda layer: {"loop": instance(layer, "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES", lane_bits(layer))},
        instructions=instructions,
        cycles=cycles,
        scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]),
    )


def _wide_refusal(layer: Layer) -> str:
    if reason := refusal(layer, lane=NIBBLE_LANE):
        return reason
    if (every := lane_steps(layer, NIBBLE_LANE)) < steps(layer):
        return f"lanes hold {every} of {steps(layer)} steps"
    if steps(layer) == MAX_STEPS:
        return f"{layer.input_shape[2]} input channels, the loop takes {(MAX_STEPS - 1) * STEP}"
    if layer.shift + layer.output_format.bits > _MAX_SATURATED:
        return f"shift {layer.shift} and {layer.output_format} take more than {_MAX_SATURATED} bits"
    if padded(layer.output_shape[2]) % 8:
        return f"{layer.output_shape[2]} output channels are an odd number of channel quads"
    return ""


def _twos(layer: Layer) -> int:
    """How often a turn of the loop has two channel quads: twice where that divides them and offsets reach."""
    offsets = 2 * (32 * steps(layer) + 16)
    return 1 if padded(layer.output_shape[2]) % 16 or offsets > _MAX_OFFSET else 2


def wide(lead: int) -> Kernel:
    """Two channel quads at once: fewer cycles, more instructions."""

    def instances(layer: Layer) -> dict[str, Instance]:
        arguments = (steps(layer), _twos(layer), layer.shift, layer.output_format.bits)
        return {"loop": Instance("four_bit", "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE", arguments)}

    def instructions(layer: Layer) -> float:
        count, _ = blocks(layer, lead, NIBBLE_LANE)
        return count / 2 * (28 * steps(layer) + 43) + copies(layer, lead)

    def cycles(layer: Layer) -> float:
        count, _ = blocks(layer, lead, NIBBLE_LANE)
        return count / 2 * (32 * steps(layer) + 46) + copies(layer, lead, 2.9, 85)

    return dataclasses.replace(
        kernel(lead),
        refusal=_wide_refusal,
        proof=lambda layer: _proof(layer, NIBBLE_LANE),
        constants=lambda layer: _constants(layer, NIBBLE_LANE),
        instances=instances,
        instructions=instructions,
        cycles=cycles,
    )
