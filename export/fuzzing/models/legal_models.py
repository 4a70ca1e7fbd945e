"""Random integer models of the whole legal language."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from export.fuzzing.models.legal_layers import NO_PADDING, draw_format, draw_padding, pooling, weighted
from export.model.integer_model import (
    AVERAGE_POOL,
    CONV2D,
    DENSE,
    DEPTHWISE_CONV2D,
    IntegerModel,
    Layer,
    Padding,
    Shape,
    Size,
    output_size,
    same_padding,
)
from quant.qformat import MAX_BITS, MIN_BITS, QFormat, activation_format

_CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 20, 24, 32)
_MOST_MACS = 120_000
"""Of a layer: a run is of many models."""
_ODD_NAMES = (
    *("input", "output", "bytes", "state", "arena", "context", "layer", "observe", "int", "main", "memcpy"),
    *("INT8_MAX", "conv2d_s8", "fxp_shape", "_Bool", "x86", "l" * 100),
)
_ODD_LABELS = ('"', "\\", "??/", "%s", "*/", "ja, nein", "y\u00e9s", "\u65e5\u672c", "a" * 100)


@dataclasses.dataclass(frozen=True)
class _Style:
    """What the layers of a model have in common, so that kernels for networks of one width are met as well.

    Attributes:
      format_of: an output's codes.
      weight_bits: of a layer.
      padding: of a window.
    """

    format_of: Callable[[], QFormat]
    weight_bits: Callable[[], int]
    padding: Callable[[Size, Size, Size], Padding]


def draw(rng: np.random.Generator) -> IntegerModel:
    """A model: widths 2 to 8, any format, padding, stride and shift 0 to 30, ties, accumulators as narrow as proved."""
    kind = rng.random()
    style = _any_style(rng) if kind < 0.45 else _one_width(rng) if kind < 0.8 else _tflite_style(rng)
    share = rng.random()
    layers = _spotter(rng) if share > 0.85 else _separable(rng, style) if share < 0.45 else _any_chain(rng, style)
    labels = [f"label{i}" for i in range(layers[-1].output_shape[2])]
    if rng.random() < 0.1:
        labels[0] = str(rng.choice(_ODD_LABELS))
    return IntegerModel("fuzzed", tuple(labels), tuple(_named(rng, layers)))


def _any_style(rng: np.random.Generator) -> _Style:
    return _Style(
        lambda: draw_format(rng, 0),
        lambda: int(rng.integers(MIN_BITS, MAX_BITS + 1)),
        lambda *where: draw_padding(rng, *where),
    )


def _one_width(rng: np.random.Generator) -> _Style:
    weight_bits, q = int(rng.choice([2, 3, 4, 4, 5, 8])), draw_format(rng, 0)
    q = activation_format(int(rng.choice([2, 3, 4, 4, 7])), 0, relu=True) if rng.random() < 0.6 else q
    odd = float(rng.choice([0.0, 0.2]))
    return _Style(
        lambda: draw_format(rng, 0) if rng.random() < odd else q,
        lambda: weight_bits,
        lambda *where: draw_padding(rng, *where) if rng.random() < odd else same_padding(*where),
    )


def _tflite_style(rng: np.random.Generator) -> _Style:
    """What a .tflite can say: outputs after ReLU or of 8 bits, padding SAME or none."""

    def format_of() -> QFormat:
        relu = rng.random() < 0.7
        return activation_format(int(rng.integers(MIN_BITS, MAX_BITS)) if relu else MAX_BITS, 0, relu)

    def padding(size: Size, window: Size, stride: Size) -> Padding:
        fits = min(output_size(size, window, stride, NO_PADDING)) >= 1
        return NO_PADDING if fits and rng.random() < 0.4 else same_padding(size, window, stride)

    return _Style(format_of, lambda: int(rng.integers(MIN_BITS, MAX_BITS + 1)), padding)


def _input(rng: np.random.Generator) -> tuple[Shape, QFormat]:
    shape: Shape = (int(rng.integers(1, 21)), int(rng.integers(1, 13)), int(rng.choice([1, 1, 1, 2, 3, 4, 5, 8])))
    fraction_bits = int(rng.integers(-3, 9))
    return shape, QFormat(8, fraction_bits) if rng.random() < 0.7 else draw_format(rng, fraction_bits)


def _named(rng: np.random.Generator, layers: list[Layer]) -> list[Layer]:
    names = [f"layer{i}" for i in range(len(layers))]
    if rng.random() < 0.15:
        names[: len(_ODD_NAMES)] = rng.permutation(_ODD_NAMES)[: len(names)].tolist()
    return [dataclasses.replace(layer, name=name) for layer, name in zip(layers, names, strict=True)]


def _any_chain(rng: np.random.Generator, style: _Style) -> list[Layer]:
    shape, x = _input(rng)
    layers: list[Layer] = []
    for _ in range(int(rng.choice([0, 1, 1, 2, 2, 3, 4, 5]))):
        layers.append(_middle(rng, style, shape, x))
        shape, x = layers[-1].output_shape, layers[-1].output_format
    return [*layers, *_end(rng, style, shape, x)]


def _middle(rng: np.random.Generator, style: _Style, shape: Shape, x: QFormat) -> Layer:
    op = str(rng.choice([CONV2D, DEPTHWISE_CONV2D, AVERAGE_POOL], p=[0.6, 0.35, 0.05]))
    if op == AVERAGE_POOL:
        return pooling(rng, "", shape, x, style.format_of())
    pointwise = op == CONV2D and rng.random() < 0.4
    window = (1, 1) if pointwise else (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4))) if rng.random() < 0.4 else (1, 1)
    return _window(rng, style, op, shape, x, window, stride, style.padding(shape[:2], window, stride))


def _window(
    rng: np.random.Generator,
    style: _Style,
    op: str,
    shape: Shape,
    x: QFormat,
    window: Size,
    stride: Size,
    pads: Padding,
) -> Layer:
    positions = int(np.prod(output_size(shape[:2], window, stride, pads))) * window[0] * window[1]
    fitting = [c for c in _CHANNELS if c * shape[2] * positions <= _MOST_MACS] or [1]
    outputs = shape[2] if op == DEPTHWISE_CONV2D else int(rng.choice(fitting))
    weight_bits, y = style.weight_bits(), style.format_of()
    return weighted(
        *(rng, "", op, shape, x, y),
        outputs=outputs,
        weight_bits=weight_bits,
        window=window,
        stride=stride,
        padding=pads,
    )


def _end(rng: np.random.Generator, style: _Style, shape: Shape, x: QFormat) -> list[Layer]:
    """Down to one position, and to the labels."""
    layers = []
    if shape[:2] != (1, 1) and rng.random() < 0.7:
        layers.append(pooling(rng, "", shape, x, style.format_of()))
        shape, x = layers[-1].output_shape, layers[-1].output_format
    outputs, weight_bits = int(rng.integers(1, 14)), style.weight_bits()
    if shape[:2] == (1, 1) and rng.random() < 0.8:
        last = weighted(rng, "", DENSE, shape, x, style.format_of(), outputs=outputs, weight_bits=weight_bits)
        return [*layers, last]
    window, stride = shape[:2], (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    sizes: Any = dict(outputs=outputs, weight_bits=weight_bits, window=window, stride=stride)
    return [*layers, weighted(rng, "", CONV2D, shape, x, style.format_of(), **sizes)]


def _separable(rng: np.random.Generator, style: _Style) -> list[Layer]:
    """A convolution, and blocks of a depthwise and a pointwise one: what most kernels were made for."""
    shape, x = _input(rng)
    window = (int(rng.integers(1, 11)), int(rng.integers(1, 6)))
    stride = (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    first = _window(rng, style, CONV2D, shape, x, window, stride, style.padding(shape[:2], window, stride))
    return _with_blocks(rng, style, first)


def _spotter(rng: np.random.Generator) -> list[Layer]:
    """A keyword spotter of few bits as streams have it: a row is a frame, a stride of two across, codes after ReLU."""
    q, weight_bits = activation_format(int(rng.choice([2, 3, 4, 4, 7])), 0, relu=True), int(rng.choice([2, 3, 4]))
    style = _Style(lambda: q, lambda: weight_bits, same_padding)
    shape: Shape = (int(rng.integers(11, 21)), int(rng.integers(3, 13)), 1)
    window = (int(rng.integers(1, 11)), int(rng.choice([3, 4, 4])))
    stride = (min(int(rng.integers(1, 4)), window[0]), 2)
    padding = same_padding(shape[:2], window, stride)
    return _with_blocks(rng, style, _window(rng, style, CONV2D, shape, QFormat(8, 5), window, stride, padding))


def _with_blocks(rng: np.random.Generator, style: _Style, first: Layer) -> list[Layer]:
    layers = [first]
    for _ in range(int(rng.integers(1, 4))):
        three = (3, 3) if rng.random() < 0.9 else (int(rng.integers(1, 6)), 3)
        for op, size in ((DEPTHWISE_CONV2D, three), (CONV2D, (1, 1))):
            shape, x = layers[-1].output_shape, layers[-1].output_format
            steps = (2, 2) if op == DEPTHWISE_CONV2D and rng.random() < 0.15 else (1, 1)
            layers.append(_window(rng, style, op, shape, x, size, steps, style.padding(shape[:2], size, steps)))
    return [*layers, *_end(rng, style, layers[-1].output_shape, layers[-1].output_format)]
