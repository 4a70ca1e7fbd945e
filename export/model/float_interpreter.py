"""The interpreter's quick way: each layer as products of floating-point matrices, which are exact.

Sums of integers are exact in floating point, in any order, while no partial sum leaves the integers that the type holds
without a gap: up to 2**24 in float32, up to 2**53 in float64. `accumulator.worst_case` bounds every partial sum of a
layer, and chooses between the two. Weights and biases are scaled by 2**-shift, which changes exponents and no digit:
what is left of requantization is rounding to whole numbers and saturation.

Tensors are [height, width, channels, n] here, clips last. A convolution's output is then one product for each position,
and a row of a depthwise one's is one for each channel.
"""

import dataclasses
import math

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, DENSE, IntegerModel, Layer

FLOAT32_INTEGERS = 2**24
"""All integers of at most this magnitude are float32 values. Float64 holds every sum of int8 products (2**53)."""
_MOST_CLIPS = 64
"""At once: for more, OpenBLAS shares a product of 64 by 64 channels among threads, which costs more than it saves."""
_MOST_VALUES = 2**22
"""In the largest tensor: a bound on memory."""


@dataclasses.dataclass(frozen=True)
class FloatLayer:
    """A layer and its constants, scaled by 2**-shift, in the type that holds its sums.

    Attributes:
      layer: the integer layer.
      matrices: [out, kh * kw * in] where channels are mixed, else `_bands`.
      bias: [out]; single rounding's half is in it.
    """

    layer: Layer
    matrices: np.ndarray
    bias: np.ndarray


def run(model: IntegerModel, codes: np.ndarray, rounding: str) -> np.ndarray:
    """As `interpreter.run`, for codes of the input's format and accumulators that are proved to keep their widths: none
    is looked at."""
    layers = [float_layer(layer, rounding) for layer in model.layers]
    largest = max(math.prod(layer.output_shape) for layer in model.layers)
    at_once = min(max(_MOST_VALUES // largest, 1), _MOST_CLIPS, max(len(codes), 1))
    # The same memory again and again: what malloc gives back to the system costs as much as half of the products.
    memory = [np.empty(largest * at_once) for _ in range(2)]
    logits = np.empty((len(codes), len(model.labels)), np.int8)
    for start in range(0, len(codes), at_once):
        x = codes[start : start + at_once].transpose(1, 2, 3, 0)
        for index, layer in enumerate(layers):
            x = run_layer(layer, x, rounding, memory[index % 2])
        logits[start : start + at_once] = x.reshape(len(model.labels), -1).T
    return logits


def sum_type(layer: Layer) -> type[np.floating]:
    """The narrowest float that holds each partial sum of a layer, whatever its input."""
    return np.float32 if accumulator.worst_case(layer).max() <= FLOAT32_INTEGERS else np.float64


def float_layer(layer: Layer, rounding: str) -> FloatLayer:
    """A layer's constants for `run_layer`; rounding is 'single' or 'double'."""
    kernel = layer.kernel * 2.0**-layer.shift
    half = (1 << layer.shift) >> 1 if rounding == "single" else 0
    bias = (layer.bias.astype(np.int64) + half) * 2.0**-layer.shift
    dtype = sum_type(layer)
    return FloatLayer(layer, np.ascontiguousarray(matrices(layer, kernel), dtype), bias.astype(dtype))


def matrices(layer: Layer, kernel: np.ndarray) -> np.ndarray:
    """A kernel that is shaped as the layer's as what its sums multiply: see `FloatLayer.matrices`."""
    return kernel.reshape(-1, kernel.shape[-1]).T if layer.op in (CONV2D, DENSE) else _bands(layer, kernel)


def _bands(layer: Layer, kernel: np.ndarray) -> np.ndarray:
    """Depthwise weights [kh, kw, channels] as [channels, output columns, kh * input columns]: for each channel the
    matrix that makes a row of output of the kh rows of input that it sees. Where a row's window is on padding, nothing
    is multiplied."""
    (kh, kw), (_, width, channels) = layer.kernel_size, layer.input_shape
    bands = np.zeros((channels, layer.output_shape[1], kh, width))
    for column in range(layer.output_shape[1]):
        left = column * layer.stride[1] - layer.padding[1][0]
        for j in range(max(-left, 0), min(width - left, kw)):
            bands[:, column, :, left + j] = kernel[:, j].T
    return bands.reshape(*bands.shape[:2], -1)


def run_layer(float_layer: FloatLayer, x: np.ndarray, rounding: str, memory: np.ndarray) -> np.ndarray:
    """Output codes of one layer, of its sums' type [height, width, channels, n].

    Args:
      x: input codes of any type, [height, width, channels, n].
      memory: where the output is written; not the input's.
    """
    layer, bias = float_layer.layer, float_layer.bias
    y: np.ndarray = np.ndarray((*layer.output_shape, x.shape[-1]), bias.dtype, memory)
    sums = mixed_sums if layer.op in (CONV2D, DENSE) else channel_sums
    sums(layer, float_layer.matrices, x.astype(bias.dtype, copy=False), y)
    # Operands as large as the innermost dimensions: NumPy is several times quicker with them than with scalars.
    per_channel = y.shape[2:]
    y += np.broadcast_to(bias[:, None], per_channel).copy()
    if rounding == "single":
        np.floor(y, out=y)
    elif layer.shift:
        _round_twice(y, layer.shift)
    np.maximum(y, np.full(per_channel, layer.output_format.min_code, y.dtype), out=y)
    np.minimum(y, np.full(per_channel, layer.output_format.max_code, y.dtype), out=y)
    return y


def mixed_sums(layer: Layer, matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Sums of products over a window of all channels into `y`, a product of matrices for each position."""
    height, width, channels, clips = y.shape
    if any(map(any, layer.padding)):
        x = np.pad(x, (*layer.padding, (0, 0), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (*layer.kernel_size, *x.shape[2:]))
    seen = windows[:: layer.stride[0], :: layer.stride[1]].reshape(height * width, -1, clips)
    np.matmul(matrix, seen, out=y.reshape(height * width, channels, clips))


def channel_sums(layer: Layer, bands: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Sums of products over a window of one channel into `y`, a product of matrices for each row and channel."""
    height, width, channels, clips = x.shape
    for row, out in enumerate(y):
        top = row * layer.stride[0] - layer.padding[0][0]
        first, end = (min(max(i, 0), height) for i in (top, top + layer.kernel_size[0]))
        seen = x[first:end].reshape(-1, channels, clips).swapaxes(0, 1)
        np.matmul(bands[..., (first - top) * width : (end - top) * width], seen, out=out.swapaxes(0, 1))


def _round_twice(y: np.ndarray, shift: int) -> None:
    """`qformat.requantize_double`'s rounding of sums / 2**shift, shift >= 1, in place: half up to a half of the sum,
    then half away from zero."""
    y *= 2.0 ** (shift - 1)
    y += 0.5
    np.floor(y, out=y)
    y *= 2.0 ** (1 - shift)
    y += np.copysign(np.float32(0.5), y)
    np.trunc(y, out=y)
