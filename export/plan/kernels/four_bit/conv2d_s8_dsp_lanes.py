"""Convolution from int8 to row pairs as a product of polynomials: sums of two rows in lanes of 16 bits."""

import dataclasses

import numpy as np

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.dsp import conv2d_polynomials
from export.plan.kernels.dsp.conv2d_polynomials import products, row_taps, tap_pairs, walk_refusal
from export.plan.kernels.four_bit import row_lanes
from export.plan.kernels.four_bit.row_lanes import Lanes, lane_bias, lanes
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, NIBBLE_BITS, not_few_outputs, row_pairs
from export.plan.layout import S8, padded

_MAX_NIBBLE = 7
_MAX_WIDE_ROW_BYTES = 2044
_NIBBLE_SCALE = 12
"""Nibbles are taken as the upper four bits of halfwords."""
_NIBBLES = 0xF000F000
_LOWER_OFFSET = 0x8000
"""Keeps the lower of two nibbles from borrowing from the upper one."""


def _lanes(layer: Layer) -> Lanes:
    return lanes(layer, cheapest=8, least=0, most=15 - max(layer.output_format.bits, NIBBLE_BITS))


def lanes_refusal(layer: Layer) -> str:
    """Why a convolution can't be a product of polynomials; empty where it can."""
    return not_few_outputs(layer) or walk_refusal(layer) or row_lanes.refusal(layer, _lanes)


def _words(layer: Layer, extra: int) -> tuple[np.ndarray, np.ndarray]:
    """Biases [channel pairs, 2] and words of two taps, times 2**extra, [channel pairs, products, 2], both int64."""
    height, (stride, _), channels = layer.kernel.shape[0], layer.stride, layer.output_shape[2]
    taps = np.zeros((2 * tap_pairs(layer) * stride, row_taps(layer), padded(channels)), np.int64)
    taps[:height, :, :channels] = layer.kernel.reshape(height, -1, channels).astype(np.int64) << extra
    even, odd = taps.reshape(tap_pairs(layer), 2, stride, -1, padded(channels)).transpose(1, 0, 2, 3, 4)
    words = (odd + (even << 16)).reshape(-1, padded(channels) // 2, 2).transpose(1, 0, 2)
    bias = np.zeros(padded(channels), np.int64)
    bias[:channels] = lane_bias(layer, _lanes(layer))
    return bias.reshape(-1, 2), words


def _constants(layer: Layer) -> dict[str, Constant]:
    biases, words = _words(layer, _lanes(layer).extra)
    stream = np.concatenate([biases, words.reshape(len(words), -1)], axis=1)
    layout = "[channel pair]{2 biases (1 + z), [tap pair][row modulo stride][column][input]{odd + even z of c0, c1}}"
    return {"weights": Constant((stream & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _codes(layer: Layer) -> dict[str, Constant]:
    biases, words = _words(layer, _NIBBLE_SCALE)
    nibbles = (words + _LOWER_OFFSET & _NIBBLES).reshape(len(words), -1, 4)
    packed = sum(nibbles[:, :, i] >> 4 * i for i in range(4))
    stream = np.concatenate([biases, packed], axis=1)
    layout = "[channel pair]{2 biases (1 + z), [four words of odd + even z of c0, c1]{8 nibbles}}"
    return {"codes": Constant((stream & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _instances(layer: Layer) -> dict[str, Instance]:
    chosen, taps = _lanes(layer), layer.stride[0] * row_taps(layer)
    row_bytes = 2 * padded(layer.output_shape[2]) * layer.output_shape[1]
    bits = layer.output_format.bits
    arguments = (taps, products(layer), row_bytes, chosen.flip, chosen.code_bit, bits)
    return {"loop": Instance("four_bit", "FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES", arguments)}


def _wide_instances(layer: Layer) -> dict[str, Instance]:
    (loop,) = _instances(layer).values()
    taps, of_step, *rest = loop.arguments
    odd = row_pairs(layer.output_shape[0], 1) % 2
    return {"loop": Instance("four_bit", f"{loop.macro}_WIDE", (taps, of_step, odd, *rest))}


def _wide(layer: Layer, step: float, two_steps: float, fill: float) -> float:
    """The cost of steps two and two, with an odd one alone."""
    calls, steps = padded(layer.output_shape[2]) // 2 * layer.output_shape[1], row_pairs(layer.output_shape[0], 1)
    return calls * (steps // 2 * two_steps + steps % 2 * step + 34) + fill


def _wide_cycles(layer: Layer) -> float:
    two_steps = conv2d_polynomials.wide_cycles(layer) + 41
    return _wide(layer, 4.5 * products(layer) + 26, two_steps, conv2d_polynomials.fill_cycles(layer))


def _wide_instructions(layer: Layer) -> float:
    two_steps = conv2d_polynomials.wide_instructions(layer) + 37
    fill = layer.output_shape[1] * 8 * conv2d_polynomials.args(layer)["panel_rows"] * row_taps(layer)
    return _wide(layer, 4 * products(layer) + 22, two_steps, fill)


def _kernel(compact: bool) -> Kernel:
    """`compact` stores nibbles, expanded on the way."""

    def refusal(layer: Layer) -> str:
        if compact and layer.weight_format.max_code > _MAX_NIBBLE:
            return f"weights {layer.weight_format} are no nibbles"
        reason = lanes_refusal(layer)
        if not reason and compact and _lanes(layer).extra > _NIBBLE_SCALE:
            return f"sums scaled by 2**{_lanes(layer).extra}: nibbles are expanded to at most 2**{_NIBBLE_SCALE}"
        return reason

    def args(layer: Layer) -> dict:
        sizes = dict(lane_bits=16, output_rows=row_pairs(layer.output_shape[0], 1), weights_words=words(layer))
        right = {"right": _NIBBLE_SCALE - _lanes(layer).extra} if compact else {}
        return conv2d_polynomials.args(layer) | sizes | right

    def words(layer: Layer) -> int:
        return 2 + 2 * products(layer)

    def instructions(layer: Layer) -> float:
        height, width, channels = layer.output_shape
        calls, fields = padded(channels) // 2 * width, conv2d_polynomials.args(layer)
        step = 11 * products(layer) / 4 + 20
        expand = 13 * products(layer) * compact
        fill = width * 8 * fields["panel_rows"] * row_taps(layer)
        return calls * (row_pairs(height, 1) * step + 35 + expand) + fill

    def cycles(layer: Layer) -> float:
        calls = padded(layer.output_shape[2]) // 2 * layer.output_shape[1]
        step = 23 * products(layer) / 4 + 25.4
        fill = conv2d_polynomials.fill_cycles(layer)
        return calls * (row_pairs(layer.output_shape[0], 1) * step + 34 + 22 * products(layer) * compact) + fill

    def scratch_bytes(layer: Layer) -> int:
        fields = conv2d_polynomials.args(layer)
        panel = fields["panel_rows"] * layer.stride[0] * row_taps(layer)
        return 4 * (fields["padded_words"] + panel + compact * words(layer))

    return Kernel(
        "fxp_conv2d_s8_dsp_lanes",
        CONV2D,
        S8,
        FOR_DEPTHWISE[1],
        args=args,
        constants=_codes if compact else _constants,
        instances=_instances,
        instructions=instructions,
        cycles=cycles,
        refusal=refusal,
        proof=row_lanes.proof,
        scratch_bytes=scratch_bytes,
    )


KERNEL = _kernel(compact=False)
COMPACT = _kernel(compact=True)
WIDE = dataclasses.replace(
    KERNEL,
    instances=_wide_instances,
    instructions=_wide_instructions,
    cycles=_wide_cycles,
    refusal=lambda layer: lanes_refusal(layer) or conv2d_polynomials.wide_refusal(layer, _MAX_WIDE_ROW_BYTES),
)
"""Two steps at once."""
