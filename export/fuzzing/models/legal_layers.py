"""Random layers: what no network looks like, but `IntegerModel` accepts."""

import dataclasses

import numpy as np

from export.model import accumulator
from export.model.integer_model import (
    CONV2D,
    DENSE,
    DEPTHWISE_CONV2D,
    MOST_FRACTION_BITS,
    Layer,
    Padding,
    Shape,
    Size,
    average_pool,
    output_size,
    same_padding,
)
from quant.folding.layers import pool_shift
from quant.qformat import MAX_BITS, MIN_BITS, QFormat, weight_format

NO_PADDING: Padding = ((0, 0), (0, 0))
LARGEST_SHIFT = 30
_WIDEST = 32
_LARGEST_SUM = 2 ** (_WIDEST - 1) - 1


def draw_format(rng: np.random.Generator, fraction_bits: int) -> QFormat:
    """Any activation format: 2 to 8 bits, unsigned, signed, or symmetric."""
    bits, kind = int(rng.integers(MIN_BITS, MAX_BITS + 1)), rng.random()
    if kind < 0.5 and bits < MAX_BITS:
        return QFormat(bits, fraction_bits, signed=False)
    return QFormat(bits, fraction_bits, symmetric=bool(kind > 0.9))


def draw_padding(rng: np.random.Generator, size: Size, window: Size, stride: Size) -> Padding:
    """SAME, none or any, but so that the window fits."""
    kind = rng.random()
    padding = NO_PADDING if kind < 0.25 else same_padding(size, window, stride)
    if kind > 0.7:
        (top, bottom), (left, right) = rng.integers(0, 6 if kind < 0.99 else 40, (2, 2)).tolist()
        padding = ((top, bottom), (left, right))
    fits = min(output_size(size, window, stride, padding)) >= 1
    return padding if fits else same_padding(size, window, stride)


def pooling(rng: np.random.Generator, name: str, shape: Shape, x: QFormat, y: QFormat | None = None) -> Layer:
    """Its shift is that of its positions; what is free is the output's format: `y`'s codes, any, or the input's."""
    finer = int(rng.integers(-3, 1 + pool_shift(shape[0] * shape[1])))
    fraction_bits = int(np.clip(x.fraction_bits + finer, -MOST_FRACTION_BITS, MOST_FRACTION_BITS))
    kind = rng.random()
    output = draw_format(rng, fraction_bits) if kind < 0.4 else x
    if y is not None and kind < 0.8:
        output = dataclasses.replace(y, fraction_bits=fraction_bits)
    return _declared(rng, average_pool(name, shape, x, output))


def weighted(
    rng: np.random.Generator,
    name: str,
    op: str,
    shape: Shape,
    x: QFormat,
    y: QFormat,
    *,
    outputs: int,
    weight_bits: int,
    window: Size = (1, 1),
    stride: Size = (1, 1),
    padding: Padding = NO_PADDING,
) -> Layer:
    """A layer with random codes, most of them so that outputs neither vanish nor all saturate.

    Args:
      y: the output's codes; the layer has other fraction bits.
    """
    depth = shape[2]
    kernels = {CONV2D: (*window, depth, outputs), DEPTHWISE_CONV2D: (*window, depth), DENSE: (depth, outputs)}
    w = weight_format(weight_bits, 0)
    kernel = draw_weights(rng, kernels[op], w.max_code)
    spread = np.sqrt(kernel.size // outputs) * max(np.abs(kernel).mean(), 0.5) * max(x.max_code, 1) / 2
    typical = int(np.clip(np.round(np.log2(max(2 * spread / y.max_code, 1))), 0, LARGEST_SHIFT))
    shift = typical if rng.random() < 0.75 else int(rng.integers(0, LARGEST_SHIFT + 1))
    w, y = _with_shift(rng, x, w, y, shift)
    size = (1, 1) if op == DENSE else output_size(shape[:2], window, stride, padding)
    bias = np.zeros(outputs, np.int32)
    layer = Layer(name, op, shape, (*size, outputs), kernel, bias, stride, padding, x, w, y)
    return _declared(rng, dataclasses.replace(layer, bias=draw_biases(rng, layer, spread)))


def _with_shift(rng: np.random.Generator, x: QFormat, w: QFormat, y: QFormat, shift: int) -> tuple[QFormat, QFormat]:
    """Formats of weights and output that make a shift: `f_w + f_x - f_y`."""
    far = rng.random() < 0.03
    wanted = int(rng.integers(-MOST_FRACTION_BITS, MOST_FRACTION_BITS + 1) if far else rng.integers(-2, 9))
    # The weights' fraction bits make up for it, as far as they may.
    lowest, highest = (x.fraction_bits - shift + end for end in (-MOST_FRACTION_BITS, MOST_FRACTION_BITS))
    fraction_bits = int(np.clip(np.clip(wanted, lowest, highest), -MOST_FRACTION_BITS, MOST_FRACTION_BITS))
    y = dataclasses.replace(y, fraction_bits=fraction_bits)
    return dataclasses.replace(w, fraction_bits=shift + fraction_bits - x.fraction_bits), y


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...], largest: int) -> np.ndarray:
    """int8 codes: noise of some amplitude, extremes of one sign or both, hardly any, or none at all."""
    kind = rng.random()
    codes: np.ndarray
    if kind < 0.55:
        top = int(rng.integers(1, largest + 1))
        codes = rng.integers(-top, top + 1, shape)
    elif kind < 0.8:
        codes = largest * rng.choice([-1, 1], shape)
    elif kind < 0.87:
        codes = np.full(shape, largest * rng.choice([-1, 1]))
    elif kind < 0.98:
        codes = rng.integers(-largest, largest + 1, shape) * (rng.random(shape) < 0.1)
    else:
        codes = np.zeros(shape)
    return codes.astype(np.int8)


def draw_biases(rng: np.random.Generator, layer: Layer, spread: float) -> np.ndarray:
    """int32 [outputs]: noise, none, ties (odd multiples of half an output code), or as large as 32 bits allow."""
    outputs, half, kind = layer.output_shape[2], (1 << layer.shift) >> 1, rng.random()
    most = _LARGEST_SUM - accumulator.worst_case(layer)
    if kind < 0.5:
        biases = rng.normal(0, spread, outputs)
    elif kind < 0.65:
        biases = np.zeros(outputs)
    elif kind < 0.9:
        biases = half * rng.integers(-9, 10, outputs).astype(np.float64)
    elif kind < 0.95:
        biases = most * rng.choice([-1.0, 1.0], outputs)
    else:
        biases = rng.uniform(-1, 1, outputs) * most
    return np.clip(np.rint(biases), -most, most).astype(np.int32)


def _declared(rng: np.random.Generator, layer: Layer) -> Layer:
    """With an accumulator of 32 bits, of as many as its sums need, or, for once, of one too few."""
    needed, kind = max(accumulator.required_bits(layer), 8), rng.random()
    bits = needed if kind < 0.4 else int(rng.integers(needed, _WIDEST + 1))
    if kind > 0.997:
        bits = max(needed - 1, 8)
    return dataclasses.replace(layer, accumulator_bits=_WIDEST if 0.5 < kind < 0.99 else bits)
