"""Absolute cosine regularization: where it is zero, where it is largest, how strong it is."""

import numpy as np
import pytest
import tensorflow as tf

from quant.qformat import QFormat, weight_format
from quant.training import cosine_regularization


def value_and_slope(weights: np.ndarray, q: QFormat) -> tuple[float, np.ndarray]:
    variable = tf.constant(weights, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = cosine_regularization.penalty(variable, q)
    return float(value), tape.gradient(value, variable).numpy()


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("fraction_bits", [-1, 3, 9])
def test_no_loss_and_no_pull_on_any_code(bits: int, fraction_bits: int) -> None:
    q = weight_format(bits, fraction_bits)
    codes = np.arange(q.min_code, q.max_code + 1) * q.lsb
    value, slope = value_and_slope(codes, q)
    assert value == 0
    assert not slope.any()


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_maximum_is_at_the_decision_boundaries(bits: int) -> None:
    q = weight_format(bits, bits - 1)
    ticks = q.min_code + np.arange(0, min(2 * q.max_code, 4), 1 / 32)
    values = [value_and_slope(np.array([tick * q.lsb]), q)[0] for tick in ticks]
    peak = max(values)
    assert peak == pytest.approx(q.lsb)
    np.testing.assert_array_equal(ticks[np.isclose(values, peak)] % 1, 0.5)


def test_the_pull_is_towards_the_nearest_code() -> None:
    q = weight_format(4, 3)
    _, slope = value_and_slope(np.array([2.3, 2.7, -1.2, -1.8]) * q.lsb, q)
    assert np.sign(slope).tolist() == [1, -1, -1, 1]


def test_one_lambda_pulls_equally_at_every_width() -> None:
    slopes = [
        value_and_slope(np.full(10, 2.1) * weight_format(b, b - 1).lsb, weight_format(b, b - 1))[1] for b in (4, 8)
    ]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-5)


def test_beyond_the_outer_code_nothing_pulls_further_out() -> None:
    q = weight_format(4, 3)
    value, slope = value_and_slope(np.array([9.0 * q.lsb]), q)
    assert value == pytest.approx(q.lsb)
    assert slope[0] == 0


@pytest.mark.parametrize("q", [weight_format(2, 1), weight_format(4, 7), QFormat(8, 3)])
def test_value_and_pull_are_to_the_bit_those_that_tensorflow_derives(q: QFormat) -> None:
    weights = tf.constant(np.random.default_rng(0).normal(0, q.max_value, (3, 3, 16, 1)), tf.float32)

    def derived(x: tf.Tensor) -> tf.Tensor:
        codes = tf.clip_by_value(tf.floor(x / q.lsb + 0.5), float(q.min_code), float(q.max_code))
        distance = tf.clip_by_value(x / q.lsb - tf.stop_gradient(codes), -0.5, 0.5)
        return q.lsb * tf.reduce_mean(tf.abs(tf.sin(np.pi * distance)))

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(weights)
        expected = 0.3 * derived(weights)
        found = 0.3 * cosine_regularization.penalty(weights, q)
    assert found.numpy() == expected.numpy()
    np.testing.assert_array_equal(tape.gradient(found, weights), tape.gradient(expected, weights))


def test_mean_distance() -> None:
    q = weight_format(4, 3)
    assert cosine_regularization.mean_distance(np.array([1.25, -2.0, 3.5]) * q.lsb, q) == pytest.approx(0.25)
    spread = np.random.default_rng(0).uniform(q.min_value, q.max_value, 20000)
    assert cosine_regularization.mean_distance(spread, q) == pytest.approx(0.25, abs=0.01)


def test_the_ramp_is_late_and_whole() -> None:
    assert [cosine_regularization.ramp(p) for p in (0, 0.5, 0.75, 1)] == [0, 0, 0.5, 1]
