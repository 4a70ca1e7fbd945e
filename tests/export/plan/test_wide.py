"""Loops that compute twice as many outputs at once, and those down columns: exact in every shape, and their limits."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from crafted import SAME, U4, U7, copying, copying_depthwise, crafted, network

from export import plan as plans
from export.model.integer_model import IntegerModel, Layer
from export.plan import CYCLES, plan
from export.plan.kernel import Kernel
from export.plan.kernels import profiles
from export.plan.kernels.dsp import (
    conv2d_s8_dsp_lanes,
    depthwise_conv2d_s16_dsp,
    pointwise_conv2d_s16_dsp_lanes,
    pointwise_conv2d_s16_dsp_lanes_wide,
    pointwise_conv2d_s16_dsp_wide,
)
from export.plan.kernels.four_bit import conv2d_s8_dsp_lanes as conv2d_to_row_pairs
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes
from export.plan.schedule import Profile
from quant.qformat import QFormat

SIGNS = np.array([1, -1, -1, 1])
FOUR_BITS = {"bits": 4, "weight_bits": 4}
S8_INPUT = QFormat(8, 7)


def _wanted(kernel: Kernel) -> Kernel:
    """Where it can run, row pairs before int16."""
    row_pairs = "row pairs" in kernel.input_layout.name + kernel.output_layout.name
    return dataclasses.replace(kernel, cycles=lambda layer: -2e9 if row_pairs else -1e9)


@pytest.fixture(autouse=True, name="wide_where_they_can")
def _wide_where_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small layers get the loops, too, which cost them more than others."""
    count = len(profiles.CYCLES) - len(profiles.FAST)
    wide = [_wanted(kernel) for kernel in profiles.CYCLES[:count]]
    monkeypatch.setitem(plans.CHOICES, CYCLES, Profile((*wide, *profiles.FAST), by_cycles=True))


def _loops(model: IntegerModel) -> list[str]:
    """The loops of every layer, by name."""
    return [" ".join(instance.macro for instance in step.instances.values()) for step in plan(model, CYCLES).steps]


def _weights(seed: int, shape: Sequence[int], most: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-most, most + 1, shape)


def _pointwise(seed: int, size: tuple[int, int], depth: int, outputs: int, most: int, **fields) -> Layer:
    kernel = _weights(seed, (1, 1, depth, outputs), most)
    bias = np.random.default_rng(seed).integers(-400, 900, outputs)
    return crafted(kernel, size, fields.pop("x", U7), bias=bias, **fields)


@pytest.mark.parametrize("size", [(1, 4), (5, 1), (3, 2), (7, 1)])
def test_every_number_of_last_positions(assert_equal, size):
    """Positions by four and what is left of them; in lanes and without, each twice, in place; signs and shifts."""
    first = crafted(_weights(1, (1, 1, 3, 16), 90), size, S8_INPUT, shift=8, bias=9000, bits=7, name="first")
    x = first.output_format
    layers = [first]
    for i, (outputs, shift) in enumerate([(8, 5), (12, 8), (4, 3)]):
        weight_bits = {"weight_bits": 4, "bits": 7} if i % 2 else {"bits": 7}
        depth, most = layers[-1].output_shape[2], 7 if i % 2 else 127
        layers.append(_pointwise(i, size, depth, outputs, most, x=x, shift=shift, name=f"layer{i}", **weight_bits))
        x = layers[-1].output_format
    model = network(*layers)
    wide = ["FXP_MATRIX_LOOP_S16_DSP_WIDE FXP_MATRIX_LOOP_S16_DSP", "FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE"]
    assert _loops(model)[1:4] == [wide[0], wide[1], wide[0]]
    assert_equal(model, CYCLES)


def test_lanes_of_four_positions_are_filled_and_taken_out(assert_equal):
    """127 * 129 = 16,383 is the last value of a lane; one more weight, and there are two spans."""
    kernel = np.zeros((1, 1, 32, 4), int)
    kernel[0, 0, :18], kernel[0, 0, 18] = 7 * SIGNS, 3 * SIGNS
    beyond = kernel.copy()
    beyond[0, 0, 31, 2] = 1
    for codes, every in ((kernel, 8), (beyond, 4)):
        layer = crafted(codes, (5, 1), U7, shift=8, bias=-SIGNS * 8000, bits=7, weight_bits=4)
        assert pointwise_conv2d_s16_dsp_lanes.lane_steps(layer) == every
        model = network(layer)
        assert "LANES_WIDE" in _loops(model)[0]
        assert_equal(model, CYCLES)


def _row_pairs(size: tuple[int, int], kernel: np.ndarray, **fields) -> IntegerModel:
    """A 1x1 convolution on row pairs, behind layers that copy."""
    depth = kernel.shape[2]
    layer = crafted(kernel, size, U4, **FOUR_BITS, **fields)
    before = (copying("copy", (*size, depth), U4), copying_depthwise("copy_depthwise", (*size, depth), U4))
    return network(*before, layer)


@pytest.mark.parametrize(
    ("size", "outputs", "shift"), [((3, 2), 8, 4), ((4, 3), 16, 7), ((1, 3), 24, 0), ((2, 5), 8, 6)]
)
def test_channel_quads_two_by_two(assert_equal, size, outputs, shift):
    model = _row_pairs(size, _weights(outputs, (1, 1, 12, outputs), 7), shift=shift, bias=40)
    assert "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE" in _loops(model)
    assert_equal(model, CYCLES)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [0, 1])
def test_a_lower_lane_is_filled_to_its_last_value_and_one_beyond_is_not_wide(assert_equal, sign, excess):
    """19 weights of 7 and one of 3 on codes of 15 sum to 2040; the bias goes to -2048 or 2047, and one further."""
    kernel = np.full((1, 1, 20, 8), sign * 7)
    kernel[0, 0, -1] = sign * 3
    bias = (2047 - 2040 + excess if sign > 0 else -(2048 - 2040) - excess) - (1 << 6)
    model = _row_pairs((3, 2), kernel, shift=7, bias=np.resize([bias, 5000, bias, -5000], 8))
    wide = "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE" in _loops(model)
    assert wide == (excess == 0)
    assert_equal(model, CYCLES)


@pytest.mark.parametrize(
    ("rows", "bits", "steps"),
    [(1, 8, 1), (5, 8, 3), (4, 8, 3), (8, 8, 5), (1, 7, 1), (4, 7, 3), (1, 4, 1), (2, 4, 2), (4, 4, 3), (5, 4, 3)],
)
def test_two_steps_of_a_first_convolution_at_once(assert_equal, rows, bits, steps):
    """Rows even and odd, of row pairs steps even and odd, too; three tap pairs, and one."""
    for window, most in ((5, 7), (2, 3)):
        kernel = _weights(rows, (window, 4, 1, 8), most)
        weight_bits = 4 if bits == 4 else 8
        fields = {"bits": bits, "relu": bits < 8, "weight_bits": weight_bits}
        layer = crafted(kernel, (rows + window - 1, 6), S8_INPUT, shift=7, bias=200, **fields)
        family = "S16" if bits == 8 else "ROW_PAIRS"
        assert (rows // 2 + 1) == steps
        model = network(layer)
        assert _loops(model)[0] == f"FXP_CONV2D_LOOP_{family}_DSP_LANES_WIDE", plan(model, CYCLES).table()
        assert_equal(model, CYCLES)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (4, 3), (6, 4)])
def test_depthwise_down_columns(assert_equal, size):
    layers = [copying("copy", (*size, 6), U7)]
    for i, relu in enumerate((True, False)):
        kernel, x = _weights(i, (3, 3, 6), 127), layers[-1].output_format
        fields = {"bits": 7, "relu": relu, "padding": SAME, "name": f"layer{i}"}
        layers.append(crafted(kernel, size, x, shift=8, bias=-500, **fields))
    model = network(*layers)
    assert _loops(model)[1:3] == ["FXP_PANELS_S16_DSP_WIDE FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN"] * 2
    assert_equal(model, CYCLES)


def _ones(size: tuple[int, int], depth: int, outputs: int, window: tuple[int, int] = (1, 1), **fields) -> Layer:
    kernel = np.ones((*window, depth, outputs), int)
    return crafted(kernel, size, fields.pop("x", U7), shift=fields.pop("shift", 8), **fields)


def _depthwise(size: tuple[int, int], channels: int, **fields) -> Layer:
    return crafted(np.ones((3, 3, channels), int), size, U7, shift=3, **{"padding": SAME, **fields})


LANES = {"bits": 7, "weight_bits": 4}
ROW_PAIRS = pointwise_conv2d_row_pairs_dsp_lanes.wide(0)
LIMITS = {
    "output": (pointwise_conv2d_s16_dsp_wide.KERNEL, _ones((2, 2), 4, 680), _ones((2, 2), 4, 681), "more than 1360"),
    "positions": (
        pointwise_conv2d_s16_dsp_lanes_wide.KERNEL,
        _ones((2, 2), 4, 4, **LANES),
        _ones((1, 3), 4, 4, **LANES),
        "3 positions, fewer than 4",
    ),
    "steps": (
        pointwise_conv2d_s16_dsp_lanes_wide.KERNEL,
        _ones((2, 2), 508, 4, x=U4, **LANES),
        _ones((2, 2), 512, 4, x=U4, **LANES),
        "128 steps of 127",
    ),
    "quads": (
        ROW_PAIRS,
        _ones((2, 2), 4, 8, x=U4, shift=4, **FOUR_BITS),
        _ones((2, 2), 4, 4, x=U4, shift=4, **FOUR_BITS),
        "odd number of channel quads",
    ),
    "shift": (
        ROW_PAIRS,
        _ones((2, 2), 4, 8, x=U4, shift=7, **FOUR_BITS),
        _ones((2, 2), 4, 8, x=U4, shift=8, **FOUR_BITS),
        "more than 11 bits",
    ),
    "row": (
        conv2d_s8_dsp_lanes.WIDE,
        _ones((4, 5), 1, 100, (4, 2)),
        _ones((4, 5), 1, 128, (4, 2)),
        "takes 1024 bytes, more than 1020",
    ),
    "row of bytes": (
        conv2d_to_row_pairs.WIDE,
        _ones((4, 5), 1, 252, (4, 2), x=QFormat(4, 3), **FOUR_BITS),
        _ones((4, 5), 1, 256, (4, 2), x=QFormat(4, 3), **FOUR_BITS),
        "takes 2048 bytes, more than 2044",
    ),
    "odd steps": (
        conv2d_s8_dsp_lanes.WIDE,
        _ones((8, 5), 1, 4, (4, 2)),
        _ones((9, 5), 1, 4, (4, 2)),
        "4 steps down a column, not an odd number",
    ),
    "panel": (
        depthwise_conv2d_s16_dsp.COLUMN,
        _depthwise((97, 18), 4),
        _depthwise((99, 18), 4),
        "a panel of 1020 words",
    ),
    "row of a panel": (
        depthwise_conv2d_s16_dsp.COLUMN,
        _depthwise((2, 8), 128),
        _depthwise((2, 8), 132),
        "a row takes 2112 bytes",
    ),
    "padding": (
        depthwise_conv2d_s16_dsp.COLUMN,
        _depthwise((4, 4), 4),
        _depthwise((4, 4), 4, padding=((1, 1), (0, 1))),
        "a column on both sides",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_what_offsets_reach(name):
    kernel, last, beyond, reason = LIMITS[name]
    assert kernel.refusal(last) == ""
    assert reason in kernel.refusal(beyond)
    assert plan(network(beyond), CYCLES).steps
