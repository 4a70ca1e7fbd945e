"""Convolution from int8 to int16 as a product of polynomials: sums of three rows in lanes of 21 bits."""

import dataclasses

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel, half
from export.plan.kernels.dsp import conv2d_polynomials
from export.plan.kernels.dsp.conv2d_polynomials import products, row_taps, tap_pairs, walk_refusal
from export.plan.layout import S8, S16, padded

LANE_BITS = 21
_LANE = 1 << (LANE_BITS - 1)
_MAX_SHIFT = 31 - 11
_MAX_WIDE_ROW_BYTES = 1020


def refusal(layer: Layer) -> str:
    """Why a convolution's sums can't lie in such lanes; empty where the proof allows it."""
    if reason := walk_refusal(layer) or scale.saturation_refusal(layer):
        return reason
    if layer.shift > _MAX_SHIFT:
        return f"shift {layer.shift} is more than {_MAX_SHIFT}"
    low, high = accumulator.bounds(layer)
    if low.min() < -_LANE or high.max() >= _LANE:
        return f"sums {low.min()} .. {high.max()} don't fit {LANE_BITS} bits"
    return ""


def _proof(layer: Layer) -> str:
    low, high = accumulator.bounds(layer)
    return f"{low.min()} .. {high.max()} fits {LANE_BITS} bits"


def _constants(layer: Layer) -> dict[str, Constant]:
    height, (stride, _), channels = layer.kernel.shape[0], layer.stride, layer.output_shape[2]
    taps = np.zeros((2 * tap_pairs(layer) * stride, row_taps(layer), padded(channels)), np.int64)
    taps[:height, :, :channels] = layer.kernel.reshape(height, -1, channels)
    even, odd = taps.reshape(tap_pairs(layer), 2, stride, -1, padded(channels)).transpose(1, 0, 2, 3, 4)
    words = (odd + (even << LANE_BITS)).reshape(-1, padded(channels) // 2, 2).transpose(1, 0, 2)
    bias = np.full(padded(channels), _LANE, np.int64)
    bias[:channels] += layer.bias.astype(np.int64) + half(layer)
    begin = (bias << LANE_BITS) + (bias << 2 * LANE_BITS)
    parts = [(side & 0xFFFFFFFF).reshape(-1, 2) for side in (begin, begin >> 32)]
    stream = np.concatenate([*parts, words.reshape(len(words), -1) & 0xFFFFFFFF], axis=1)
    layout = "[channel pair]{4 of bias (z + z^2), [tap pair][row modulo stride][column][input]{odd + even z of c0, c1}}"
    return {"weights": Constant(stream.astype(np.uint32).ravel(), layout)}


def _instances(layer: Layer, macro: str) -> dict[str, Instance]:
    height, width, channels = layer.output_shape
    sizes = (layer.stride[0] * row_taps(layer), products(layer), 2 * padded(channels) * width, 1 - height % 2)
    arguments = (*sizes, layer.shift, *scale.saturation(layer))
    return {"loop": Instance("dsp", macro, arguments)}


def _weights_words(layer: Layer) -> int:
    return 4 + 2 * products(layer)


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    fields = conv2d_polynomials.args(layer)
    step = 11 * products(layer) / 4 + 26
    calls = padded(channels) // 2 * width
    return calls * ((height // 2 + 1) * step + 35) + width * 9 * fields["panel_rows"] * row_taps(layer)


def _cycles(layer: Layer) -> float:
    step = 23 * products(layer) / 4 + 40
    return _calls(layer) * (_row_steps(layer) * step + 37) + conv2d_polynomials.fill_cycles(layer)


def _wide_instructions(layer: Layer) -> float:
    fields = conv2d_polynomials.args(layer)
    fill = layer.output_shape[1] * 9 * fields["panel_rows"] * row_taps(layer)
    step, two_steps = 4 * products(layer) + 48, conv2d_polynomials.wide_instructions(layer) + 53
    return _calls(layer) * (step + _row_steps(layer) // 2 * two_steps) + fill


def _wide_cycles(layer: Layer) -> float:
    step, two_steps = 4.5 * products(layer) + 70, conv2d_polynomials.wide_cycles(layer) + 55
    return _calls(layer) * (step + _row_steps(layer) // 2 * two_steps) + conv2d_polynomials.fill_cycles(layer)


def _calls(layer: Layer) -> int:
    return padded(layer.output_shape[2]) // 2 * layer.output_shape[1]


def _row_steps(layer: Layer) -> int:
    """Steps down a column; the first one begins above it."""
    return layer.output_shape[0] // 2 + 1


def _wide_refusal(layer: Layer) -> str:
    if reason := refusal(layer):
        return reason
    if _row_steps(layer) % 2 == 0:
        return f"{_row_steps(layer)} steps down a column, not an odd number"
    return conv2d_polynomials.wide_refusal(layer, _MAX_WIDE_ROW_BYTES)


def _scratch_bytes(layer: Layer) -> int:
    fields = conv2d_polynomials.args(layer)
    return 4 * (fields["padded_words"] + fields["panel_rows"] * layer.stride[0] * row_taps(layer))


KERNEL = Kernel(
    "fxp_conv2d_s8_dsp_lanes",
    CONV2D,
    S8,
    S16,
    args=lambda layer: (
        conv2d_polynomials.args(layer)
        | dict(lane_bits=LANE_BITS, output_rows=layer.output_shape[0], weights_words=_weights_words(layer))
    ),
    constants=_constants,
    instances=lambda layer: _instances(layer, "FXP_CONV2D_LOOP_S16_DSP_LANES"),
    instructions=_instructions,
    cycles=_cycles,
    refusal=refusal,
    proof=_proof,
    scratch_bytes=_scratch_bytes,
)
WIDE = dataclasses.replace(
    KERNEL,
    instances=lambda layer: _instances(layer, "FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE"),
    instructions=_wide_instructions,
    cycles=_wide_cycles,
    refusal=_wide_refusal,
)
"""Two steps at once."""
