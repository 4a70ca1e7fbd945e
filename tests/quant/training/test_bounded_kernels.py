"""Kernels trained within their accumulator's bound: kept by construction."""

import numpy as np
import pytest
import tensorflow as tf

from quant.qformat import weight_format
from quant.training import bounded_kernels

SHAPES = [(3, 3, 6, 1), (1, 1, 64, 8), (10, 4, 1, 8), (64, 12)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("code_sum", [3, 50, 257])
def test_no_channel_exceeds_its_code_sum(shape: tuple[int, ...], bits: int, code_sum: int) -> None:
    q = weight_format(bits, bits - 1)
    rng = np.random.default_rng(bits)
    for scale in (0.01, 0.3, 3.0):
        weights = tf.constant(rng.normal(0, scale, shape), tf.float32)
        codes = bounded_kernels.bounded_codes(weights, q, code_sum).numpy()
        np.testing.assert_array_equal(codes, np.rint(codes))
        assert np.abs(codes).max() <= q.max_code
        sums = np.abs(codes).sum(axis=bounded_kernels.summed_axes(weights))
        assert sums.max() <= code_sum


def test_channels_within_the_bound_are_rounded_as_always() -> None:
    q = weight_format(8, 7)
    weights = tf.constant([[0.1, 0.9], [-0.2, 0.9], [0.05, -0.9]])
    codes = bounded_kernels.bounded_codes(weights, q, 100).numpy()
    np.testing.assert_array_equal(codes[:, 0], np.floor(np.array([0.1, -0.2, 0.05]) * 128 + 0.5))
    assert 97 <= np.abs(codes[:, 1]).sum() <= 100


def test_depthwise_kernels_are_summed_over_their_window_alone() -> None:
    assert bounded_kernels.summed_axes(np.zeros((3, 3, 64, 1))) == (0, 1)
    assert bounded_kernels.summed_axes(np.zeros((1, 1, 64, 64))) == (0, 1, 2)
    assert bounded_kernels.summed_axes(np.zeros((64, 12))) == (0,)


def test_the_constraint_brings_long_channels_back_and_leaves_short_ones() -> None:
    constraint = bounded_kernels.CodeSumConstraint(0.5, 10)
    kernel = tf.constant([[1.0, 10.0], [1.0, -10.0]])
    shortened = constraint(kernel).numpy()
    np.testing.assert_allclose(shortened, [[1, 2.5], [1, -2.5]])
    assert bounded_kernels.CodeSumConstraint(**constraint.get_config()).get_config() == constraint.get_config()


def test_a_channel_at_its_bound_is_rounded_and_one_beyond_it_is_cut() -> None:
    weights = tf.constant([[4.6, 4.6], [-5.4, -5.6]])  # 5 + 5, and 5 + 6
    codes = bounded_kernels.bounded_codes(weights, weight_format(8, 0), 10).numpy()
    np.testing.assert_array_equal(codes, [[5, 4], [-5, -5]])


def test_codes_stay_within_the_format() -> None:
    weights = tf.constant([[-9.0, 0.0], [-7.0, 9.0]])
    codes = bounded_kernels.bounded_codes(weights, weight_format(4, 0), 14).numpy()
    np.testing.assert_array_equal(codes, [[-7, 0], [-7, 7]])


def test_the_gradient_stops_beyond_half_a_code_outside_the_format() -> None:
    q = weight_format(4, 1)
    weights = tf.constant([[-3.76, -3.75, -3.0, 3.0, 3.75, 3.76]])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        rounded = bounded_kernels.bounded_fake_quantize(weights, q, 100)
        total = tf.reduce_sum(3 * rounded)
    np.testing.assert_array_equal(rounded, [[-3.5, -3.5, -3.0, 3.0, 3.5, 3.5]])
    assert tape.gradient(total, weights).numpy().tolist() == [[0, 3, 3, 3, 3, 0]]


def test_the_constraint_keeps_zeros() -> None:
    kernel = tf.constant([[0.0, 5.0], [0.0, 0.0]])
    np.testing.assert_array_equal(bounded_kernels.CodeSumConstraint(0.5, 10)(kernel), kernel)


def test_no_channel_is_scaled_up() -> None:
    """One whose length keeps the bound, but not after rounding, is rounded toward zero as it is."""
    weights = tf.constant([[1.5], [1.5], [1.5], [1.9]])
    codes = bounded_kernels.bounded_codes(weights, weight_format(8, 0), 7).numpy()
    np.testing.assert_array_equal(codes.ravel(), 1)
