"""Row pairs of codes of five to seven bits, and lanes of 13 and 14 bits beside weights of three bits and two."""

from collections.abc import Callable

import numpy as np
import pytest
from crafted import SAME, U7, between_copies, copying, crafted, extremes, network

from export.model import accumulator, random_model
from export.model.integer_model import IntegerModel, Layer
from export.plan import CYCLES, FAST, SMALL, plan
from export.plan.kernels.four_bit import depthwise_conv2d_row_pairs_dsp_lanes as depthwise
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes as pointwise
from export.plan.kernels.four_bit.row_pairs import BYTES, LEADS
from quant.qformat import activation_format

POINTWISE = tuple(pointwise.kernel(lead, BYTES) for lead in LEADS)
DEPTHWISE = tuple(depthwise.kernel(lead, BYTES) for lead in LEADS)


def _functions(model: IntegerModel, profile: str = FAST) -> list[str]:
    return [step.kernel.function for step in plan(model, profile).steps]


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "profile"),
    [(2, 8, FAST), (3, 7, FAST), (4, 5, FAST), (8, 6, FAST), (2, 8, SMALL), (4, 8, SMALL), (2, 6, CYCLES)],
)
def test_networks(assert_equal: Callable[..., None], weight_bits: int, activation_bits: int, profile: str) -> None:
    model = random_model.ds_cnn(
        4, channels=18, blocks=2, weight_bits=weight_bits, activation_bits=activation_bits, input_shape=(21, 10, 1)
    )
    assert ("fxp_depthwise_conv2d_row_pairs_dsp_lanes" in _functions(model, profile)) == (weight_bits <= 4)
    assert_equal(model, profile)


@pytest.mark.parametrize(("height", "width", "channels"), [(1, 2, 4), (2, 1, 3), (3, 2, 17), (4, 3, 8), (25, 5, 8)])
def test_every_parity_of_rows_and_width(
    assert_equal: Callable[..., None], prefer: Callable[..., None], height: int, width: int, channels: int
) -> None:
    prefer(FAST, *POINTWISE, *DEPTHWISE)
    rng = np.random.default_rng(height)
    layers = [copying("copy", (height, width, channels), U7)]
    for i in range(2):
        for name, window in (("depthwise", (3, 3)), ("pointwise", (1, 1, channels))):
            padding = {"padding": SAME} if name == "depthwise" else {}
            kernel, x = rng.integers(-1, 2, (*window, channels)), layers[-1].output_format
            fields = {"bits": 7, "weight_bits": 2, "name": f"{name}{i}", "bias": rng.integers(-90, 90, channels)}
            layers.append(crafted(kernel, (height, width), x, shift=2, **fields, **padding))
    model = network(*layers)
    assert _functions(model)[1:5] == [DEPTHWISE[0].function, POINTWISE[0].function] * 2
    assert_equal(model)


def _reaching(weight_bits: int, depth: int, end: int, shift: int) -> Layer:
    """The greatest sums of even channels are `end`, or the least where it is negative; those of odd ones are large."""
    sign = 1 if end > 0 else -1
    weight = {2: 1, 3: 3}[weight_bits]
    bias = end - sign * weight * depth * U7.max_code - (1 << shift >> 1)
    kernel = np.full((1, 1, depth, 4), sign * weight)
    biases = np.array([bias, 9000, bias, -9000])
    layer = crafted(kernel, (3, 2), U7, shift=shift, bias=biases, bits=7, weight_bits=weight_bits)
    assert accumulator.bounds(layer)[0 if sign < 0 else 1][0] == end
    return layer


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize(("weight_bits", "lane", "depth"), [(2, 14, 20), (3, 13, 8)])
def test_the_lower_lane_is_filled_to_its_last_value_and_not_beyond(
    assert_equal: Callable[..., None],
    prefer: Callable[..., None],
    weight_bits: int,
    lane: int,
    depth: int,
    excess: int,
    sign: int,
) -> None:
    prefer(FAST, *POINTWISE)
    half = 1 << lane - 1
    layer = _reaching(weight_bits, depth, half - 1 + excess if sign > 0 else -half - excess, 5)
    assert pointwise.lane_bits(layer) == lane
    assert (pointwise.lane_steps(layer, lane) == depth // 4) == (excess == 0)
    model = between_copies(layer, POINTWISE[0])
    assert POINTWISE[0].function in _functions(model)
    assert_equal(model, FAST, extremes(layer))


@pytest.mark.parametrize(("weight_bits", "shift"), [*((2, s) for s in range(14)), *((3, s) for s in range(13))])
def test_every_shift(
    assert_equal: Callable[..., None], prefer: Callable[..., None], weight_bits: int, shift: int
) -> None:
    prefer(FAST, *POINTWISE)
    rng = np.random.default_rng(shift)
    greatest = 2 ** (weight_bits - 1) - 1
    kernel = rng.integers(-greatest, greatest + 1, (1, 1, 12, 8))
    bias = np.clip((rng.integers(-3, 4, 8) << shift) + rng.integers(-1, 2, 8), -900, 900)
    layer = crafted(kernel, (4, 3), U7, shift=shift, bias=bias, bits=7, weight_bits=weight_bits)
    model = between_copies(layer, POINTWISE[0])
    assert (POINTWISE[0].function in _functions(model)) == (not pointwise.refusal(layer, BYTES))
    assert_equal(model, FAST, extremes(layer))


@pytest.mark.parametrize("bits", [2, 4, 5, 7])
@pytest.mark.parametrize(("shift", "weight"), [(0, 1), (2, 7), (6, 7), (8, 7)])
def test_outputs_of_every_width_leave_their_lanes_whole(
    assert_equal: Callable[..., None], prefer: Callable[..., None], bits: int, shift: int, weight: int
) -> None:
    """Bytes, of codes that fit half of one, too: what the upper lane shifts out must not reach the lower one."""
    prefer(FAST, *DEPTHWISE)
    kernel = np.random.default_rng(shift).integers(-weight, weight + 1, (3, 3, 4))
    layer = crafted(kernel, (5, 4), U7, shift=shift, bias=-40, bits=bits, weight_bits=4, padding=SAME)
    model = between_copies(layer, DEPTHWISE[0])
    assert DEPTHWISE[0].function in _functions(model)
    assert_equal(model, FAST, extremes(layer))


def test_wide_weights_leave_no_lane() -> None:
    layer = crafted(np.ones((1, 1, 8, 4)), (3, 2), U7, shift=3, bits=7, weight_bits=5)
    assert pointwise.lane_bits(layer) == 0
    assert "two of them don't fit a halfword" in pointwise.refusal(layer, BYTES)


def test_memory_is_half_of_that_of_int16() -> None:
    assert plan(random_model.ds_cnn(0, weight_bits=2, activation_bits=8), FAST).arena_bytes <= 10_000
    assert activation_format(8, 6, relu=True) == U7
