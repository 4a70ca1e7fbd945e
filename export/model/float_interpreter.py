"""The interpreter's quick way: each layer as products of floating-point matrices, which are exact.

Sums of integers are exact in floating point, in any order, while no partial sum leaves the integers that the type holds
without a gap: up to 2**24 in float32, up to 2**53 in float64. `accumulator.worst_case` bounds every partial sum of a
layer, and chooses between the two. Weights and biases are scaled by 2**-shift, which changes exponents and no digit:
what is left of requantization is rounding to whole numbers and saturation.

Tensors are [channels, height, width, n] here, clips last. A convolution's output is then one product of matrices.
`Steps` are all but those: by NumPy here, by compiled C in `export.host.float_steps`.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, DENSE, IntegerModel, Layer

FLOAT32_INTEGERS = 2**24
"""All integers of at most this magnitude are float32 values. Float64 holds every sum of int8 products (2**53)."""
LANES = 32
"""Clips that `Steps` by C compute side by side; of those that are left NumPy makes less."""
_MOST_CLIPS = 2 * LANES
"""At once: a layer's tensors of more leave the caches of a core."""
_MOST_VALUES = 2**22
"""In the largest tensor, or the largest matrix of windows: a bound on memory."""


@dataclasses.dataclass(frozen=True)
class FloatLayer:
    """A layer and its constants, scaled by 2**-shift, in the type that holds its sums.

    Attributes:
      layer: the integer layer.
      kernel: as `mixing` has it.
      bias: [out]; single rounding's half is in it.
      rounding: 'single' or 'double'.
    """

    layer: Layer
    kernel: np.ndarray
    bias: np.ndarray
    rounding: str


@dataclasses.dataclass(frozen=True)
class Steps:
    """What computes the codes of a layer, beside products of large matrices.

    Attributes:
      channels: of a layer that doesn't mix channels, its input and its output: writes all of it.
      finish: of a layer and its sums: makes codes of them in place, by bias, rounding and saturation.
    """

    channels: Callable[[FloatLayer, np.ndarray, np.ndarray], None]
    finish: Callable[[FloatLayer, np.ndarray], None]


def run(model: IntegerModel, codes: np.ndarray, rounding: str, steps: Steps) -> np.ndarray:
    """As `interpreter.run`, for codes of the input's format and accumulators that are proved to keep their widths: none
    is looked at."""
    layers = [float_layer(layer, rounding) for layer in model.layers]
    largest = max(max(math.prod(layer.output_shape), _windows(layer)) for layer in model.layers)
    at_once = min(max(_MOST_VALUES // largest, 1), _MOST_CLIPS, max(len(codes), 1))
    # The same memory again and again: what malloc gives back to the system costs as much as half of the products.
    memory = [np.empty(max(math.prod(layer.output_shape) for layer in model.layers) * at_once) for _ in range(2)]
    logits = np.empty((len(codes), len(model.labels)), np.int8)
    start = 0
    while start < len(codes):
        count = min(at_once, len(codes) - start)
        end = start + (count - count % LANES or count)
        x = codes[start:end].transpose(3, 1, 2, 0)
        for index, layer in enumerate(layers):
            x = run_layer(layer, x, memory[index % 2], steps)
        logits[start:end] = x.reshape(len(model.labels), -1).T
        start = end
    return logits


def _windows(layer: Layer) -> int:
    """Values of all windows of a clip that `mixed_sums` multiplies."""
    height, width, _ = layer.output_shape
    return height * width * math.prod(layer.kernel_size) * layer.input_shape[2] if layer.op == CONV2D else 0


def sum_type(layer: Layer) -> type[np.floating]:
    """The narrowest float that holds each partial sum of a layer, whatever its input."""
    return np.float32 if accumulator.worst_case(layer).max() <= FLOAT32_INTEGERS else np.float64


def float_layer(layer: Layer, rounding: str) -> FloatLayer:
    """A layer's constants for `run_layer`; rounding is 'single' or 'double'."""
    kernel = layer.kernel * 2.0**-layer.shift
    half = (1 << layer.shift) >> 1 if rounding == "single" else 0
    bias = (layer.bias.astype(np.int64) + half) * 2.0**-layer.shift
    taken, bias = (np.ascontiguousarray(array, sum_type(layer)) for array in (mixing(layer, kernel), bias))
    return FloatLayer(layer, taken, bias, rounding)


def mixing(layer: Layer, kernel: np.ndarray) -> np.ndarray:
    """A kernel that is shaped as the layer's, as what `mixed_sums` or `channel_sums` take: [out, in * kh * kw] where
    channels are mixed, else [channels, kh, kw]."""
    if layer.op == DENSE:
        return kernel.T
    return (
        kernel.transpose(3, 2, 0, 1).reshape(kernel.shape[3], -1) if layer.op == CONV2D else kernel.transpose(2, 0, 1)
    )


def run_layer(float_layer: FloatLayer, x: np.ndarray, memory: np.ndarray, steps: Steps) -> np.ndarray:
    """Output codes of one layer, of its sums' type [channels, height, width, n].

    Args:
      x: input codes of any type, [channels, height, width, n].
      memory: where the output is written; not the input's.
    """
    layer = float_layer.layer
    height, width, channels = layer.output_shape
    y: np.ndarray = np.ndarray((channels, height, width, x.shape[-1]), float_layer.bias.dtype, memory)
    x = np.ascontiguousarray(x, y.dtype)
    if layer.op in (CONV2D, DENSE):
        mixed_sums(layer, float_layer.kernel, x, y)
        steps.finish(float_layer, y)
    else:
        steps.channels(float_layer, x, y)
    return y


def mixed_sums(layer: Layer, matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Sums of products over a window of all channels into `y`, contiguous as `x` is: one product of matrices."""
    if layer.kernel_size != (1, 1) or layer.stride != (1, 1) or any(map(any, layer.padding)):
        x = np.pad(x, ((0, 0), *layer.padding, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (1, *layer.kernel_size, 1))[..., 0, :, :, 0]
        x = windows[:, :: layer.stride[0], :: layer.stride[1]].transpose(0, 4, 5, 1, 2, 3)
    np.matmul(matrix, x.reshape(matrix.shape[1], -1), out=y.reshape(len(matrix), -1))


def channel_sums(layer: Layer, taps: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Sums of products over a window of one channel into `y`: a product of matrices for each row and channel, or tap by
    tap where rows are so wide that those matrices are large. What is on padding is left out."""
    if len(y) * y.shape[2] * layer.kernel_size[0] * x.shape[2] > _MOST_VALUES:
        _sums_by_tap(layer, taps, x, y)
        return
    channels, height, width, clips = x.shape
    bands = _bands(layer, taps)
    for row in range(y.shape[1]):
        top = row * layer.stride[0] - layer.padding[0][0]
        first, end = (min(max(i, 0), height) for i in (top, top + layer.kernel_size[0]))
        seen = x[:, first:end].reshape(channels, -1, clips)
        np.matmul(bands[..., (first - top) * width : (end - top) * width], seen, out=y[:, row])


def _bands(layer: Layer, taps: np.ndarray) -> np.ndarray:
    """[channels, output columns, kh * input columns]: for each channel the matrix that makes a row of output of the kh
    rows of input that it sees."""
    (kh, kw), (_, width, channels) = layer.kernel_size, layer.input_shape
    bands = np.zeros((channels, layer.output_shape[1], kh, width), taps.dtype)
    for column in range(layer.output_shape[1]):
        left = column * layer.stride[1] - layer.padding[1][0]
        for j in range(max(-left, 0), min(width - left, kw)):
            bands[:, column, :, left + j] = taps[:, :, j]
    return bands.reshape(*bands.shape[:2], -1)


def _sums_by_tap(layer: Layer, taps: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    y[...] = 0
    for i, j in itertools.product(*map(range, layer.kernel_size)):
        (out_rows, rows), (out_columns, columns) = (
            _in_step(tap, stride, before, size, out)
            for tap, stride, (before, _), size, out in zip(
                (i, j), layer.stride, layer.padding, x.shape[1:3], y.shape[1:3], strict=True
            )
        )
        y[:, out_rows, out_columns] += x[:, rows, columns] * taps[:, i, j, None, None, None]


def _in_step(tap: int, stride: int, before: int, size: int, out: int) -> tuple[slice, slice]:
    """Along one dimension, the outputs of which a tap of the window lies on the input, and the inputs that it is on."""
    first = max(-(-(before - tap) // stride), 0)
    end = min((size - 1 + before - tap) // stride + 1, out)
    if first >= end:
        return slice(0, 0), slice(0, 0)
    start = first * stride + tap - before
    return slice(first, end), slice(start, start + (end - first - 1) * stride + 1, stride)


def _channels(float_layer: FloatLayer, x: np.ndarray, y: np.ndarray) -> None:
    channel_sums(float_layer.layer, float_layer.kernel, x, y)
    _finish(float_layer, y)


def _finish(float_layer: FloatLayer, y: np.ndarray) -> None:
    layer, bias = float_layer.layer, float_layer.bias
    y += bias[:, None, None, None]
    if float_layer.rounding == "single":
        np.floor(y, out=y)
    elif layer.shift:
        _round_twice(y, layer.shift)
    np.maximum(y, layer.output_format.min_code, out=y)
    np.minimum(y, layer.output_format.max_code, out=y)


def _round_twice(y: np.ndarray, shift: int) -> None:
    """`qformat.requantize_double`'s rounding of sums / 2**shift, shift >= 1, in place: half up to a half of the sum,
    then half away from zero."""
    y *= 2.0 ** (shift - 1)
    y += 0.5
    np.floor(y, out=y)
    y *= 2.0 ** (1 - shift)
    y += np.copysign(np.float32(0.5), y)
    np.trunc(y, out=y)


NUMPY = Steps(_channels, _finish)
