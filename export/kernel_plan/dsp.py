"""Kernels for Armv7E-M's DSP extension on int16 activations: two products per instruction."""

import numpy as np

from export.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, Layer
from export.kernel_plan import scale
from export.kernel_plan.kernel import Constant, Instance, Kernel, half, requantization
from export.kernel_plan.layout import S8, S16, padded
from export.kernel_plan.portable import not_pointwise, window_args

STEP = 4
"""Products per position and output channel in one step of the pair kernel; a step's code takes 40 bytes."""
MAX_STEPS = 128
MAX_WIDTH = 120
MAX_POSITION_BYTES = 2044
MAX_ROW_BYTES = 2**16 - 1
"""Bounds of what the instructions of fxp_depthwise_3x3.h can address."""
_CONV_ORDER = [0, 2, 1, 3]
"""Codes of a step after SXTB16 of four bytes: bytes 0 and 2, then 1 and 3."""
_STREAM = "[output channel pair]{2 biases, [step]{2 channels' products 0 and 1, 2 channels' products 2 and 3}}"


def _words(codes: np.ndarray) -> np.ndarray:
    """Little-endian words, uint32 [..., n / 2], of codes that fit int16, [..., n]."""
    halves = codes.astype(np.int64) & 0xFFFF
    return (halves[..., 0::2] | halves[..., 1::2] << 16).astype(np.uint32)


def pair_stream(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Weights in the order in which FXP_PAIR_PRODUCTS walks them.

    Args:
      weights: [output channels, products], both multiples of 4; codes fit int16.
      bias: [output channels], int32 codes.

    Returns:
      uint32 [words].
    """
    channels, products = weights.shape
    words = _words(weights).reshape(channels // 2, 2, products // STEP, 2)
    steps = words.transpose(0, 2, 3, 1).reshape(channels // 2, -1)
    biases = (bias & 0xFFFFFFFF).astype(np.uint32).reshape(-1, 2)
    return np.concatenate([biases, steps], axis=1).ravel()


def _pair_instance(layer: Layer, steps: int) -> Instance:
    shift = scale.scaled(layer).shift
    saturate, bits = scale.saturation(layer)
    name = f"pair_products_{steps}_{shift}_{saturate}{bits}"
    return Instance(name, "fxp_pair_products.h", "FXP_PAIR_PRODUCTS", (steps, shift, saturate, bits))


def _padded_matrix(weights: np.ndarray, bias: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Zero rows and columns up to whole blocks: weights [outputs, products], bias [outputs]."""
    outputs = padded(len(bias))
    matrix = np.zeros((outputs, depth), np.int64)
    matrix[: weights.shape[0], : weights.shape[1]] = weights
    return matrix, np.concatenate([bias, np.zeros(outputs - len(bias), np.int64)])


def _pair_refusal(layer: Layer, steps: int) -> str:
    if steps > MAX_STEPS:
        return f"{steps * STEP} products per output, the unrolled loop takes {MAX_STEPS * STEP}"
    return scale.refusal(layer) or scale.saturation_refusal(layer)


def _pair_instructions(layer: Layer, steps: int, per_position: float) -> float:
    height, width, channels = layer.output_shape
    pairs = -(-height * width // 2)
    return pairs * (padded(channels) // 2 * (10 * steps + 14) + 2 * per_position)


def _pointwise_steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def _pointwise_refusal(layer: Layer) -> str:
    return not_pointwise(layer) or _pair_refusal(layer, _pointwise_steps(layer))


def _pointwise_constants(layer: Layer) -> dict[str, Constant]:
    scaled = scale.scaled(layer)
    weights, bias = _padded_matrix(scaled.weights[0, 0].T, scaled.bias, padded(layer.input_shape[2]))
    return {"weights": Constant(pair_stream(weights, bias), _STREAM)}


def _pointwise_args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    return dict(
        positions=height * width,
        input_words=padded(layer.input_shape[2]) // 2,
        output_words=padded(channels) // 2,
        weights_words=padded(channels) // 2 * (2 + 4 * _pointwise_steps(layer)),
    )


POINTWISE = Kernel(
    "fxp_pointwise_conv2d_s16",
    CONV2D,
    S16,
    S16,
    args=_pointwise_args,
    constants=_pointwise_constants,
    instances=lambda layer: {"products": _pair_instance(layer, _pointwise_steps(layer))},
    instructions=lambda layer: _pair_instructions(layer, _pointwise_steps(layer), 40),
    refusal=_pointwise_refusal,
    in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
    scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]),
)


def _row_steps(layer: Layer) -> int:
    return -(-layer.kernel.shape[1] * layer.kernel.shape[2] // STEP)


def _conv_steps(layer: Layer) -> int:
    return layer.kernel.shape[0] * _row_steps(layer)


def _conv_constants(layer: Layer) -> dict[str, Constant]:
    scaled = scale.scaled(layer)
    rows, columns, depth, outputs = layer.kernel.shape
    codes = scaled.weights.transpose(3, 0, 1, 2).reshape(outputs, rows, columns * depth)
    steps = np.zeros((outputs, rows, STEP * _row_steps(layer)), np.int64)
    steps[:, :, : columns * depth] = codes
    ordered = steps.reshape(outputs, -1, STEP)[:, :, _CONV_ORDER].reshape(outputs, -1)
    weights, bias = _padded_matrix(ordered, scaled.bias, ordered.shape[1])
    return {"weights": Constant(pair_stream(weights, bias), _STREAM)}


def _padded_size(layer: Layer) -> tuple[int, int]:
    height, width = (length + sum(pads) for length, pads in zip(layer.input_shape[:2], layer.padding, strict=True))
    return height, width


def _conv_args(layer: Layer) -> dict:
    fields = window_args(layer)
    del fields["window"]
    height, width = _padded_size(layer)
    outputs = padded(layer.output_shape[2])
    return fields | dict(
        padded_height=height,
        padded_width=width,
        window_height=layer.kernel_size[0],
        row_steps=_row_steps(layer),
        output_words=outputs // 2,
        weights_words=outputs // 2 * (2 + 4 * _conv_steps(layer)),
    )


def _conv_scratch(layer: Layer) -> int:
    height, width = _padded_size(layer)
    return 4 * STEP * _conv_steps(layer) + height * width * layer.input_shape[2] + STEP - 1


CONV = Kernel(
    "fxp_conv2d_s16",
    CONV2D,
    S8,
    S16,
    args=_conv_args,
    constants=_conv_constants,
    instances=lambda layer: {"products": _pair_instance(layer, _conv_steps(layer))},
    instructions=lambda layer: _pair_instructions(layer, _conv_steps(layer), 6 * _conv_steps(layer) + 40),
    refusal=lambda layer: _pair_refusal(layer, _conv_steps(layer)),
    scratch_bytes=_conv_scratch,
)


def _depthwise_refusal(layer: Layer) -> str:
    (top, bottom), (left, right) = layer.padding
    if layer.kernel_size != (3, 3) or layer.stride != (1, 1):
        return f"window {layer.kernel_size}, stride {layer.stride}: it takes 3x3 with stride 1"
    if max(top, bottom, left, right) > 1:
        return f"padding {layer.padding} is more than 1"
    if max(layer.input_shape[1], layer.output_shape[1]) > MAX_WIDTH:
        return f"width {layer.input_shape[1]} is more than {MAX_WIDTH}"
    if 2 * padded(layer.input_shape[2]) > MAX_POSITION_BYTES:
        return f"{layer.input_shape[2]} channels take more than {MAX_POSITION_BYTES} bytes per position"
    if 2 * padded(layer.input_shape[2]) * max(layer.input_shape[1], layer.output_shape[1]) > MAX_ROW_BYTES:
        return f"a row takes more than {MAX_ROW_BYTES} bytes"
    return scale.refusal(layer) or scale.saturation_refusal(layer)


def _depthwise_constants(layer: Layer) -> dict[str, Constant]:
    scaled = scale.scaled(layer)
    channels = layer.input_shape[2]
    words = np.zeros((padded(channels), 7), np.uint32)
    for column in range(3):
        w0, w1, w2 = scaled.weights[:, column]
        words[:channels, 2 * column] = _words(np.stack([w0, w1], axis=-1))[:, 0]
        words[:channels, 2 * column + 1] = _words(np.stack([w1, w2], axis=-1))[:, 0]
    words[:channels, 6] = scaled.bias & 0xFFFFFFFF
    layout = "[channel]{w00w10, w10w20, w01w11, w11w21, w02w12, w12w22, bias}, w<row><column>"
    return {"weights": Constant(words.ravel(), layout)}


def _depthwise_args(layer: Layer) -> dict:
    fields = window_args(layer)
    channels = padded(layer.input_shape[2])
    return {
        "input": fields["input"] | {"channels": channels},
        "output": fields["output"] | {"channels": channels},
        "padding": fields["padding"],
    }


def _depthwise_instances(layer: Layer) -> dict[str, Instance]:
    shift = scale.scaled(layer).shift
    saturate, bits = scale.saturation(layer)
    header, size = "fxp_depthwise_3x3.h", 2 * padded(layer.input_shape[2])
    width, output_width = layer.input_shape[1], layer.output_shape[1]
    pairs, products = (width, output_width + 2, size), (output_width, size, shift, saturate, bits)
    return {
        "pairs": Instance("plane_pairs_" + "_".join(map(str, pairs)), header, "FXP_PLANE_PAIRS", pairs),
        "products": Instance(
            f"plane_products_{output_width}_{size}_{shift}_{saturate}{bits}", header, "FXP_PLANE_PRODUCTS", products
        ),
    }


DEPTHWISE = Kernel(
    "fxp_depthwise_conv2d_s16",
    DEPTHWISE_CONV2D,
    S16,
    S16,
    args=_depthwise_args,
    constants=_depthwise_constants,
    instances=_depthwise_instances,
    instructions=lambda layer: 12.5 * layer.macs / 9,
    refusal=_depthwise_refusal,
    in_place=lambda layer: np.prod(layer.output_shape) <= np.prod(layer.input_shape),
    scratch_bytes=lambda layer: 8 * ((layer.output_shape[0] + 3) // 2) * (layer.output_shape[1] + 2),
)


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
    "fxp_average_pool_s16",
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
        "weights": Constant(_words(weights).ravel(), "[output][input pair]"),
        "bias": Constant(bias, "[output], rounding half included"),
    }


FULLY_CONNECTED = Kernel(
    "fxp_dense_s16",
    DENSE,
    S16,
    S8,
    args=lambda layer: dict(
        words=padded(layer.input_shape[2]) // 2, outputs=layer.output_shape[2], requantization=requantization(layer)
    ),
    constants=_dense_constants,
    instructions=lambda layer: 2.5 * layer.macs,
)

FAST_KERNELS = (POINTWISE, CONV, DEPTHWISE, POOL, FULLY_CONNECTED)
