"""Depthwise 3x3 convolution from planes: a window, or two, in one vector of sixteen codes."""

import math

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.helium.planes import MAX_OFFSET, PLANES, VECTOR, accumulator_start, plane_bytes
from export.plan.layout import S8

_LANE_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)
"""Output of each halfword lane after two vectors of four are narrowed into one."""
_NEW_CODES = 8
"""Of a digit of a pattern: the column begins with codes from memory."""


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
        # Two outputs share codes from memory; the last of an odd number joins the two before it.
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


def _weights(layer: Layer) -> Constant:
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
    bias = accumulator_start(layer).astype("<i4").view("<u4")
    words = np.concatenate([vectors.reshape(channels, -1).view("<u4"), bias[:, None]], axis=1)
    layout = "[channel]{4 vectors of a window with zeros between its rows, bias}"
    return Constant(words.ravel(), layout)


def _loop(layer: Layer) -> Instance:
    pattern = sum((vector | new) << 4 * x for x, (vector, new) in enumerate(_columns(layer)[0]))
    saturate, bits = scale.saturation(layer)
    height, width, channels = layer.input_shape
    shape = (height, width, *layer.output_shape[:2], layer.stride[0], channels)
    numbers = (*shape, f"{pattern:#x}", layer.shift, saturate, bits)
    return Instance("helium", "FXP_DEPTHWISE_LOOP_PLANES_HELIUM", numbers)


def _args(layer: Layer) -> dict:
    width, channels = layer.input_shape[1:]
    top, left = (pads[0] for pads in layer.padding)
    return dict(first=1 + width - top * width - left, weights_words=channels * (4 * VECTOR // 4 + 1))


def _constants(layer: Layer) -> dict[str, Constant]:
    places = np.array(_LANE_ORDER) * layer.input_shape[2]
    return {
        "weights": _weights(layer),
        "offsets": Constant(places.astype(np.uint16), "[lane] place of its position's code"),
    }


KERNEL = Kernel(
    "fxp_depthwise_conv2d_planes_to_s8_helium",
    DEPTHWISE_CONV2D,
    PLANES,
    S8,
    args=_args,
    constants=_constants,
    instances=lambda layer: {"loop": _loop(layer)},
    instructions=lambda layer: 3.0 * math.prod(layer.output_shape) + 12 * layer.input_shape[2] + 40,
    refusal=_refusal,
)
