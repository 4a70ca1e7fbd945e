"""Kernels for the vectors of Armv8.1-M (MVE, Helium): sixteen products per instruction, on int8 activations.

Matrix products read positions and depthwise convolutions read planes; each writes what the next one reads. Sums are
int32 throughout, so there is no proof beyond the layer's own.
"""

import math

import numpy as np

from export.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, Layer
from export.kernel_plan import scale
from export.kernel_plan.kernel import Constant, Instance, Kernel, half, requantization
from export.kernel_plan.layout import S8, ActivationLayout, Shape
from export.kernel_plan.portable import not_pointwise, window_args

VECTOR = 16
"""Codes of a vector; FXP_VECTOR of fxp_mve.h."""
BLOCK = 4
"""Output channels of a pass; planes come in multiples of it, FXP_PLANE_BLOCK of fxp_mve.h."""
SLACK = 16
"""Bytes behind the last plane; FXP_PLANE_SLACK of fxp_mve.h."""
SATURATED_BITS = 16
"""What a narrowing shift saturates at."""
MAX_VECTORS = 128
MAX_OFFSET = 2**16 - 1
MAX_BYTE_OFFSET = 2**8 - 1
"""What a scatter of halfword lanes and a gather of byte lanes can address."""
_PAIR_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)
"""Output of each halfword lane after two vectors of four are narrowed into one."""
_NEW_CODES = 8
"""Of a digit of a pattern: the column begins with codes from memory."""


def plane_bytes(shape: Shape) -> int:
    """Bytes from plane to plane: a plane and the row of zeros below it."""
    height, width, _ = shape
    return (height + 1) * width


def _blocks(channels: int) -> int:
    return -(-channels // BLOCK)


PLANES = ActivationLayout(
    "int8 [c][y][x]",
    lambda shape: 1 + shape[1] + BLOCK * _blocks(shape[2]) * plane_bytes(shape) + SLACK,
    unpack="fxp_unpack_planes",
    unpack_cost=math.inf,  # it can't work in place, as conversions between layers do
)


def _output(layer: Layer, layout: ActivationLayout) -> dict[str, int]:
    """Fields of an fxp_vector_output."""
    width, channels = layer.output_shape[1:]
    if layout == PLANES:
        parts, size = BLOCK * _blocks(channels) + 1, plane_bytes(layer.output_shape)
        return dict(first=1 + width, step=1, copied=0, parts=parts, plane_bytes=size, zeros=width)
    whole = channels % BLOCK == 0
    step = BLOCK * _blocks(channels)
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


def _bias(layer: Layer) -> np.ndarray:
    """What accumulators begin with, int64 [channels]: the loops' narrowing shift adds its own half.

    It is `shift`, or less where what saturates at 16 bits is then shifted to the output's width.
    """
    saturate, bits = scale.saturation(layer)
    left = SATURATED_BITS - bits
    narrow = layer.shift - left if saturate == "usat" and layer.shift > left else layer.shift
    return layer.bias.astype(np.int64) + half(layer) - ((1 << narrow) >> 1)


def _matrix_weights(layer: Layer) -> Constant:
    """Weights and biases of all output channels, in the order of fxp_vector_products.h."""
    outputs, vectors = layer.kernel.shape[-1], _matrix_vectors(layer)
    codes = np.zeros((BLOCK * _blocks(outputs), vectors * VECTOR), np.int8)
    codes[:outputs, : math.prod(layer.kernel.shape[:-1])] = layer.kernel.reshape(-1, outputs).T
    bias = np.zeros(BLOCK * _blocks(outputs), np.int64)
    bias[:outputs] = _bias(layer)
    blocks = codes.reshape(-1, BLOCK, vectors, VECTOR).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(blocks).reshape(len(blocks), -1).view("<u4")
    biases = bias.astype("<i4").view("<u4").reshape(-1, BLOCK)
    layout = "[4 channels]{4 biases, 4 biases, [vector]{c0, c1, c2, c3}} 16 codes of a channel each"
    return Constant(np.concatenate([biases, biases, words], axis=1).ravel(), layout)


def _products(layer: Layer, layout: ActivationLayout) -> Instance:
    saturate, bits = scale.saturation(layer)
    step = BLOCK * _channel_bytes(layer, layout)
    numbers = (_matrix_vectors(layer), step, layer.shift, saturate, bits)
    name = f"vector_products_{'_'.join(map(str, numbers[:3]))}_{saturate}{bits}"
    return Instance(name, "fxp_vector_products.h", "FXP_VECTOR_PRODUCTS", numbers)


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
    return -(-height * width // 2) * (_blocks(channels) * block + 40 + 2 * per_position) + zeros


def _matrix_constants(layer: Layer, layout: ActivationLayout) -> dict[str, Constant]:
    return {"weights": _matrix_weights(layer), "offsets": _offsets(layer, layout)}


def _matrix_fields(layer: Layer, layout: ActivationLayout) -> dict:
    words = _blocks(layer.kernel.shape[-1]) * BLOCK * (2 + VECTOR // 4 * _matrix_vectors(layer))
    return dict(vectors=_matrix_vectors(layer), output=_output(layer, layout), weights_words=words)


def pointwise(layout: ActivationLayout, op: str = CONV2D) -> Kernel:
    """1x1 convolution to a layout, or a dense layer."""

    def args(layer: Layer) -> dict:
        height, width, _ = layer.output_shape
        return dict(positions=height * width, input_channels=layer.input_shape[2]) | _matrix_fields(layer, layout)

    copied = 4 * VECTOR
    return Kernel(
        "fxp_pointwise_conv2d_mve",
        op,
        S8,
        layout,
        args=args,
        constants=lambda layer: _matrix_constants(layer, layout),
        instances=lambda layer: {"products": _products(layer, layout)},
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
        "fxp_conv2d_mve",
        CONV2D,
        S8,
        layout,
        args=args,
        constants=constants,
        instances=lambda layer: {"products": _products(layer, layout)},
        instructions=lambda layer: (
            _matrix_cost(layer, layout, 12 * _matrix_vectors(layer) + 10) + 0.5 * math.prod(_padded_size(layer))
        ),
        refusal=lambda layer: _conv_refusal(layer, layout),
        scratch_bytes=scratch_bytes,
    )


def _columns(layer: Layer) -> tuple[list[tuple[int, int]], list[tuple[int, bool, bool]]]:
    """How the windows of a row are computed.

    Returns:
      Of each output column: its vector, and 0 or `_NEW_CODES`; of each vector: how many lanes it is shifted, and
      whether its first and its last window column lie outside of the input.
    """
    width, stride, left = layer.input_shape[1], layer.stride[1], layer.padding[1][0]
    outputs = layer.output_shape[1]
    span = 2 * width + 3
    columns, vectors = [], []
    begin = 0
    for x in range(outputs):
        # Pairs of outputs share codes from memory; the last of an odd number joins the pair before it.
        shared = stride * (x - begin)
        last_of_three = x == outputs - 1 and shared == 2
        if (x and not (shared == 1 or last_of_three)) or span + shared > VECTOR:
            begin, shared = x, 0
        at = stride * x - left
        vector = (shared, at < 0, at + 3 > width)
        if vector not in vectors:
            vectors.append(vector)
        columns.append((vectors.index(vector), _NEW_CODES if shared == 0 else 0))
    return columns, vectors


def _depthwise_refusal(layer: Layer) -> str:
    (top, bottom), (left, right) = layer.padding
    height, width, channels = layer.input_shape
    if layer.kernel_size != (3, 3) or layer.stride not in ((1, 1), (2, 2)):
        return f"window {layer.kernel_size}, stride {layer.stride}: it takes 3x3 with stride 1 or 2 both ways"
    if max(top, bottom, left, right) > 1:
        return f"padding {layer.padding} is more than 1"
    if 2 * width + 3 > VECTOR:
        return f"width {width}: a window spans {2 * width + 3} codes, a vector holds {VECTOR}"
    if 8 * channels > MAX_OFFSET:
        return f"{channels} channels: eight positions reach over {8 * channels} bytes, offsets over {MAX_OFFSET}"
    if plane_bytes(layer.input_shape) > MAX_OFFSET:
        return f"{height} rows: a plane takes more than {MAX_OFFSET} bytes"
    return scale.saturation_refusal(layer)


def _depthwise_weights(layer: Layer) -> Constant:
    width, channels = layer.input_shape[1:]
    kernel = layer.kernel.reshape(3, 3, channels)
    vectors = np.zeros((channels, 4, VECTOR), np.int8)
    for i, (shift, cut_first, cut_last) in enumerate(_columns(layer)[1]):
        cut = kernel.copy()
        cut[:, :1] *= not cut_first
        cut[:, 2:] *= not cut_last
        for row in range(3):
            begin = row * width + shift
            vectors[:, i, begin : begin + 3] += cut[row].T
    bias = _bias(layer).astype("<i4").view("<u4")
    words = np.concatenate([vectors.reshape(channels, -1).view("<u4"), bias[:, None]], axis=1)
    layout = "[channel]{4 vectors of a window with zeros between its rows, bias}"
    return Constant(words.ravel(), layout)


def _depthwise_windows(layer: Layer) -> Instance:
    pattern = sum((vector | new) << 4 * x for x, (vector, new) in enumerate(_columns(layer)[0]))
    saturate, bits = scale.saturation(layer)
    height, width, channels = layer.input_shape
    shape = (height, width, *layer.output_shape[:2], layer.stride[0], channels)
    numbers = (*shape, f"{pattern:#x}", layer.shift, saturate, bits)
    name = f"plane_windows_{'_'.join(map(str, shape))}_{pattern:x}_{layer.shift}_{saturate}{bits}"
    return Instance(name, "fxp_plane_windows.h", "FXP_PLANE_WINDOWS", numbers)


def _depthwise_args(layer: Layer) -> dict:
    width, channels = layer.input_shape[1:]
    top, left = (pads[0] for pads in layer.padding)
    return dict(first=1 + width - top * width - left, weights_words=channels * (4 * VECTOR // 4 + 1))


def _depthwise_constants(layer: Layer) -> dict[str, Constant]:
    places = np.array(_PAIR_ORDER) * layer.input_shape[2]
    return {
        "weights": _depthwise_weights(layer),
        "offsets": Constant(places.astype(np.uint16), "[lane] place of its position's code"),
    }


DEPTHWISE = Kernel(
    "fxp_depthwise_conv2d_mve",
    DEPTHWISE_CONV2D,
    PLANES,
    S8,
    args=_depthwise_args,
    constants=_depthwise_constants,
    instances=lambda layer: {"windows": _depthwise_windows(layer)},
    instructions=lambda layer: 3.2 * math.prod(layer.output_shape) + 12 * layer.input_shape[2] + 40,
    refusal=_depthwise_refusal,
)


def _channels_cost(layer: Layer) -> float:
    """Of each MAC 2.5 instructions where eight channels are computed at a time, the last ones maybe twice, else 6."""
    channels = layer.input_shape[2]
    return layer.macs * (2.5 * -(-channels // 8) * 8 / channels if channels >= 8 else 6.0)


def _channels_constants(layer: Layer) -> dict[str, Constant]:
    bias = (layer.bias.astype(np.int64) + half(layer)).astype(np.int32)
    return {
        "weights": Constant(layer.kernel.ravel(), "[row][column][channel]"),
        "bias": Constant(bias, "[channel], rounding half included"),
    }


DEPTHWISE_CHANNELS = Kernel(
    "fxp_depthwise_conv2d_channels_mve",
    DEPTHWISE_CONV2D,
    S8,
    S8,
    args=lambda layer: window_args(layer) | {"requantization": requantization(layer)},
    constants=_channels_constants,
    instructions=_channels_cost,
)


def _pool_args(layer: Layer) -> dict:
    height, width, channels = layer.input_shape
    size = plane_bytes(layer.input_shape)
    places = dict(positions=height * width, channels=channels, first=1 + width, plane_bytes=size)
    return places | dict(bias=half(layer), requantization=requantization(layer))


POOL = Kernel(
    "fxp_average_pool_mve",
    AVERAGE_POOL,
    PLANES,
    S8,
    args=_pool_args,
    constants=lambda layer: {},
    instructions=lambda layer: layer.input_shape[2] * (15 + 4 * math.prod(layer.input_shape[:2]) / VECTOR),
)

KERNELS = (
    pointwise(PLANES),
    pointwise(S8),
    convolution(PLANES),
    convolution(S8),
    DEPTHWISE,
    DEPTHWISE_CHANNELS,
    POOL,
    pointwise(S8, DENSE),
)
