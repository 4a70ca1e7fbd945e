"""Depthwise 3x3 convolution from planes: a window, or two, in one vector of sixteen codes."""

import math

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.helium import narrowing
from export.plan.kernels.helium.planes import MAX_OFFSET, PLANES, VECTOR, plane_bytes
from export.plan.layout import S8

_NEW_CODES = 8
"""Of a digit of a pattern: the column begins with codes from memory."""
_APART = 3
"""Columns from which on a window's rows don't overlap in a vector."""


def _columns(layer: Layer) -> tuple[list[int], list[tuple[int, bool, bool]]]:
    """How the windows of a row are computed.

    Returns:
      Of each output column its vector, and `_NEW_CODES` or 0; of each vector, in the order of the columns that use them
      first, how many lanes it is shifted, and whether its first and its last window column lie outside of the input.
    """
    width, stride, left = layer.input_shape[1], layer.stride[1], layer.padding[1][0]
    columns: list[int] = []
    vectors: list[tuple[int, bool, bool]] = []
    begin = 0
    for x in range(layer.output_shape[1]):
        at = stride * x - left
        outside = at < 0, at + 3 > width
        shift = stride * (x - begin)
        if x == 0 or shift + 2 * width + 3 - outside[1] > VECTOR:
            begin, shift = x, 0
        vector = (shift, *outside)
        if vector not in vectors:
            vectors.append(vector)
        columns.append(vectors.index(vector) + (_NEW_CODES if begin == x else 0))
    return columns, vectors


def _refusal(layer: Layer) -> str:
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


def _stored(layer: Layer) -> list[tuple[int, bool, bool]]:
    """The vectors that are stored: all, or one that the others are made of, where a window's rows lie apart in it."""
    return _columns(layer)[1] if layer.input_shape[1] < _APART else [(0, False, False)]


def _record_words(layer: Layer) -> int:
    return 2 + VECTOR // 4 * len(_stored(layer))


def _weights(layer: Layer) -> Constant:
    width, channels = layer.input_shape[1:]
    records = np.zeros((channels, _record_words(layer)), "<u4")
    records[:, 0] = narrowing.accumulator_start(layer).astype("<i4").view("<u4")
    vectors = records[:, 2:].view(np.int8).reshape(channels, -1, VECTOR)
    for i, (shift, cut_first, cut_last) in enumerate(_stored(layer)):
        cut = layer.kernel.reshape(3, 3, channels).copy()
        cut[:, :1] *= not cut_first
        cut[:, 2:] *= not cut_last
        for row in range(3):
            begin = row * width + shift
            vectors[:, i, begin : begin + 3] += cut[row].T
    return Constant(records.ravel(), "[channel]{bias, 0, vectors of a window with zeros between its rows}")


def _loop(layer: Layer) -> Instance:
    pattern = sum(column << 4 * x for x, column in enumerate(_columns(layer)[0]))
    saturate, bits = narrowing.saturation(layer)
    height, width, channels = layer.input_shape
    shape = (height, width, *layer.output_shape[:2], layer.stride[0], layer.padding[1][0], channels)
    numbers = (*shape, f"{pattern:#x}", layer.shift, saturate, bits)
    return Instance("helium", "FXP_DEPTHWISE_LOOP_PLANES_HELIUM", numbers)


def _args(layer: Layer) -> dict:
    width, channels = layer.input_shape[1:]
    top, left = (pads[0] for pads in layer.padding)
    return dict(first=1 + width - top * width - left, weights_words=channels * _record_words(layer))


def _constants(layer: Layer) -> dict[str, Constant]:
    codes = math.prod(layer.output_shape)
    places = np.arange(-(-codes // layer.output_shape[2] // 8) * 8 if codes <= MAX_OFFSET + 1 else 8)
    return {
        "weights": _weights(layer),
        "offsets": Constant((places * layer.output_shape[2]).astype(np.uint16), "[position] place of its code"),
    }


def _cost(layer: Layer) -> float:
    """Of every eight outputs 17 instructions and the loads of codes, of every channel its vectors."""
    columns, vectors = _columns(layer)
    rows, _, channels = layer.output_shape
    loads = rows * sum(column >= _NEW_CODES for column in columns)
    beyond = math.prod(layer.output_shape) > MAX_OFFSET + 1
    groups = -(-rows * len(columns) // 8)
    return (
        channels
        * (
            rows * len(columns)
            + loads
            + (6 + narrowing.instructions(layer, 8) + beyond) * groups
            + 4 * len(vectors)
            + 20
        )
        + 60
    )


KERNEL = Kernel(
    "fxp_depthwise_conv2d_planes_to_s8_helium",
    DEPTHWISE_CONV2D,
    PLANES,
    S8,
    args=_args,
    constants=_constants,
    instances=lambda layer: {"loop": _loop(layer)},
    instructions=_cost,
    proof=narrowing.proof,
    refusal=_refusal,
)
