"""Matrix products on vectors (Armv8.1-M's MVE): 1x1 and other convolutions, dense layers, from int8 positions."""

import math

import numpy as np

from export.model.integer_model import CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.helium.planes import BLOCK, MAX_OFFSET, PLANES, VECTOR, accumulator_start, blocks, plane_bytes
from export.plan.kernels.portable import not_pointwise, window_args
from export.plan.layout import S8, ActivationLayout

MAX_VECTORS = 128
MAX_BYTE_OFFSET = 2**8 - 1
"""What a gather of byte lanes can address."""


def _output(layer: Layer, layout: ActivationLayout) -> dict[str, int]:
    """Fields of an fxp_matrix_output."""
    width, channels = layer.output_shape[1:]
    if layout == PLANES:
        parts, size = BLOCK * blocks(channels) + 1, plane_bytes(layer.output_shape)
        return dict(first=1 + width, step=1, copied=0, parts=parts, plane_bytes=size, zeros=width)
    whole = channels % BLOCK == 0
    step = BLOCK * blocks(channels)
    return dict(first=0, step=step, copied=0 if whole else channels, parts=0, plane_bytes=0, zeros=0)


def _channel_bytes(layer: Layer, layout: ActivationLayout) -> int:
    """Between two channels of a position."""
    return plane_bytes(layer.output_shape) if layout == PLANES else 1


def _offsets(layer: Layer, layout: ActivationLayout) -> Constant:
    """Places of four channels of two positions, then of one position twice."""
    channel, position = _channel_bytes(layer, layout), _output(layer, layout)["step"]
    places = [c * channel + p * position * both for both in (1, 0) for c in range(BLOCK) for p in (0, 1)]
    return Constant(np.array(places, np.uint16), "[two positions, one]{c0p0, c0p1, c1p0, ... c3p1} bytes")


def _copy_bytes(layer: Layer, layout: ActivationLayout) -> int:
    output = _output(layer, layout)
    return 2 * output["step"] if output["copied"] else 0


def _matrix_vectors(layer: Layer) -> int:
    """Vectors of one output's products."""
    return -(-math.prod(layer.kernel.shape[:-1]) // VECTOR)


def _matrix_weights(layer: Layer) -> Constant:
    """Weights and biases of all output channels, in the order of fxp_matrix_loop_s8_helium.h."""
    outputs, vectors = layer.kernel.shape[-1], _matrix_vectors(layer)
    codes = np.zeros((BLOCK * blocks(outputs), vectors * VECTOR), np.int8)
    codes[:outputs, : math.prod(layer.kernel.shape[:-1])] = layer.kernel.reshape(-1, outputs).T
    bias = np.zeros(BLOCK * blocks(outputs), np.int64)
    bias[:outputs] = accumulator_start(layer)
    ordered = codes.reshape(-1, BLOCK, vectors, VECTOR).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(ordered).reshape(len(ordered), -1).view("<u4")
    biases = bias.astype("<i4").view("<u4").reshape(-1, BLOCK)
    layout = "[4 channels]{4 biases, 4 biases, [vector]{c0, c1, c2, c3}} 16 codes of a channel each"
    return Constant(np.concatenate([biases, biases, words], axis=1).ravel(), layout)


def _products(layer: Layer, layout: ActivationLayout) -> Instance:
    saturate, bits = scale.saturation(layer)
    step = BLOCK * _channel_bytes(layer, layout)
    numbers = (_matrix_vectors(layer), step, layer.shift, saturate, bits)
    return Instance("helium", "FXP_MATRIX_LOOP_S8_HELIUM", numbers)


def _matrix_refusal(layer: Layer, layout: ActivationLayout) -> str:
    if _matrix_vectors(layer) > MAX_VECTORS:
        return f"{math.prod(layer.kernel.shape[:-1])} products, the loop takes {MAX_VECTORS * VECTOR}"
    reach = BLOCK * _channel_bytes(layer, layout) + _output(layer, layout)["step"]
    if reach > MAX_OFFSET:
        return f"four channels reach over {reach} bytes, offsets over {MAX_OFFSET}"
    return scale.saturation_refusal(layer)


def _matrix_cost(layer: Layer, layout: ActivationLayout, per_position: float) -> float:
    height, width, channels = layer.output_shape
    vectors = _matrix_vectors(layer)
    block = 12 * vectors + max(2 * vectors - 5, 0) + 14
    zeros = 6 * channels if layout == PLANES else 0
    return -(-height * width // 2) * (blocks(channels) * block + 40 + 2 * per_position) + zeros


def _matrix_constants(layer: Layer, layout: ActivationLayout) -> dict[str, Constant]:
    return {"weights": _matrix_weights(layer), "offsets": _offsets(layer, layout)}


def _matrix_fields(layer: Layer, layout: ActivationLayout) -> dict:
    words = blocks(layer.kernel.shape[-1]) * BLOCK * (2 + VECTOR // 4 * _matrix_vectors(layer))
    return dict(vectors=_matrix_vectors(layer), output=_output(layer, layout), weights_words=words)


def pointwise(layout: ActivationLayout, op: str = CONV2D) -> Kernel:
    """1x1 convolution to a layout, or a dense layer."""

    def args(layer: Layer) -> dict:
        height, width, _ = layer.output_shape
        return dict(positions=height * width, input_channels=layer.input_shape[2]) | _matrix_fields(layer, layout)

    copied = 4 * VECTOR
    return Kernel(
        "fxp_pointwise_conv2d_s8_helium",
        op,
        S8,
        layout,
        args=args,
        constants=lambda layer: _matrix_constants(layer, layout),
        instances=lambda layer: {"loop": _products(layer, layout)},
        instructions=lambda layer: _matrix_cost(layer, layout, copied if layer.input_shape[2] % VECTOR else 0),
        refusal=lambda layer: (not_pointwise(layer) if op == CONV2D else "") or _matrix_refusal(layer, layout),
        scratch_bytes=lambda layer: 2 * VECTOR * _matrix_vectors(layer) + _copy_bytes(layer, layout),
    )


def _padded_size(layer: Layer) -> tuple[int, int]:
    height, width = (length + sum(pads) for length, pads in zip(layer.input_shape[:2], layer.padding, strict=True))
    return height, width


def _gathered(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Places of a window's codes: of each vector's first one, int32 [vectors], and from there, int64 [vectors, 16].

    Lanes beyond the window read the first code again; their weights are 0.
    """
    rows, columns, depth = layer.kernel.shape[:3]
    row, column, channel = np.indices((rows, columns, depth))
    places = ((row * _padded_size(layer)[1] + column) * depth + channel).ravel()
    lanes = np.zeros(_matrix_vectors(layer) * VECTOR, np.int64)
    lanes[: places.size] = places
    lanes = lanes.reshape(-1, VECTOR)
    return lanes[:, 0].astype(np.int32), np.maximum(lanes - lanes[:, :1], 0)


def _conv_refusal(layer: Layer, layout: ActivationLayout) -> str:
    reach = int(_gathered(layer)[1].max())
    if reach > MAX_BYTE_OFFSET:
        return f"sixteen codes of a window lie within {reach} bytes of the input, offsets reach over {MAX_BYTE_OFFSET}"
    return _matrix_refusal(layer, layout)


def convolution(layout: ActivationLayout) -> Kernel:
    """Convolution of any window to a layout."""

    def args(layer: Layer) -> dict:
        fields = window_args(layer)
        height, width = _padded_size(layer)
        return {
            "input": fields["input"],
            "output_shape": fields["output"],
            "stride": fields["stride"],
            "padding": fields["padding"],
            "padded_height": height,
            "padded_width": width,
        } | _matrix_fields(layer, layout)

    def constants(layer: Layer) -> dict[str, Constant]:
        first, codes = _gathered(layer)
        return _matrix_constants(layer, layout) | {
            "from": Constant(first, "[vector] place of its first code in the padded input"),
            "codes": Constant(codes.astype(np.uint8).ravel(), "[vector][16] places from there"),
        }

    def scratch_bytes(layer: Layer) -> int:
        padded = math.prod(_padded_size(layer)) * layer.input_shape[2]
        return 2 * VECTOR * _matrix_vectors(layer) + _copy_bytes(layer, layout) + padded

    return Kernel(
        "fxp_conv2d_s8_helium",
        CONV2D,
        S8,
        layout,
        args=args,
        constants=constants,
        instances=lambda layer: {"loop": _products(layer, layout)},
        instructions=lambda layer: (
            _matrix_cost(layer, layout, 12 * _matrix_vectors(layer) + 10) + 0.5 * math.prod(_padded_size(layer))
        ),
        refusal=lambda layer: _conv_refusal(layer, layout),
        scratch_bytes=scratch_bytes,
    )
