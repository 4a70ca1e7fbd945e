"""Squashed weight distribution (SWD): weights are trained through `w = s * tanh(P)`.

P is the trained variable, s a power of two fixed per layer, `s = (max_code + 1) * lsb`: no weight can leave its
Q-format, and the shape of P's distribution decides how evenly the codes are used. For Gaussian P, a standard
deviation near 0.85 spreads 4-bit codes most evenly (entropy 3.996 of 4 bits). A reconstruction from the abstracts of
Strom et al., Interspeech 2022, and arXiv:2303.02284.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from quant.qformat import QFormat

# The standard deviation of a Gaussian P at which tanh(P) is nearest to uniform over 4-bit codes.
MOST_UNIFORM_DEVIATION = 0.85


def scale(q: QFormat) -> float:
    """s of a weight format: the power of two that tanh reaches only in the limit."""
    return (q.max_code + 1) * q.lsb


def squash(variable: Any, s: float) -> Any:
    """`s * tanh(P)` of a tensor of any shape."""
    return s * tf.tanh(variable)


def unsquash(weights: np.ndarray, q: QFormat) -> np.ndarray:
    """P of given weights, float32 of the same shape; weights beyond the outer code are taken as that code.

    The limit keeps P finite, and out of tanh's flat ends where no gradient would bring it back.
    """
    s = scale(q)
    limit = q.max_value / s
    return np.arctanh(np.clip(np.asarray(weights, np.float64) / s, -limit, limit)).astype(np.float32)


def deviation_penalty(variable: Any) -> Any:
    """`(std(P) - 0.85)**2`, a scalar tensor: pulls P to the deviation that uses the codes most evenly."""
    return tf.square(tf.math.reduce_std(variable) - MOST_UNIFORM_DEVIATION)
