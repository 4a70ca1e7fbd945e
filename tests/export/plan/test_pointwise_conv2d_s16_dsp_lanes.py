"""1x1 convolutions as outer products in lanes: what the proof allows and refuses, and that every code is exact."""

import itertools

import numpy as np
import pytest

from export.model.integer_model import CONV2D, IntegerModel, Layer, average_pool
from export.plan import FAST, plan
from export.plan.kernels.dsp import pointwise_conv2d_s16_dsp_lanes as in_lanes
from quant.qformat import QFormat, activation_format, weight_format

OUTER, PAIRS = "fxp_pointwise_conv2d_s16_dsp_lanes", "fxp_pointwise_conv2d_s16_dsp"
U7 = activation_format(7, 2, True)
NO_PADDING = ((0, 0), (0, 0))


def _pointwise(kernel: np.ndarray, x: QFormat, *, shift: int, bias: np.ndarray | int = 0, bits: int = 7) -> Layer:
    """Codes to `bits` unsigned bits, on 5 x 3 positions; `kernel` is [inputs, outputs]."""
    inputs, outputs = kernel.shape
    q_w = weight_format(8 if np.abs(kernel).max() > 7 else 4, 3)
    y = activation_format(bits, q_w.fraction_bits + x.fraction_bits - shift, True)
    biases = np.broadcast_to(bias, outputs).astype(np.int32)
    shapes = (5, 3, inputs), (5, 3, outputs)
    codes = kernel[None, None].astype(np.int8)
    return Layer(f"layer_{inputs}x{outputs}_{shift}", CONV2D, *shapes, codes, biases, (1, 1), NO_PADDING, x, q_w, y)


def _model(*layers: Layer) -> IntegerModel:
    """Behind a source of all codes of seven bits."""
    rng = np.random.default_rng(0)
    source = _pointwise(rng.integers(-90, 90, (4, layers[0].input_shape[2])), QFormat(8, 7), shift=8, bias=9000)
    made = [source, *layers]
    made.append(average_pool("pool", made[-1].output_shape, made[-1].output_format))
    return IntegerModel("model", tuple(f"label{i}" for i in range(made[-1].output_shape[2])), tuple(made))


def _functions(model: IntegerModel) -> list[str]:
    return [step.kernel.function for step in plan(model, FAST).steps]


def test_every_shift_and_number_of_spans(assert_equal):
    """A chain of layers: odd widths, one to many spans, codes of all magnitudes."""
    rng = np.random.default_rng(1)
    widths = (6, 64, 37, 130, 20, 8, 65, 24, 16, 9)
    layers = []
    x = U7
    for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        kernel = rng.integers(-7, 8, (inputs, outputs))
        bias = rng.integers(-2000, 9000, outputs)
        layers.append(_pointwise(kernel, x, shift=i % 9, bias=np.clip(bias << i % 4 >> 2, -8000, 8000), bits=7 - i % 3))
        x = layers[-1].output_format
    model = _model(*layers)
    spans = {-(-(layer.input_shape[2] + 3) // 4 // in_lanes.lane_steps(layer)) for layer in layers}
    assert len(spans) > 2
    assert _functions(model)[1:-1] == [OUTER] * len(layers)
    assert_equal(model)


SIGNS = np.array([1, -1, -1, 1])
"""Of output channels."""


def test_lanes_are_filled_to_what_weights_allow(assert_equal):
    """127 * 129 = 16,383 is the last value of a lane: 18 weights of 7 and one of 3 on the greatest codes."""
    kernel = np.zeros((32, 4), int)
    kernel[:18] = 7 * SIGNS
    kernel[18] = 3 * SIGNS
    full = _pointwise(kernel, U7, shift=8, bias=-SIGNS * 8000)
    assert 127 * np.abs(kernel[:, 0]).sum() == 2**14 - 1
    assert in_lanes.lane_steps(full) == 8
    assert_equal(_model(full))
    kernel[31, 2] = 1
    assert in_lanes.lane_steps(_pointwise(kernel, U7, shift=8)) == 4


def test_sums_fit_16_bits_or_the_kernel_is_not_chosen(assert_equal):
    """A bias beyond the reach of a crafted layer's sums gives it the next kernel."""
    most = 127 * 7 * 8
    half = 1 << 7
    last = np.where(SIGNS > 0, 2**15 - 1 - most, -(2**15) + most) - half
    layer = _pointwise(7 * np.tile(SIGNS, (8, 1)), U7, shift=8, bias=last)
    assert not in_lanes.refusal(layer)
    assert _functions(_model(layer))[1] == OUTER
    assert_equal(_model(layer))
    for channel in (0, 1):
        beyond = last + np.where(np.arange(4) == channel, SIGNS, 0)
        refused = _pointwise(7 * np.tile(SIGNS, (8, 1)), U7, shift=8, bias=beyond)
        assert "16 bits" in in_lanes.refusal(refused)
        assert _functions(_model(refused))[1] == PAIRS


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (_pointwise(np.full((8, 4), 8), U7, shift=5), "fit a word"),
        (_pointwise(np.full((8, 4), 7), QFormat(8, 7), shift=5), "unsigned"),
        (_pointwise(np.full((8, 4), 7), U7, shift=9), "shift 9"),
        (_pointwise(np.full((516, 4), 1), U7, shift=5), "512"),
    ],
)
def test_what_lanes_do_not_hold_is_refused(layer, reason):
    assert reason in in_lanes.refusal(layer)
