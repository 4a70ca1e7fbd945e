"""Absolute cosine regularization (ACosR): draws weights onto the grid they will be rounded to.

    lambda * lsb * mean |cos(pi * (w / lsb + 1/2))|  =  lambda * lsb * mean |sin(pi * w / lsb)|

is zero on every code and largest on the decision boundaries halfway between. Its slope next to a code is
`lambda * pi / n` per weight at any width, which the factor lsb is there for. A reconstruction from the abstracts of
Nguyen et al., Interspeech 2020, and arXiv:2303.02284; without the shift by 1/2 it would push weights onto the
boundaries.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from quant.qformat import QFormat, clipped, passed_within


def penalty(weights: Any, q: QFormat) -> Any:
    """`lsb * mean |sin(pi * w / lsb)|` of weights of any shape, a scalar tensor.

    Computed from the distance to the nearest code, so that value and gradient are exactly zero on codes. Beyond the
    outer codes, where the quantizer saturates, the outer code is the nearest one and the penalty stays at its maximum
    from half an LSB on.
    """

    @tf.custom_gradient
    def mean(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        ticks = x / q.lsb
        distance = ticks - clipped(tf.floor(ticks + 0.5), q.min_code, q.max_code)
        angle = np.pi * clipped(distance, -0.5, 0.5)
        sine = tf.sin(angle)

        def gradient(upstream: Any) -> Any:
            share = upstream * q.lsb / tf.size(x, tf.float32)
            slope = share * tf.sign(sine) * tf.cos(angle) * np.pi
            return passed_within(slope, distance, -0.5, 0.5) / q.lsb

        return q.lsb * tf.reduce_mean(tf.abs(sine)), gradient

    return mean(weights)


def mean_distance(weights: np.ndarray, q: QFormat) -> float:
    """Mean distance of weights to their codes, in LSB: 0.25 where they lie anywhere, 0 on the grid."""
    codes = np.clip(np.floor(weights / q.lsb + 0.5), q.min_code, q.max_code)
    return float(np.abs(weights / q.lsb - codes).mean())


def ramp(progress: float, start: float = 0.5) -> float:
    """The ramp at `progress` (0 to 1) of a stage: 0 until `start`, then linear to 1."""
    return float(np.clip((progress - start) / (1 - start), 0.0, 1.0))
