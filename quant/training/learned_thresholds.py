"""Learned Q-formats: an activation's fraction bits are trained with the weights, then frozen.

The saturation threshold of a tensor is a power of two whose exponent is the rounding of a trained number. Moving it by
one makes the LSB twice as large or half as large; widths stay. In LSB, with `n = clip(floor(x / lsb + 1/2))`, the
straight-through gradient of the quantized value by the threshold's exponent is

    lsb * ln 2 * (n - x / lsb)     inside the representable range: rounding errors, which a finer LSB makes smaller
    lsb * ln 2 * n                 where the value saturates, which a coarser LSB makes rarer

Source: Jain et al., "Trained Quantization Thresholds for Accurate and Efficient Fixed-Point Inference of Deep Neural
Networks", MLSys 2020, arXiv:1903.08066, equations 6 to 8.
"""

import dataclasses
import math
from typing import Any

import tensorflow as tf

from quant.formats.network_formats import Formats, LayerFormats
from quant.qformat import QFormat, clipped
from quant.training.quantizers import FixedPointQuantizer

OCTAVES = "octaves"
# How much faster than a weight the exponent moves under Adam, whose steps are as large as the learning rate: at 2e-3
# by the 1e-2 of the source.
RATE = 5.0


def rounded_octaves(variable: Any) -> Any:
    """By how many powers of two the LSB is coarser than the calibrated one, a whole number, of the trained scalar."""
    return tf.floor(RATE * variable + 0.5)


def power_of_two(exponent: Any) -> Any:
    """`2**exponent` of whole float32 numbers in [-126, 127], exactly, by its bits."""
    return tf.bitcast(tf.bitwise.left_shift(tf.cast(exponent, tf.int32) + 127, 23), tf.float32)


def learned_fake_quantize(values: Any, variable: Any, q: QFormat) -> Any:
    """`values` on the grid of `q` made coarser by `rounded_octaves(variable)`; gradients by both arguments.

    Args:
      values: float32 of any shape.
      variable: float32 scalar; 0 gives `qformat.fake_quantize(values, q)`.
    """

    @tf.custom_gradient
    def straight_through(x: Any, octaves: Any) -> tuple[Any, Any]:
        lsb = power_of_two(rounded_octaves(octaves) - q.fraction_bits)
        ticks = x / lsb
        codes = clipped(tf.floor(ticks + 0.5), q.min_code, q.max_code)

        error = codes - ticks

        def gradient(upstream: Any) -> tuple[Any, Any]:
            # Only a value that saturates is further than half an LSB from its code.
            inside = tf.abs(error) <= 0.5
            by_octaves = RATE * math.log(2) * lsb * tf.reduce_sum(upstream * tf.where(inside, error, codes))
            return tf.where(inside, upstream, 0.0), by_octaves

        return codes * lsb, gradient

    return straight_through(values, variable)


class LearnedQuantizer(FixedPointQuantizer):
    """Rounds a tensor of any shape to a Q-format whose fraction bits are trained.

    Forward and pseudo-gradients: `learned_fake_quantize`, which starts from the format `q`.
    Precision: the Q-format's bits.
    """

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {OCTAVES: layer.add_weight(OCTAVES, shape=(), initializer="zeros", trainable=True)}

    def __call__(self, inputs: Any, training: Any = None, weights: Any = None, **kwargs: Any) -> Any:
        return learned_fake_quantize(inputs, weights[OCTAVES], self.q)


class FollowingQuantizer(FixedPointQuantizer):
    """Rounds pooling's output to a format that gets coarser or finer with that of the layer before, which is learned.

    Forward and pseudo-gradients: `learned_fake_quantize` once `variable` is set, until then `qformat.fake_quantize`.
    Precision: the Q-format's bits.

    Attributes:
      variable: the other quantizer's; not a part of the configuration.
    """

    def __init__(self, q: QFormat) -> None:
        super().__init__(q)
        self.variable: Any = None

    def __call__(self, inputs: Any, training: Any = None, weights: Any = None, **kwargs: Any) -> Any:
        if self.variable is None:
            return super().__call__(inputs)
        return learned_fake_quantize(inputs, self.variable, self.q)


def learned_formats(start: Formats, octaves: dict[str, float]) -> Formats:
    """The formats that training has arrived at.

    An output can't be finer than its accumulator, as requantization only shifts right: where training went beyond, the
    format stops there.

    Args:
      start: the formats that training started from.
      octaves: `rounded_octaves` by layer name, for the layers whose output format was learned.
    """
    chosen = {}
    x = start.input
    coarser = 0
    for name, layer in start.layers.items():
        fraction_bits = layer.output.fraction_bits - coarser
        if layer.weights is not None:
            finest = layer.weights.fraction_bits + x.fraction_bits
            fraction_bits = min(layer.output.fraction_bits - int(octaves.get(name, 0)), finest)
            coarser = layer.output.fraction_bits - fraction_bits
        x = dataclasses.replace(layer.output, fraction_bits=fraction_bits)
        chosen[name] = LayerFormats(layer.weights, x)
    return Formats(start.input, chosen)
