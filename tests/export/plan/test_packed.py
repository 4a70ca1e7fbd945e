"""Kernels for cores without the DSP extension: their proofs at the last value and one beyond, and every shape."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from crafted import NO_PADDING, S8, SAME, U4, U7, crafted, extremes, network

from export.model import random_model
from export.model.integer_model import Layer
from export.plan import PACKED, plan
from export.plan.kernels import profiles
from export.plan.kernels.packed import (
    average_pool_s8_packed,
    depthwise_conv2d_s8_packed,
    depthwise_conv2d_s8_packed_taps,
    matrix_loops,
    pointwise_conv2d_s8_packed,
)
from quant.qformat import QFormat

LOOPS = depthwise_conv2d_s8_packed.LOOPS
LANES, UPPER = "FXP_MATRIX_LOOP_S8_PACKED_LANES", "FXP_MATRIX_LOOP_S8_PACKED"
TAPS = "FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS"
ROW_LANES, ROWS = "FXP_DEPTHWISE_LOOP_S8_PACKED_LANES", "FXP_DEPTHWISE_LOOP_S8_PACKED"
PORTABLE = ""
RNG = np.random.default_rng(5)


def _macros(*layers: Layer) -> list[str]:
    """The loop of each layer; empty where a portable kernel runs it."""
    steps = plan(network(*layers), PACKED).steps[: len(layers)]
    return [step.instances["loop"].macro if step.instances else PORTABLE for step in steps]


def _random(*shape: int, peak: int = 7) -> np.ndarray:
    return RNG.integers(-peak, peak + 1, shape)


@pytest.fixture(name="assert_runs")
def _assert_runs(assert_equal: Callable[..., None], prefer: Callable[..., None]) -> Callable[..., None]:
    """The first layer's loop, and every layer's codes on its extremes; portable kernels only where there must be."""
    prefer(PACKED, *(kernel for kernel in profiles.PACKED if kernel not in profiles.PORTABLE))

    def check(macro: str, layer: Layer, *others: Layer) -> None:
        assert _macros(layer, *others)[0] == macro
        assert_equal(network(layer, *others), PACKED, extremes(layer))

    return check


@pytest.mark.parametrize(
    ("bits", "first", "depthwise", "pointwise"),
    [
        ((8, 8), UPPER, ROWS, UPPER),
        ((4, 8), LANES, ROW_LANES, LANES),
        ((4, 4), LANES, TAPS, LANES),
        ((2, 8), LANES, TAPS, LANES),
    ],
)
def test_the_benchmark_network(
    assert_equal: Callable[..., None], bits: tuple[int, int], first: str, depthwise: str, pointwise: str
) -> None:
    model = random_model.ds_cnn(1, weight_bits=bits[0], activation_bits=bits[1])
    macros = [step.instances["loop"].macro for step in plan(model, PACKED).steps if step.instances]
    assert macros == [first, *[depthwise, pointwise] * 4]
    assert plan(model, PACKED).arena_bytes < 10_000, "layers work in place"
    assert_equal(model, PACKED)


@pytest.mark.parametrize(("excess", "macro"), [(0, LANES), (1, UPPER)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_at_the_end_of_its_lane(assert_runs: Callable[..., None], excess: int, macro: str, sign: int) -> None:
    """The greatest sum is 2**15 - 1, the least -2**15; half of the shift is in the bias."""
    kernel = np.zeros((1, 1, 8, 4))
    kernel[..., :] = sign * 7
    bias = sign * (2**15 - 7 * 8 * 127 + excess) - (8 if sign < 0 else 9)
    layer = crafted(kernel, (3, 3), U7, shift=4, bias=bias, weight_bits=4)
    assert_runs(macro, layer)


@pytest.mark.parametrize(("excess", "macro"), [(0, LANES), (1, UPPER)])
def test_both_lanes_full(assert_runs: Callable[..., None], excess: int, macro: str) -> None:
    """Weights of second codes alone, 2184 above 0 and 2185 below: both lanes span 15 * 4369 = 2**16 - 1."""
    weights = np.zeros(2 * 625)
    weights[1::2] = np.concatenate([np.full(312, 7), np.full(312, -7), [-1]])
    layer = crafted(
        np.repeat(weights.reshape(1, 1, -1, 1), 4, axis=3), (1, 2), U4, shift=1, bias=6 + excess, weight_bits=4
    )
    assert_runs(macro, layer)


@pytest.mark.parametrize(("shift", "macro"), [(15, LANES), (16, UPPER)])
def test_a_shift_beyond_the_word(assert_runs: Callable[..., None], shift: int, macro: str) -> None:
    layer = crafted(_random(1, 1, 8, 5), (2, 3), U4, shift=shift, bias=-(2**14), weight_bits=4)
    assert _macros(layer)[0] == macro
    assert_runs(macro, layer)


def test_two_products_that_fill_half_a_word(assert_runs: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsigned codes times weights with an offset that leaves room, and with one beyond; signed ones as they are."""
    for value, x in itertools.product((127, -127), (U7, S8)):
        assert_runs(UPPER, crafted(np.full((1, 1, 7, 4), value), (2, 3), x, shift=9))
    layer = crafted(np.full((1, 1, 8, 4), 127), (2, 3), U7, shift=9)
    for offset, refusal in ((131, ""), (132, "two products sum to 0 .. 65786, a half holds 0 .. 65535")):
        monkeypatch.setattr(matrix_loops, "_OFFSET", offset)
        assert matrix_loops.UPPER.refusal(layer) == refusal


@pytest.mark.parametrize(("depth", "offset"), [(1032, 128), (1040, 0)])
def test_codes_whose_sum_is_taken_off_fit_half_a_word(
    assert_runs: Callable[..., None], depth: int, offset: int
) -> None:
    """More than 516 steps of codes up to 127 don't: weights are then stored as they are, and products rounded."""
    layer = crafted(np.full((1, 1, depth, 4), -120), (1, 2), U7, shift=12)
    assert matrix_loops.UPPER.instance(layer).arguments[1] == offset
    assert_runs(UPPER, layer)


def _matrix_loop(layer: Layer) -> str:
    return UPPER if matrix_loops.LANES.refusal(layer) else LANES


@pytest.mark.parametrize(("depth", "channels"), [(1, 4), (3, 7), (16, 6), (17, 33)])
def test_matrix_products_of_every_depth_and_channel_count(
    assert_runs: Callable[..., None], depth: int, channels: int
) -> None:
    for (x, peak), size in itertools.product(((U4, 7), (U7, 127), (S8, 127)), ((1, 2), (5, 5))):
        bias = RNG.integers(-(2**9), 2**9, channels)
        layer = crafted(_random(1, 1, depth, channels, peak=peak), size, x, shift=7, bias=bias)
        assert_runs(_matrix_loop(layer), layer)


def test_windows_of_every_size_stride_and_padding(assert_runs: Callable[..., None]) -> None:
    windows = itertools.product(((1, 1), (2, 3), (10, 4)), ((1, 1), (2, 1), (3, 2)))
    fields = itertools.product((NO_PADDING, SAME, ((0, 2), (2, 0))), (True, False), ((S8, 7), (S8, 127), (U4, 127)))
    for i, ((window, stride), (padding, relu, (x, peak))) in enumerate(zip(windows, fields, strict=False)):
        channels, depth = 4 + i % 3, 1 + i % 4
        kernel, bias = _random(*window, depth, channels, peak=peak), RNG.integers(-99, 99, channels)
        layer = crafted(kernel, (11, 7), x, shift=8, bias=bias, stride=stride, padding=padding, relu=relu)
        assert_runs(_matrix_loop(layer), layer)


def test_few_channels_fall_to_the_portable_kernels(assert_runs: Callable[..., None]) -> None:
    layer = crafted(_random(1, 1, 8, 3), (3, 3), U4, shift=5, weight_bits=4)
    refusal = pointwise_conv2d_s8_packed.kernel(matrix_loops.LANES).refusal
    assert refusal(layer) == "3 output channels, the loop takes 4 at once"
    assert_runs(PORTABLE, layer)
    pool = network(layer).layers[-1]
    assert average_pool_s8_packed.KERNEL.refusal(pool) == "3 channels, the loop takes 4 at once"


def _depthwise(weights: list[list[int]], x: object = U7, **fields) -> Layer:
    kernel = np.repeat(np.array(weights, float)[:, :, None], 5, axis=2)
    return crafted(kernel, (6, 3), x, shift=6, padding=SAME, **fields)


def test_lanes_of_rows_at_the_last_value_and_one_beyond(assert_runs: Callable[..., None]) -> None:
    """Of the lowest lane 15 * 136 = 2040 and 15 * 137 = 2055; of the first row 15 * 68 = 1020 and 15 * 69 = 1035."""
    for rest, first, macro in ((36, 10, TAPS), (37, 10, ROW_LANES), (0, 68, TAPS), (0, 69, ROW_LANES)):
        weights = [[first, 0, 0], [-60, 0, rest], [0, -30, 0]] if rest else [[0, -first, 0], [0, 0, 0], [8, 0, 0]]
        assert_runs(macro, _depthwise(weights, U4))


@pytest.mark.parametrize(("excess", "macro"), [(0, ROW_LANES), (1, ROWS)])
@pytest.mark.parametrize("sign", [1, -1])
def test_two_rows_at_the_ends_of_their_lanes(
    assert_runs: Callable[..., None], excess: int, macro: str, sign: int
) -> None:
    bias = sign * (2**15 - 127 * 90 + excess) - (32 if sign < 0 else 33)
    assert_runs(macro, _depthwise([[sign * 10] * 3] * 3, bias=bias))


@pytest.mark.parametrize(("x", "peak"), [(U4, 7), (U7, 7), (S8, 127)])
def test_depthwise_windows_of_every_size_stride_and_padding(
    assert_runs: Callable[..., None], x: QFormat, peak: int
) -> None:
    strides = itertools.cycle(((1, 1), (1, 1), (2, 2), (1, 1), (2, 1), (1, 3)))
    paddings = (NO_PADDING, SAME, ((1, 0), (0, 2)), ((2, 1), (2, 2)))
    for stride, padding, size in zip(strides, paddings * 2, ((5, 4), (9, 7), (6, 3)) * 3, strict=False):
        channels = int(RNG.integers(1, 10))
        kernel, bias = _random(3, 3, channels, peak=peak), RNG.integers(-99, 99, channels)
        layer = crafted(kernel, size, x, shift=6, bias=bias, stride=stride, padding=padding)
        kernels = (depthwise_conv2d_s8_packed_taps.KERNEL, *map(depthwise_conv2d_s8_packed.kernel, LOOPS))
        assert_runs(next(k.instances(layer)["loop"].macro for k in kernels if not k.refusal(layer)), layer)


def test_what_a_depthwise_kernel_can_not_do() -> None:
    one_row = crafted(_random(3, 3, 4), (3, 3), U4, shift=6)
    five = crafted(_random(5, 5, 4), (6, 6), U4, shift=6)
    wide = crafted(_random(3, 3, 4), (6, 6), U4, shift=6, padding=((3, 0), (0, 0)))
    signed = crafted(_random(3, 3, 4), (6, 6), S8, shift=6)
    strided = crafted(_random(3, 3, 4), (6, 6), U4, shift=6, stride=(1, 2))
    rows = depthwise_conv2d_s8_packed.kernel(depthwise_conv2d_s8_packed.ROWS).refusal
    taps = depthwise_conv2d_s8_packed_taps.refusal
    assert rows(one_row) == "1 output rows, the loop takes two at once" and not taps(one_row)
    assert rows(five) == taps(five) == "the window is 5x5, not 3x3"
    assert rows(wide) == taps(wide) == "padding ((3, 0), (0, 0)) is more than 2"
    assert "not unsigned" in taps(signed) and not rows(signed)
    assert taps(strided) == "stride (1, 2), not 1" and not rows(strided)
