"""First convolutions to int16 in lanes of 21 bits: what the proof allows and refuses, and that every code is exact."""

import dataclasses

import numpy as np
import pytest

from export import plan as plans
from export.model import accumulator
from export.model.integer_model import CONV2D, IntegerModel, Layer, average_pool
from export.plan import FAST, plan
from export.plan.kernels.dsp import conv2d_s8_dsp_lanes
from export.plan.schedule import Profile
from quant.qformat import QFormat, activation_format, weight_format

LANES, PAIRS = "fxp_conv2d_s8_dsp_lanes", "fxp_conv2d_s8_to_s16_dsp"
NO_PADDING = ((0, 0), (0, 0))
X = QFormat(8, 5)


@pytest.fixture(autouse=True)
def _chosen_wherever_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """For small tensors the plan prefers other kernels, with reason; here it is to prefer this one."""
    free = dataclasses.replace(conv2d_s8_dsp_lanes.KERNEL, instructions=lambda layer: 0.0)
    monkeypatch.setitem(plans.CHOICES, FAST, Profile((free, *plans.CHOICES[FAST].kernels)))


def _conv(kernel: np.ndarray, shape: tuple, *, shift: int, bias: int = 0, relu: bool = True, **fields) -> Layer:
    """A first convolution; `kernel` is [height, width, inputs, outputs]."""
    stride, padding = fields.pop("stride", (1, 1)), fields.pop("padding", NO_PADDING)
    sizes = [
        (length + sum(pads) - k) // s + 1
        for length, k, s, pads in zip(shape[:2], kernel.shape[:2], stride, padding, strict=True)
    ]
    q_w = weight_format(8, 7)
    y = activation_format(7 if relu else 8, q_w.fraction_bits + X.fraction_bits - shift, relu)
    biases = np.full(kernel.shape[-1], bias, np.int32)
    return Layer(
        "conv", CONV2D, shape, (*sizes, kernel.shape[-1]), kernel.astype(np.int8), biases, stride, padding, X, q_w, y
    )


def _model(layer: Layer) -> IntegerModel:
    pool = average_pool("pool", layer.output_shape, layer.output_format)
    return IntegerModel("model", tuple(f"label{i}" for i in range(layer.output_shape[2])), (layer, pool))


def _function(layer: Layer) -> str:
    return plan(_model(layer), FAST).steps[0].kernel.function


@pytest.mark.parametrize(
    ("window", "shape", "stride", "padding", "relu"),
    [
        ((10, 4), (49, 10, 1), (2, 2), ((4, 5), (1, 1)), True),
        ((10, 4), (22, 9, 1), (2, 2), NO_PADDING, True),
        ((3, 2), (10, 5, 2), (1, 1), ((1, 1), (0, 1)), False),
        ((4, 4), (13, 6, 3), (2, 1), ((1, 0), (2, 2)), False),
    ],
)
def test_every_code_is_exact(assert_equal, window, shape, stride, padding, relu):
    """Odd and even numbers of rows, some of one step, strides, padding, signed outputs."""
    kernel = np.random.default_rng(1).integers(-127, 128, (*window, shape[2], 6))
    layer = _conv(kernel, shape, shift=9, bias=3000, stride=stride, padding=padding, relu=relu)
    assert _function(layer) == LANES
    assert_equal(_model(layer))


def test_lanes_are_filled_to_their_last_value_and_not_beyond(assert_equal):
    """64 weights of 127 on codes of -128 and 127: the bias takes one sum to -2^20, and one further."""
    signs = np.array([1, -1, 1, -1])
    kernel = np.tile(127 * signs, (8, 8, 1, 1))
    half = 1 << 12
    bias = -(2**20) + 64 * 127 * 128 - half
    layer = _conv(kernel, (12, 9, 1), shift=13, bias=bias)
    low, high = accumulator.bounds(layer)
    assert low.min() == -(2**20) and high.max() < 2**20
    assert _function(layer) == LANES
    assert_equal(_model(layer))
    beyond = _conv(kernel, (12, 9, 1), shift=13, bias=bias - 1)
    assert "21 bits" in conv2d_s8_dsp_lanes.refusal(beyond)
    assert _function(beyond) == PAIRS
    most = _conv(kernel, (12, 9, 1), shift=13, bias=2**20 - 1 - 64 * 127 * 128 - half)
    assert not conv2d_s8_dsp_lanes.refusal(most)
    assert "21 bits" in conv2d_s8_dsp_lanes.refusal(
        _conv(kernel, (12, 9, 1), shift=13, bias=2**20 - 64 * 127 * 128 - half)
    )


def test_a_shift_beyond_the_lane_is_refused():
    kernel = np.ones((2, 2, 2, 4), int)
    assert not conv2d_s8_dsp_lanes.refusal(_conv(kernel, (4, 4, 2), shift=20))
    assert "shift 21" in conv2d_s8_dsp_lanes.refusal(_conv(kernel, (4, 4, 2), shift=21))
