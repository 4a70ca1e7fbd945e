"""Depthwise 3x3 convolution of int16 activations, two products per instruction."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel, window_args
from export.plan.kernels.dsp.matrix_loops import halfwords
from export.plan.layout import S16, padded

MAX_WIDTH = 120
MAX_POSITION_BYTES = 2044
MAX_ROW_BYTES = 2**16 - 1
_MAX_PANEL_WORDS = 1000
_MAX_NEAR_ROW_BYTES = 2048
"""Bounds of what the instructions of fxp_panels_s16_dsp.h and fxp_depthwise_loop_s16_dsp*.h can address."""


def _refusal(layer: Layer) -> str:
    (top, bottom), (left, right) = layer.padding
    if layer.kernel_size != (3, 3) or layer.stride not in ((1, 1), (2, 2)):
        return f"window {layer.kernel_size}, stride {layer.stride}: it takes 3x3 with stride 1 or 2 both ways"
    if max(top, bottom, left, right) > 1:
        return f"padding {layer.padding} is more than 1"
    if max(layer.input_shape[1], layer.output_shape[1]) > MAX_WIDTH:
        return f"width {layer.input_shape[1]} is more than {MAX_WIDTH}"
    if 2 * padded(layer.input_shape[2]) > MAX_POSITION_BYTES:
        return f"{layer.input_shape[2]} channels take more than {MAX_POSITION_BYTES} bytes per position"
    if 2 * padded(layer.input_shape[2]) * max(layer.input_shape[1], layer.output_shape[1]) > MAX_ROW_BYTES:
        return f"a row takes more than {MAX_ROW_BYTES} bytes"
    return scale.refusal(layer) or scale.saturation_refusal(layer)


def _panel(layer: Layer) -> tuple[int, int]:
    """Row pairs and columns of a channel's panel: what the windows reach, and at least the input's columns."""
    height, width = (s * (length - 1) + 3 for s, length in zip(layer.stride, layer.output_shape[:2], strict=True))
    left, _ = layer.padding[1]
    return -(-height // 2), max(width, left + layer.input_shape[1])


def _words(layer: Layer) -> dict[str, Constant]:
    scaled = scale.scaled(layer)
    channels = layer.input_shape[2]
    words = np.zeros((padded(channels), 7), np.uint32)
    for column in range(3):
        w0, w1, w2 = scaled.weights[:, column]
        words[:channels, 2 * column] = halfwords(np.stack([w0, w1], axis=-1))[:, 0]
        words[:channels, 2 * column + 1] = halfwords(np.stack([w1, w2], axis=-1))[:, 0]
    words[:channels, 6] = scaled.bias & 0xFFFFFFFF
    layout = "[channel]{w00w10, w10w20, w01w11, w11w21, w02w12, w12w22, bias}, w<row><column>"
    return {"weights": Constant(words.ravel(), layout)}


def _codes(layer: Layer) -> dict[str, Constant]:
    channels = layer.input_shape[2]
    codes = np.zeros((padded(channels), 9), np.int8)
    codes[:channels] = layer.kernel.transpose(2, 1, 0).reshape(channels, 9)
    bias = np.zeros(padded(channels), np.int32)
    bias[:channels] = scale.scaled(layer).bias
    return {
        "codes": Constant(codes.ravel(), "[channel][column][row]"),
        "bias": Constant(bias, "[channel], rounding half included, scaled"),
    }


def _args(layer: Layer) -> dict:
    fields = window_args(layer)
    channels = padded(layer.input_shape[2])
    return {
        "input": fields["input"] | {"channels": channels},
        "output": fields["output"] | {"channels": channels},
        "padding": fields["padding"],
        "row_pairs": _panel(layer)[0],
        "panel_width": _panel(layer)[1],
    }


def _instances(layer: Layer, column: bool = False) -> dict[str, Instance]:
    shift = scale.scaled(layer).shift
    saturate, bits = scale.saturation(layer)
    size = 2 * padded(layer.input_shape[2])
    panel_width, output_width = _panel(layer)[1], layer.output_shape[1]
    numbers = (shift, saturate, bits)
    if column:
        loop = Instance("dsp", "FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN", (*layer.output_shape[:2], size, *numbers))
    elif layer.stride == (1, 1):
        loop = Instance("dsp", "FXP_DEPTHWISE_LOOP_S16_DSP", (output_width, size, *numbers))
    else:
        loop = Instance("dsp", "FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2", (output_width, panel_width, size, *numbers))
    macro = "FXP_PANELS_S16_DSP_WIDE" if column else "FXP_PANELS_S16_DSP"
    return {"panels": Instance("dsp", macro, (layer.input_shape[1], panel_width, size)), "loop": loop}


def _kernel(constants: Callable[[Layer], dict[str, Constant]], added: float, **args: Callable) -> Kernel:
    """Depthwise 3x3 with one of two ways to store weights; `added` instructions per channel."""
    return Kernel(
        "fxp_depthwise_conv2d_s16_dsp",
        DEPTHWISE_CONV2D,
        S16,
        S16,
        args=lambda layer: _args(layer) | {field: value(layer) for field, value in args.items()},
        constants=constants,
        instances=_instances,
        instructions=lambda layer: (
            10 * math.prod(layer.output_shape) + 2.5 * math.prod(layer.input_shape) + added * layer.input_shape[2]
        ),
        cycles=lambda layer: (
            13 * math.prod(layer.output_shape)
            + 3.6 * math.prod(layer.input_shape)
            + (added + 15) * layer.input_shape[2]
        ),
        refusal=_refusal,
        in_place=lambda layer: math.prod(layer.output_shape) <= math.prod(layer.input_shape),
        scratch_bytes=lambda layer: 8 * math.prod(_panel(layer)),
    )


def _column_refusal(layer: Layer) -> str:
    if reason := _refusal(layer):
        return reason
    row_pairs, panel_width = _panel(layer)
    if layer.stride != (1, 1) or layer.padding[1] != (1, 1) or panel_width != layer.output_shape[1] + 2:
        return f"stride {layer.stride}, padding {layer.padding}: expected 1 and a column on both sides"
    if row_pairs * panel_width > _MAX_PANEL_WORDS:
        return f"a panel of {row_pairs * panel_width} words, more than {_MAX_PANEL_WORDS}"
    if (row := 2 * padded(layer.input_shape[2]) * layer.output_shape[1]) > _MAX_NEAR_ROW_BYTES:
        return f"a row takes {row} bytes, more than {_MAX_NEAR_ROW_BYTES}"
    return ""


def _column_instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    column = 20 * (height // 2) + 28
    edges = 15 * (height // 2) + 18
    per_channel = max(width - 2, 0) * column + min(width, 2) * edges + 26
    return padded(channels) * (per_channel + 2.7 * height * width / 2 + 80)


def _column_cycles(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    column = 22 * (height // 2) + 36
    edges = 16 * (height // 2) + 22
    per_channel = max(width - 2, 0) * column + min(width, 2) * edges + 40
    return padded(channels) * (per_channel + 4.6 * height * width / 2 + 120)


KERNEL = _kernel(_words, 0)
COLUMN = dataclasses.replace(
    KERNEL,
    instances=lambda layer: _instances(layer, column=True),
    instructions=_column_instructions,
    cycles=_column_cycles,
    refusal=_column_refusal,
)
"""Down one column after the other."""
COMPACT = _kernel(_codes, 40, scale=lambda layer: scale.scaled(layer).shift - layer.shift)
