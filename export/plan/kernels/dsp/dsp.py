"""Kernels for Armv7E-M's DSP extension on int16 activations: two products per instruction."""

import math
from collections.abc import Callable

import numpy as np

from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel, half, requantization
from export.plan.kernels.dsp import outer_products
from export.plan.kernels.dsp.pair_loop import STEP, W4, W8, WIDE, PairLoop, halfwords
from export.plan.kernels.four_bit import wide_lanes
from export.plan.kernels.portable import not_pointwise, window_args
from export.plan.layout import S8, S16, padded

MAX_WIDTH = 120
MAX_POSITION_BYTES = 2044
MAX_ROW_BYTES = 2**16 - 1
"""Bounds of what the instructions of fxp_panels_s16_dsp.h and fxp_depthwise_loop_s16_dsp*.h can address."""
_CONV_ORDER = [0, 2, 1, 3]
"""Codes of a step after SXTB16 of four bytes: bytes 0 and 2, then 1 and 3."""
_PAIR_WORD_BYTES = 4


def _pair_bytes(loop: PairLoop, steps: int) -> int:
    """Of the scratch memory for two positions' codes."""
    return 2 * 2 * STEP * loop.steps_at_once * loop.repetitions(steps)


def _pointwise_steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def pointwise(loop: PairLoop) -> Kernel:
    """1x1 convolution with one of the inner loops."""

    def constants(layer: Layer) -> dict[str, Constant]:
        scaled = loop.scaled(layer)
        return {"weights": loop.weights(scaled.weights[0, 0].T, scaled.bias, _pointwise_steps(layer))}

    def args(layer: Layer) -> dict:
        height, width, channels = layer.output_shape
        return dict(
            positions=height * width,
            input_words=padded(layer.input_shape[2]) // 2,
            output_words=padded(channels) // 2,
            weights_words=loop.weights_words(channels, _pointwise_steps(layer)),
        )

    return Kernel(
        "fxp_pointwise_conv2d_s16_dsp",
        CONV2D,
        S16,
        S16,
        args=args,
        constants=constants,
        instances=lambda layer: {"loop": loop.instance(layer, _pointwise_steps(layer))},
        instructions=lambda layer: loop.instructions(layer, _pointwise_steps(layer), 40),
        refusal=lambda layer: not_pointwise(layer) or loop.why_not(layer, _pointwise_steps(layer)),
        in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
        scratch_bytes=lambda layer: _pair_bytes(loop, _pointwise_steps(layer)),
    )


def _row_steps(layer: Layer) -> int:
    return -(-layer.kernel.shape[1] * layer.kernel.shape[2] // STEP)


def _conv_steps(layer: Layer) -> int:
    return layer.kernel.shape[0] * _row_steps(layer)


def _padded_size(layer: Layer) -> tuple[int, int]:
    height, width = (length + sum(pads) for length, pads in zip(layer.input_shape[:2], layer.padding, strict=True))
    return height, width


def convolution(loop: PairLoop) -> Kernel:
    """Convolution from int8 codes, any window, stride and padding, with one of the inner loops."""

    def constants(layer: Layer) -> dict[str, Constant]:
        scaled = loop.scaled(layer)
        rows, columns, depth, outputs = layer.kernel.shape
        steps = np.zeros((outputs, rows, STEP * _row_steps(layer)), np.int64)
        steps[:, :, : columns * depth] = scaled.weights.transpose(3, 0, 1, 2).reshape(outputs, rows, -1)
        ordered = steps.reshape(outputs, -1, STEP)[:, :, _CONV_ORDER].reshape(outputs, -1)
        return {"weights": loop.weights(ordered, scaled.bias, _conv_steps(layer))}

    def args(layer: Layer) -> dict:
        fields = window_args(layer)
        del fields["window"]
        height, width = _padded_size(layer)
        channels = layer.output_shape[2]
        return fields | dict(
            padded_height=height,
            padded_width=width,
            window_height=layer.kernel_size[0],
            row_steps=_row_steps(layer),
            position_pair_words=_pair_bytes(loop, _conv_steps(layer)) // _PAIR_WORD_BYTES,
            output_words=padded(channels) // 2,
            weights_words=loop.weights_words(channels, _conv_steps(layer)),
        )

    def scratch_bytes(layer: Layer) -> int:
        height, width = _padded_size(layer)
        return _pair_bytes(loop, _conv_steps(layer)) + height * width * layer.input_shape[2] + STEP - 1

    return Kernel(
        "fxp_conv2d_s8_to_s16_dsp",
        CONV2D,
        S8,
        S16,
        args=args,
        constants=constants,
        instances=lambda layer: {"loop": loop.instance(layer, _conv_steps(layer))},
        instructions=lambda layer: loop.instructions(layer, _conv_steps(layer), 6 * _conv_steps(layer) + 40),
        refusal=lambda layer: loop.why_not(layer, _conv_steps(layer)),
        scratch_bytes=scratch_bytes,
    )


def _depthwise_refusal(layer: Layer) -> str:
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


def _depthwise_words(layer: Layer) -> dict[str, Constant]:
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


def _depthwise_codes(layer: Layer) -> dict[str, Constant]:
    channels = layer.input_shape[2]
    codes = np.zeros((padded(channels), 9), np.int8)
    codes[:channels] = layer.kernel.transpose(2, 1, 0).reshape(channels, 9)
    bias = np.zeros(padded(channels), np.int32)
    bias[:channels] = scale.scaled(layer).bias
    return {
        "codes": Constant(codes.ravel(), "[channel][column][row]"),
        "bias": Constant(bias, "[channel], rounding half included, scaled"),
    }


def _depthwise_args(layer: Layer) -> dict:
    fields = window_args(layer)
    channels = padded(layer.input_shape[2])
    return {
        "input": fields["input"] | {"channels": channels},
        "output": fields["output"] | {"channels": channels},
        "padding": fields["padding"],
        "row_pairs": _panel(layer)[0],
        "panel_width": _panel(layer)[1],
    }


def _depthwise_instances(layer: Layer) -> dict[str, Instance]:
    shift = scale.scaled(layer).shift
    saturate, bits = scale.saturation(layer)
    size = 2 * padded(layer.input_shape[2])
    panel_width, output_width = _panel(layer)[1], layer.output_shape[1]
    numbers = (shift, saturate, bits)
    if layer.stride == (1, 1):
        loop = Instance("dsp", "FXP_DEPTHWISE_LOOP_S16_DSP", (output_width, size, *numbers))
    else:
        loop = Instance("dsp", "FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2", (output_width, panel_width, size, *numbers))
    return {"panels": Instance("dsp", "FXP_PANELS_S16_DSP", (layer.input_shape[1], panel_width, size)), "loop": loop}


def _depthwise(constants: Callable[[Layer], dict[str, Constant]], added: float, **args: Callable) -> Kernel:
    """Depthwise 3x3 with one of two ways to store weights; `added` instructions per channel."""
    return Kernel(
        "fxp_depthwise_conv2d_s16_dsp",
        DEPTHWISE_CONV2D,
        S16,
        S16,
        args=lambda layer: _depthwise_args(layer) | {field: value(layer) for field, value in args.items()},
        constants=constants,
        instances=_depthwise_instances,
        instructions=lambda layer: (
            10 * math.prod(layer.output_shape) + 2.5 * math.prod(layer.input_shape) + added * layer.input_shape[2]
        ),
        refusal=_depthwise_refusal,
        in_place=lambda layer: math.prod(layer.output_shape) <= math.prod(layer.input_shape),
        scratch_bytes=lambda layer: 8 * math.prod(_panel(layer)),
    )


DEPTHWISE = _depthwise(_depthwise_words, 0)
DEPTHWISE_COMPACT = _depthwise(_depthwise_codes, 40, scale=lambda layer: scale.scaled(layer).shift - layer.shift)


def _pool_refusal(layer: Layer) -> str:
    q = layer.input_format
    positions = layer.input_shape[0] * layer.input_shape[1]
    limit = 2**15 if q.signed else 2**16 - 1
    if positions * max(q.max_code, -q.min_code) > limit:
        return f"{positions} codes of {q} can leave 16 bits"
    return ""


def _pool_args(layer: Layer) -> dict:
    height, width, channels = layer.input_shape
    return dict(
        positions=height * width,
        words=padded(channels) // 2,
        bias=half(layer),
        is_signed=int(layer.input_format.signed),
        requantization=requantization(layer),
    )


POOL = Kernel(
    "fxp_average_pool_s16_dsp",
    AVERAGE_POOL,
    S16,
    S16,
    args=_pool_args,
    constants=lambda layer: {},
    instructions=lambda layer: 1.5 * layer.kernel.size,
    refusal=_pool_refusal,
)


def _dense_constants(layer: Layer) -> dict[str, Constant]:
    weights = np.zeros((layer.kernel.shape[1], padded(layer.kernel.shape[0])), np.int64)
    weights[:, : layer.kernel.shape[0]] = layer.kernel.T
    bias = (layer.bias.astype(np.int64) + half(layer)).astype(np.int32)
    return {
        "weights": Constant(halfwords(weights).ravel(), "[output][input pair]"),
        "bias": Constant(bias, "[output], rounding half included"),
    }


FULLY_CONNECTED = Kernel(
    "fxp_dense_s16_to_s8_dsp",
    DENSE,
    S16,
    S8,
    args=lambda layer: dict(
        words=padded(layer.input_shape[2]) // 2, outputs=layer.output_shape[2], requantization=requantization(layer)
    ),
    constants=_dense_constants,
    instructions=lambda layer: 2.5 * layer.macs,
)

FAST_KERNELS = (
    outer_products.OUTER,
    pointwise(WIDE),
    wide_lanes.LANE_CONV,
    convolution(WIDE),
    DEPTHWISE,
    POOL,
    FULLY_CONNECTED,
)
SMALL_KERNELS = (
    *(pointwise(loop) for loop in (W4, W8)),
    *(convolution(loop) for loop in (W4, W8)),
    DEPTHWISE_COMPACT,
    POOL,
    FULLY_CONNECTED,
)
