"""Accumulator bounds: reached at their last value, broken one beyond it."""

import dataclasses

import numpy as np
import pytest

from quant.formats import accumulator_bound
from quant.formats.accumulator_bound import AccumulatorBound
from quant.qformat import QFormat, activation_format, weight_format

PEAKS = {
    QFormat(8, 5): 128,
    QFormat(3, 0): 4,
    QFormat(8, 5, symmetric=True): 127,
    activation_format(8, 4, relu=True): 127,
    activation_format(2, 4, relu=True): 3,
}


@pytest.mark.parametrize("x", PEAKS, ids=str)
@pytest.mark.parametrize(("bits", "shift"), [(16, 0), (16, 1), (16, 5), (16, 12), (14, 7), (24, 9), (32, 20)])
def test_the_largest_sum_fits_and_one_more_weight_does_not(x: QFormat, bits: int, shift: int) -> None:
    limits = accumulator_bound.bound(bits, x, shift)
    half = 2 ** (shift - 1) if shift else 0
    largest = limits.code_sum * PEAKS[x] + limits.bias_code + half
    assert largest <= 2 ** (bits - 1) - 1 < largest + PEAKS[x]


def test_the_bound_by_hand() -> None:
    x = activation_format(2, 4, relu=True)  # codes 0 to 3
    # 2**15 - 1 = 32767, an eighth of it 4095 for the bias, 128 for rounding: 28544 // 3.
    assert accumulator_bound.bound(16, x, 8) == AccumulatorBound(16, 9514, 4095)
    with pytest.raises(dataclasses.FrozenInstanceError):
        accumulator_bound.bound(16, x, 8).code_sum = 9515


def test_a_width_that_holds_one_product_is_the_narrowest() -> None:
    x = activation_format(6, 4, relu=True)  # codes 0 to 63, and 2**7 - 1 = 127, 15 of them for the bias
    assert accumulator_bound.bound(8, x, 6).code_sum == (127 - 15 - 32) // 63 == 1
    with pytest.raises(ValueError, match="accumulator_bits=8 can't hold one product"):
        accumulator_bound.bound(8, x, 7)  # 127 - 15 - 64 = 48


def test_the_chosen_format_leaves_most_channels_unscaled() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 0.2, (1, 1, 64, 64))
    q = weight_format(8, 7)
    f = accumulator_bound.fraction_bits_within(kernel, q, 240)
    lengths = np.abs(kernel).sum(axis=(0, 1, 2)) * 2.0**f
    assert np.mean(lengths <= 240) >= 0.9
    assert np.mean(lengths * 2 <= 240) < 0.9
    assert accumulator_bound.fraction_bits_within(np.zeros((3, 4)), q, 240) == 7


def lengths(*of_channels: float) -> np.ndarray:
    """A dense kernel float [2, channels] of these L1 norms."""
    return np.array([of_channels, of_channels]) * [[0.25], [-0.75]]


def test_nine_tenths_of_the_channels_decide_the_format() -> None:
    q = weight_format(8, 4)  # up to 7.9375
    at_the_bound = lengths(*[1] * 9, 2, 8)
    assert accumulator_bound.fraction_bits_within(at_the_bound, q, 16) == 3
    assert accumulator_bound.fraction_bits_within(lengths(*[1] * 9, 2.01, 8), q, 16) == 2
    assert accumulator_bound.fraction_bits_within(at_the_bound, q, 64) == q.fraction_bits
    assert accumulator_bound.fraction_bits_within(at_the_bound, q, 10**6) == q.fraction_bits


def test_what_the_format_cuts_is_not_counted() -> None:
    q = weight_format(2, 3)  # up to 0.125
    assert accumulator_bound.fraction_bits_within(lengths(*[100] * 11), q, 1) == 2
    assert accumulator_bound.fraction_bits_within(lengths(*[100] * 11), q, 2) == 3
