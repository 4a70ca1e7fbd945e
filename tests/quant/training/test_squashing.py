"""Squashed weights: bounded, invertible, most even at the documented deviation."""

import numpy as np
import pytest
import tensorflow as tf

from quant.qformat import quantize, weight_format
from quant.training import squashing
from quant.training.code_distribution import code_entropy


@pytest.mark.parametrize("bits", range(2, 9))
def test_no_weight_leaves_its_format(bits: int) -> None:
    q = weight_format(bits, 5)
    weights = squashing.squash(tf.constant([-1e6, -3.0, 0.0, 3.0, 1e6]), squashing.scale(q)).numpy()
    assert np.abs(weights).max() <= squashing.scale(q)
    assert np.log2(squashing.scale(q)) == round(np.log2(squashing.scale(q)))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_unsquash_gives_the_weights_back(bits: int) -> None:
    q = weight_format(bits, bits - 1)
    weights = np.linspace(q.min_value, q.max_value, 101)
    again = squashing.squash(squashing.unsquash(weights, q), squashing.scale(q)).numpy()
    np.testing.assert_allclose(again, weights, atol=1e-6)
    outside = squashing.unsquash(np.array([-10.0, 10.0]), q)
    assert np.isfinite(outside).all()


def test_a_gaussian_is_most_even_near_the_documented_deviation() -> None:
    q = weight_format(4, 3)
    gaussian = np.random.default_rng(0).normal(0, 1, 200_000)

    def entropy(deviation: float) -> float:
        weights = squashing.squash(tf.constant(gaussian * deviation), squashing.scale(q)).numpy()
        return code_entropy(quantize(weights, q))

    deviations = np.arange(0.4, 1.5, 0.05)
    best = deviations[np.argmax([entropy(d) for d in deviations])]
    assert best == pytest.approx(squashing.MOST_UNIFORM_DEVIATION, abs=0.1)
    assert entropy(squashing.MOST_UNIFORM_DEVIATION) > 3.85 > entropy(0.5)


def test_the_deviation_penalty_is_zero_at_its_target() -> None:
    variable = np.random.default_rng(0).normal(0, 1, 1000)
    variable *= squashing.MOST_UNIFORM_DEVIATION / variable.std()
    assert float(squashing.deviation_penalty(tf.constant(variable))) == pytest.approx(0, abs=1e-12)
    assert float(squashing.deviation_penalty(tf.constant(2 * variable))) > 0.5
