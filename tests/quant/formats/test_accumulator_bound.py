"""Accumulator bounds: tight enough to be of use."""

import numpy as np
import pytest

from quant.formats import accumulator_bound
from quant.qformat import QFormat, activation_format, weight_format


def test_the_bound_fills_the_accumulator_and_no_more() -> None:
    x, shift = activation_format(7, 4, relu=True), 5
    limits = accumulator_bound.bound(16, x, shift)
    worst = limits.code_sum * x.max_code + limits.bias_code + (1 << (shift - 1))
    assert worst <= 2**15 - 1 < worst + x.max_code
    assert accumulator_bound.bound(16, QFormat(8, 5), shift).code_sum < limits.code_sum
    with pytest.raises(ValueError, match="accumulator_bits=8"):
        accumulator_bound.bound(8, QFormat(8, 5), shift)


def test_the_chosen_format_leaves_most_channels_unscaled() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 0.2, (1, 1, 64, 64))
    q = weight_format(8, 7)
    f = accumulator_bound.fraction_bits_within(kernel, q, 240)
    lengths = np.abs(kernel).sum(axis=(0, 1, 2)) * 2.0**f
    assert np.mean(lengths <= 240) >= 0.9
    assert np.mean(lengths * 2 <= 240) < 0.9
    assert accumulator_bound.fraction_bits_within(np.zeros((3, 4)), q, 240) == 7
