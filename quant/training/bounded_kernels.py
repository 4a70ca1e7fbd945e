"""Accumulators as transient variables: kernels trained so that no input can make a sum leave its declared width.

The L1 norm of every output channel's codes is kept at or below `quant.formats.accumulator_bound`'s, after Colbert et
al., "A2Q: Accumulator-Aware Quantization with Guaranteed Overflow Avoidance", ICCV 2023.
"""

from typing import Any

import tensorflow as tf

from quant.qformat import QFormat, clipped, passed_within


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
    ticks = clipped(weights / q.lsb, q.min_code, q.max_code)
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
            return passed_within(upstream, x, (q.min_code - 0.5) * q.lsb, (q.max_code + 0.5) * q.lsb)

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
