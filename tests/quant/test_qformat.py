"""Q-formats, rounding and saturation."""

import numpy as np
import pytest

from quant import qformat
from quant.qformat import QFormat, activation_format, weight_format


@pytest.mark.parametrize(
    ("q", "low", "high"),
    [
        (QFormat(8, 7), -128, 127),
        (weight_format(8, 7), -127, 127),
        (weight_format(2, 1), -1, 1),
        (activation_format(8, 4, relu=True), 0, 127),
        (activation_format(4, 2, relu=True), 0, 15),
        (activation_format(4, 2, relu=False), -8, 7),
    ],
)
def test_code_ranges(q: QFormat, low: int, high: int) -> None:
    assert (q.min_code, q.max_code) == (low, high)
    assert q.max_value == high * 2.0**-q.fraction_bits


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 9, "fraction_bits": 0}, "bits=9: a Q-format here has 2 to 8 bits"),
        ({"bits": 1, "fraction_bits": 0}, "bits=1"),
        ({"bits": 8, "fraction_bits": 0, "signed": False}, "at most 7 bits"),
        ({"bits": 4, "fraction_bits": 0, "signed": False, "symmetric": True}, "symmetric"),
    ],
)
def test_impossible_formats_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QFormat(**arguments)


def test_round_half_up_at_ties_of_both_signs() -> None:
    accumulators = np.array([-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5])
    expected = [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1]
    assert qformat.round_half_up_shift(accumulators, 2).tolist() == expected


@pytest.mark.parametrize("shift", range(0, 12))
def test_single_requantization_is_the_floor_of_the_exact_quotient(shift: int) -> None:
    accumulators = np.arange(-70000, 70000, 7)
    q = QFormat(8, 0)
    expected = np.clip(np.floor(accumulators / 2.0**shift + 0.5), -128, 127)
    np.testing.assert_array_equal(qformat.requantize_single(accumulators, shift, q), expected)


@pytest.mark.parametrize("shift", range(0, 12))
def test_double_requantization_halves_half_up_and_rounds_the_rest_half_away_from_zero(shift: int) -> None:
    accumulators = np.arange(-3000, 3000)
    halved = accumulators if shift == 0 else np.floor((accumulators + 1) / 2)
    rest = 2.0 ** max(shift - 1, 0)
    expected = np.clip(np.sign(halved) * np.floor(np.abs(halved) / rest + 0.5), -128, 127)
    np.testing.assert_array_equal(qformat.requantize_double(accumulators, shift, QFormat(8, 0)), expected)


def test_requantization_never_shifts_left() -> None:
    for requantize in (qformat.requantize_single, qformat.requantize_double):
        with pytest.raises(ValueError, match="shift=-1"):
            requantize(np.zeros(3, np.int64), -1, QFormat(8, 0))


def test_roundings_agree_on_even_accumulators_that_are_not_negative() -> None:
    accumulators = np.arange(0, 100000, 2)
    for shift in range(2, 11):
        single = qformat.requantize_single(accumulators, shift, QFormat(8, 0))
        np.testing.assert_array_equal(single, qformat.requantize_double(accumulators, shift, QFormat(8, 0)))


def test_quantize_saturates_and_rounds_half_up() -> None:
    q = QFormat(4, 1)
    values = np.array([-100, -4.25, -0.25, 0.0, 0.25, 0.74, 3.5, 100])
    assert qformat.quantize(values, q).tolist() == [-8, -8, 0, 0, 1, 1, 7, 7]


@pytest.mark.parametrize("q", [QFormat(8, 5), weight_format(4, 6), activation_format(3, -1, relu=True)])
def test_tensorflow_and_numpy_give_the_same_codes(q: QFormat) -> None:
    import tensorflow as tf

    ticks = np.arange(q.min_code - 3, q.max_code + 4, 0.25) * q.lsb
    found = qformat.fake_quantize(tf.constant(ticks, tf.float32), q).numpy()
    np.testing.assert_array_equal(found, qformat.quantize(ticks, q) * q.lsb)


def test_the_gradient_passes_inside_the_range_and_stops_where_it_saturates() -> None:
    import tensorflow as tf

    q = activation_format(4, 0, relu=True)
    values = tf.constant([-0.51, -0.5, 0.3, 15.0, 15.5, 15.51])
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(qformat.fake_quantize(values, q))
    assert tape.gradient(total, values).numpy().tolist() == [0, 1, 1, 1, 1, 0]


SUMS = [
    (QFormat(8, 5), 12),
    (QFormat(8, 2), 14),
    (weight_format(4, 6), 7),
    (activation_format(8, 4, relu=True), 14),
    (activation_format(4, 2, relu=True), 10),
    (activation_format(2, -3, relu=True), 1),
    (activation_format(3, 9, relu=True), 0),
]


@pytest.mark.parametrize(("q", "shift"), SUMS)
def test_sums_are_requantized_in_one_pass_as_the_integers_are(q: QFormat, shift: int) -> None:
    import tensorflow as tf

    half = (1 << shift) >> 1
    ties = (np.arange(q.min_code - 2, q.max_code + 3) << shift) + half
    drawn = np.random.default_rng(0).integers(-(2**24), 2**24, 1_000_000, endpoint=True)
    near = np.concatenate([ties - 1, ties, ties + 1, [-(2**24), -(2**24) + 1, 2**24 - 1, 2**24]])
    codes = np.concatenate([near, drawn, drawn >> max(0, 24 - q.bits - shift)])
    values = tf.constant(codes * (q.lsb / 2**shift), tf.float32)
    found = qformat.fake_quantize_sums(values, q).numpy()
    np.testing.assert_array_equal(found / np.float32(q.lsb), qformat.requantize_single(codes, shift, q))
    np.testing.assert_array_equal(found, qformat.fake_quantize(values, q).numpy())


def test_the_gradient_of_a_sum_stops_beyond_the_outer_codes() -> None:
    import tensorflow as tf

    q = activation_format(4, 0, relu=True)
    values = tf.constant([-0.4, 0.0, 0.3, 15.0, 15.4])
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(qformat.fake_quantize_sums(values, q))
    assert tape.gradient(total, values).numpy().tolist() == [0, 1, 1, 1, 0]


def test_one_operation_clips_and_one_passes_what_lies_within() -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    upstream, values = (tf.constant(rng.normal(0, 4, (3, 3, 16, 8)), tf.float32) for _ in range(2))
    bounds = float(values[0, 0, 0, 0]), float(tf.reduce_max(values)) / 2  # one of them is met by a value
    np.testing.assert_array_equal(qformat.clipped(values, *bounds), tf.clip_by_value(values, *bounds))
    inside = (values >= bounds[0]) & (values <= bounds[1])
    assert 0 < np.mean(inside) < 1
    np.testing.assert_array_equal(qformat.passed_within(upstream, values, *bounds), tf.where(inside, upstream, 0.0))
