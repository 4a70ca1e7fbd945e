"""1x1 convolution of row pairs in lanes that end where halfwords do: two positions are saturated at once.

Codes of the two positions are scaled, each by its own power of two, and so are their biases. The lower lane is of the
odd channel, or of the even one where only its sums fit: all of the sum has to. Rows that share their row pair with no
other one are computed position by position.
"""

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half
from export.plan.kernels.dsp.matrix_loops import STEP, halfwords
from export.plan.kernels.four_bit.pointwise_conv2d_row_pairs_dsp_lanes import (
    lane_bits,
    lanes_refusal,
    sizes,
    steps,
)
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, FOR_POINTWISE, NIBBLES
from export.plan.layout import padded

_HALF = 16
_ODD, _EVEN = 1, 0
_MAX_SATURATED = 15
"""Bits of a lower lane's shift and code, from the lower end of its halfword, that USAT16 can leave."""
_MAX_UPPER = 2 ** (_HALF - 1) - 2
"""One to spare for what the lower lane carries."""


def _below(layer: Layer) -> int:
    """Bits below the codes of upper lanes."""
    return max(0, layer.shift - (_HALF - lane_bits(layer)))


def _scales(layer: Layer) -> tuple[int, int]:
    """Exponents of the codes of both positions."""
    first = _HALF - lane_bits(layer)
    return first, first - layer.shift + _below(layer)


def _bounds(layer: Layer, lower: int) -> tuple[int, int]:
    """The least and the greatest sum of odd or even channels."""
    low, high = accumulator.bounds(layer)
    return int(low[lower::2].min(initial=0)), int(high[lower::2].max(initial=0))


def _fits(layer: Layer, lower: int) -> bool:
    (low, high), limit = _bounds(layer, lower), 1 << lane_bits(layer) - 1
    return -limit <= low and high < limit


def _lower(layer: Layer) -> int:
    """Of a channel pair, the one whose sums are in the lower lane: the odd one where it can be."""
    return _ODD if _fits(layer, _ODD) else _EVEN


def _refusal(layer: Layer, code_at: int) -> str:
    if reason := lanes_refusal(layer, code_at, lane_bits(layer)):
        return reason
    lane = lane_bits(layer)
    if not _fits(layer, _lower(layer)):
        sums = (f"{' .. '.join(map(str, _bounds(layer, lower)))}" for lower in (_ODD, _EVEN))
        return f"neither sums of odd channels {next(sums)} nor of even ones {next(sums)} fit {lane} bits"
    if (worst := int(accumulator.worst_case(layer).max())) > _MAX_UPPER:
        return f"sums of {worst}, the upper halfword holds {_MAX_UPPER}"
    if (bits := _HALF - lane + layer.shift + layer.output_format.bits) > _MAX_SATURATED:
        return f"shift {layer.shift} and {layer.output_format} take {bits} bits of a halfword, at most {_MAX_SATURATED}"
    return ""


def _proof(layer: Layer) -> str:
    low, high = _bounds(layer, _lower(layer))
    return f"{low} .. {high} fits {lane_bits(layer)} bits"


def _constants(layer: Layer) -> dict[str, Constant]:
    lane, scales = lane_bits(layer), _scales(layer)
    inputs, outputs = (padded(shape[2]) for shape in (layer.input_shape, layer.output_shape))
    weights, bias = np.zeros((outputs, inputs), np.int64), np.zeros(outputs, np.int64)
    weights[: layer.output_shape[2], : layer.input_shape[2]] = layer.kernel[0, 0].T
    bias[: layer.output_shape[2]] = layer.bias.astype(np.int64) + half(layer)
    low, high = _lower(layer), 1 - _lower(layer)
    bias[low::2] += 1 << lane - 1
    both, biases = (of[low::2] + (of[high::2] << lane) for of in (weights, bias))
    scaled = np.stack([biases << scale for scale in scales], axis=1).reshape(-1, 2, 2).transpose(0, 2, 1)
    codes = halfwords(both).reshape(outputs // 4, 2, inputs // 2).transpose(0, 2, 1)
    words = (scaled.reshape(-1, 4) & 0xFFFFFFFF).astype(np.uint32)
    stream = np.concatenate([words, codes.reshape(len(codes), -1)], axis=1)
    layout = "[channel quad]{biases of p0, of p1, [step]{c0c1 k0k1, c2c3 k0k1, c0c1 k2k3, c2c3 k2k3}}"
    return {"weights": Constant(stream.ravel(), layout)}


def _turn(layer: Layer) -> int:
    """Channel quads in a turn of the loop."""
    return next(count for count in (4, 2, 1) if padded(layer.output_shape[2]) % (4 * count) == 0)


def _loop(layer: Layer, code_at: int) -> Instance:
    shift, bits = layer.shift, layer.output_format.bits
    arguments = (steps(layer), _turn(layer), lane_bits(layer), _lower(layer), shift, code_at, bits)
    return Instance("four_bit", "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES", arguments)


def _single(layer: Layer) -> Instance:
    arguments = (steps(layer), lane_bits(layer), _lower(layer), layer.shift, layer.output_format.bits)
    return Instance("four_bit", "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE", arguments)


def _merged(layer: Layer) -> int:
    """Further instructions where a lower lane's code does not begin with the odd byte."""
    return 0 if _lower(layer) == _ODD and _HALF - lane_bits(layer) + layer.shift == 8 else 2


def _channel_quad(layer: Layer) -> float:
    """Instructions around the steps of a channel quad."""
    return 14 + 3 / _turn(layer) + _merged(layer) + 2 * (_below(layer) > 0)


def _two_quads(layer: Layer) -> float:
    """The same of two channel quads of a single position."""
    return 26 + _merged(layer) + 2 * (layer.shift > 0)


def kernel(lead: int, code_at: int = NIBBLES) -> Kernel:
    """For codes that begin at `code_at` in their bytes."""

    def half_rows(layer: Layer) -> int:
        """Row pairs of which one row is the tensor's."""
        return lead + (layer.output_shape[0] - lead) % 2

    def refusal(layer: Layer) -> str:
        if reason := _refusal(layer, code_at):
            return reason
        if half_rows(layer) and padded(layer.output_shape[2]) == STEP:
            return f"{layer.output_shape[2]} output channels: a single position takes two channel quads"
        return ""

    def instances(layer: Layer) -> dict[str, Instance]:
        return {"loop": _loop(layer, code_at)} | ({"single": _single(layer)} if half_rows(layer) else {})

    def args(layer: Layer) -> dict:
        weights_words = padded(layer.output_shape[2]) // 4 * (4 + padded(layer.input_shape[2]))
        return sizes(layer, lead, code_at) | dict(scale=_scales(layer)[0], weights_words=weights_words)

    def whole(layer: Layer, channel_quad: float, a_code: float, a_position_pair: float) -> float:
        """The cost of whole row pairs, by what a channel quad takes, and copies."""
        height, width, channels = layer.output_shape
        position_pair = padded(channels) // 4 * channel_quad + a_code * padded(layer.input_shape[2]) + a_position_pair
        return (height - lead) // 2 * width * position_pair

    def singles(layer: Layer, two_quads: float, a_code: float, a_position: float) -> float:
        """The same of rows alone."""
        position = (
            -(-padded(layer.output_shape[2]) // 8) * two_quads + a_code * padded(layer.input_shape[2]) + a_position
        )
        return half_rows(layer) * layer.output_shape[1] * position

    def instructions(layer: Layer) -> float:
        two_quads = 11 * steps(layer) + _two_quads(layer)
        return whole(layer, 10 * steps(layer) + _channel_quad(layer), 1.25, 16) + singles(layer, two_quads, 2.25, 45)

    def cycles(layer: Layer) -> float:
        two_quads = 21 * steps(layer) + _two_quads(layer) + 12
        return whole(layer, 18 * steps(layer) + _channel_quad(layer) + 15, 2.2, 30) + singles(layer, two_quads, 4, 70)

    return Kernel(
        "fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves",
        CONV2D,
        FOR_POINTWISE[code_at][lead],
        FOR_DEPTHWISE[lead],
        args=args,
        constants=_constants,
        instances=instances,
        instructions=instructions,
        cycles=cycles,
        refusal=refusal,
        proof=_proof,
        in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
        scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]),
    )
