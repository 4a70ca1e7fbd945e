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
