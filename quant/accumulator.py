"""Accumulators as transient variables: weights trained so that no input can make a sum leave its declared width.

Per output channel, with x_max the largest input code and A the declared width:

    sum|w_code| * x_max + |bias_code| + half <= 2**(A - 1) - 1

A share of the range is set aside for the bias, which is clipped to it; the rest bounds the L1 norm of the channel's
codes. Source: Colbert et al., "A2Q: Accumulator-Aware Quantization with Guaranteed Overflow Avoidance", ICCV 2023.
"""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from quant.qformat import QFormat

# Share of the accumulator's range that belongs to the bias.
BIAS_SHARE = 0.125


@dataclasses.dataclass(frozen=True)
class AccumulatorBound:
    """What a declared width leaves for one layer.

    Attributes:
      bits: A, the declared width.
      code_sum: largest allowed sum of |w_code| of an output channel.
      bias_code: largest allowed |bias_code|.
    """

    bits: int
    code_sum: int
    bias_code: int


def bound(bits: int, x: QFormat, shift: int) -> AccumulatorBound:
    """The bound of a layer with input format `x` and this requantization shift.

    Raises:
      ValueError: the width can't hold even one product of the smallest weight.
    """
    limit = 2 ** (bits - 1) - 1
    bias_code = int(limit * BIAS_SHARE)
    half = (1 << shift) >> 1
    peak = max(abs(x.min_code), x.max_code)
    code_sum = (limit - bias_code - half) // peak
    if code_sum < 1:
        raise ValueError(f"accumulator_bits={bits} can't hold one product with inputs of {x}: declare more bits")
    return AccumulatorBound(bits, code_sum, bias_code)


def summed_axes(kernel: Any) -> tuple[int, ...]:
    """The axes of a Keras kernel that are summed into one output channel.

    [kh, kw, in, out], [in, out], or for depthwise [kh, kw, channels, 1], whose last axis alone is 1 (a convolution
    with a single output channel would look the same; the networks here have none).
    """
    rank = len(kernel.shape)
    return (0, 1) if rank == 4 and kernel.shape[3] == 1 else tuple(range(rank - 1))


def bounded_codes(weights: Any, q: QFormat, code_sum: int) -> Any:
    """Weight codes (as real numbers) whose sum of magnitudes per output channel is at most `code_sum`.

    A channel that keeps the bound is rounded half up as always. One that breaks it is scaled down to the bound first
    and rounded toward zero, which can't lengthen it.

    Args:
      weights: float32, a Keras kernel.
    """
    axes = summed_axes(weights)
    ticks = tf.clip_by_value(weights / q.lsb, float(q.min_code), float(q.max_code))
    rounded = tf.floor(ticks + 0.5)
    keeps = tf.reduce_sum(tf.abs(rounded), axes, keepdims=True) <= float(code_sum)
    length = tf.reduce_sum(tf.abs(ticks), axes, keepdims=True)
    # Just below the bound: float32 rounding must not reach over it.
    factor = tf.minimum(1.0, code_sum * (1 - 1e-6) / tf.maximum(length, 1e-6))
    shortened = tf.sign(ticks) * tf.floor(tf.abs(ticks) * factor)
    return tf.where(keeps, rounded, shortened)


def bounded_fake_quantize(weights: Any, q: QFormat, code_sum: int) -> Any:
    """`bounded_codes * lsb`, with the pseudo-gradient of `qformat.fake_quantize`."""

    @tf.custom_gradient
    def straight_through(x: Any) -> tuple[Any, Any]:
        def gradient(upstream: Any) -> Any:
            inside = (x >= (q.min_code - 0.5) * q.lsb) & (x <= (q.max_code + 0.5) * q.lsb)
            return tf.where(inside, upstream, tf.zeros_like(upstream))

        return bounded_codes(x, q, code_sum) * q.lsb, gradient

    return straight_through(weights)


class CodeSumConstraint(tf.keras.constraints.Constraint):
    """Keeps the real-valued kernel within the bound after each step, by scaling the channels that leave it.

    Without it the weights would go on growing behind the quantizer, which already cuts them.
    """

    def __init__(self, lsb: float, code_sum: int) -> None:
        self.lsb = lsb
        self.code_sum = code_sum

    def __call__(self, weights: Any) -> Any:
        length = tf.reduce_sum(tf.abs(weights), summed_axes(weights), keepdims=True)
        return weights * tf.minimum(1.0, self.code_sum * self.lsb / tf.maximum(length, 1e-12))

    def get_config(self) -> dict[str, Any]:
        return {"lsb": self.lsb, "code_sum": self.code_sum}


def fraction_bits_within(kernel: np.ndarray, q: QFormat, code_sum: int) -> int:
    """The finest fraction bits, at most `q`'s, at which nine tenths of the channels keep the bound unscaled.

    Args:
      kernel: float [..., out], also for depthwise ([kh, kw, channels]).
    """
    lengths = np.abs(np.clip(kernel, q.min_value, q.max_value)).reshape(-1, kernel.shape[-1]).sum(axis=0)
    typical = float(np.quantile(lengths, 0.9))
    if typical == 0.0:
        return q.fraction_bits
    return min(q.fraction_bits, int(np.floor(np.log2(code_sum / typical))))
