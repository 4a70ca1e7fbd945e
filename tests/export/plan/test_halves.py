"""1x1 convolutions whose lanes end where halfwords do: what is refused, and that codes are the interpreter's."""

from collections.abc import Callable

import numpy as np
import pytest
from crafted import SAME, U4, U7, between_copies, copying, crafted, extremes, network

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan import FAST, plan
from export.plan.kernels.four_bit import depthwise_conv2d_row_pairs_dsp_lanes as depthwise
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes as pointwise
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes_halves as halves
from export.plan.kernels.four_bit.row_pairs import BYTES, LEADS, NIBBLES

FUNCTION = "fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves"
KERNELS = {at: tuple(halves.kernel(lead, at) for lead in LEADS) for at in (NIBBLES, BYTES)}
INPUTS = {NIBBLES: U4, BYTES: U7}
GREATEST = {2: 1, 3: 3, 4: 7}
LANES = {2: 14, 3: 13, 4: 12}


def _compared(layer: Layer, code_at: int, prefer: Callable[..., None], assert_equal: Callable[..., None]) -> bool:
    """Whether the layer gets the kernel; its codes are the interpreter's in any case."""
    prefer(FAST, *KERNELS[code_at])
    model = between_copies(layer, KERNELS[code_at][0])
    assert_equal(model, FAST, extremes(layer))
    return FUNCTION in [step.kernel.function for step in plan(model).steps]


@pytest.mark.parametrize("code_at", [NIBBLES, BYTES])
@pytest.mark.parametrize(
    ("height", "width", "channels"), [(1, 2, 5), (2, 1, 6), (3, 2, 17), (4, 3, 8), (5, 4, 6), (6, 5, 12), (25, 5, 8)]
)
def test_every_parity_of_rows_and_width(prefer, assert_equal, height, width, channels, code_at):
    """Two depthwise layers go through both leads; channel quads are odd and even, rows alone above and below."""
    x, rng = INPUTS[code_at], np.random.default_rng(height)
    prefer(FAST, *KERNELS[code_at], *(depthwise.kernel(lead, code_at) for lead in LEADS))
    layers = [copying("copy", (height, width, channels), x)]
    for i in range(2):
        for name, window in (("depthwise", (3, 3)), ("pointwise", (1, 1, channels))):
            kernel, before = rng.integers(-1, 2, (*window, channels)), layers[-1].output_format
            fields = {"bits": x.bits, "weight_bits": 2, "name": f"{name}{i}", "bias": rng.integers(-9, 9, channels)}
            padding = {"padding": SAME} if name == "depthwise" else {}
            layers.append(crafted(kernel, (height, width), before, shift=1, **fields, **padding))
    model = network(*layers)
    assert [step.kernel.function for step in plan(model).steps].count(FUNCTION) == 2
    assert_equal(model)


@pytest.mark.parametrize("code_at", [NIBBLES, BYTES])
@pytest.mark.parametrize(("weight_bits", "shift"), [(w, s) for w, lane in LANES.items() for s in range(lane)])
def test_every_shift(prefer, assert_equal, weight_bits, shift, code_at):
    rng, greatest, x = np.random.default_rng(shift), GREATEST[weight_bits], INPUTS[code_at]
    kernel = rng.integers(-greatest, greatest + 1, (1, 1, 8, 12))
    bias = np.clip((rng.integers(-3, 4, 12) << shift) + rng.integers(-1, 2, 12), -900, 900)
    layer = crafted(kernel, (4, 3), x, shift=shift, bias=bias, bits=x.bits, weight_bits=weight_bits)
    reason = KERNELS[code_at][0].refusal(layer)
    assert bool(reason) <= (16 - LANES[weight_bits] + shift + x.bits > 15) or "odd channels" in reason
    assert _compared(layer, code_at, prefer, assert_equal) == (not reason)


def _reaching(weight_bits: int, code_at: int, sign: int, even: int | None, odd: int | None) -> Layer:
    """The greatest sums of even and of odd channels are these, or the least ones for a sign of -1; None: small ones."""
    depth, shift, x, greatest = 8, 2, INPUTS[code_at], GREATEST[weight_bits]
    kernel = np.full((1, 1, depth, 8), sign * greatest)
    without_bias = sign * greatest * depth * x.max_code + (1 << shift >> 1)
    bias = np.tile([0 if end is None else end - without_bias for end in (even, odd)], 4)
    layer = crafted(kernel, (3, 2), x, shift=shift, bias=bias, bits=x.bits, weight_bits=weight_bits)
    low, high = accumulator.bounds(layer)
    assert all(end in (None, reached) for end, reached in zip((even, odd), low if sign < 0 else high, strict=False))
    return layer


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("lower", [0, 1])
@pytest.mark.parametrize(("weight_bits", "code_at"), [(4, NIBBLES), (3, BYTES), (2, BYTES)])
def test_the_lower_lane_is_filled_to_its_last_value_and_not_beyond(
    prefer, assert_equal, weight_bits, code_at, lower, excess, sign
):
    """By odd channels, or by even ones where the others are beyond."""
    last = sign * (1 << LANES[weight_bits] - 1) - (sign > 0)
    ends = {lower: last + sign * excess, 1 - lower: last + sign}
    layer = _reaching(weight_bits, code_at, sign, ends[0], ends[1])
    assert pointwise.lane_bits(layer) == LANES[weight_bits]
    assert ("nor of even ones" in KERNELS[code_at][0].refusal(layer)) == bool(excess)
    assert _compared(layer, code_at, prefer, assert_equal) == (not excess)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize(("weight_bits", "code_at"), [(4, NIBBLES), (3, BYTES), (2, BYTES)])
def test_the_upper_lane_is_filled_to_its_last_value_and_not_beyond(
    prefer, assert_equal, weight_bits, code_at, upper, excess, sign
):
    """By the sum of magnitudes, so that no sum on the way leaves it either; by even or by odd channels."""

    def reaching(end: int) -> Layer:
        return _reaching(weight_bits, code_at, sign, *((end, None) if upper == 0 else (None, end)))

    end, limit = sign * 2**15, 2**15 - 2 + excess
    end -= sign * (int(accumulator.worst_case(reaching(end)).max()) - limit)
    layer = reaching(end)
    assert accumulator.worst_case(layer).max() == limit
    assert ("upper halfword" in KERNELS[code_at][0].refusal(layer)) == bool(excess)
    assert _compared(layer, code_at, prefer, assert_equal) == (not excess)


@pytest.mark.parametrize("code_at", [NIBBLES, BYTES])
@pytest.mark.parametrize(("weight_bits", "shift"), [(4, 0), (4, 3), (4, 4), (3, 3), (3, 5), (2, 1), (2, 6)])
def test_shifts_of_even_channels_in_the_lower_lane(prefer, assert_equal, weight_bits, shift, code_at):
    rng, greatest, x = np.random.default_rng(shift), GREATEST[weight_bits], INPUTS[code_at]
    kernel = rng.integers(-greatest, greatest + 1, (1, 1, 8, 12))
    bias = np.clip((rng.integers(-3, 4, 12) << shift) + rng.integers(-1, 2, 12), -900, 900)
    bias[1::4] += 1 << LANES[weight_bits] - 1
    layer = crafted(kernel, (5, 3), x, shift=shift, bias=bias, bits=x.bits, weight_bits=weight_bits)
    reason = KERNELS[code_at][0].refusal(layer)
    assert bool(reason) <= (16 - LANES[weight_bits] + shift + x.bits > 15) or "odd channels" in reason
    assert _compared(layer, code_at, prefer, assert_equal) == (not reason)


def test_a_row_alone_takes_two_channel_quads() -> None:
    fields = {"shift": 3, "bits": 4, "weight_bits": 4}
    alone, together = (crafted(np.ones((1, 1, 8, 4)), (height, 2), U4, **fields) for height in (3, 2))
    assert "two channel quads" in KERNELS[NIBBLES][0].refusal(alone)
    assert not KERNELS[NIBBLES][0].refusal(together)


def test_what_has_no_lanes_is_refused() -> None:
    kernel = np.ones((1, 1, 8, 4))
    wide = crafted(kernel, (3, 2), U7, shift=3, bits=7, weight_bits=5)
    signed = crafted(kernel, (3, 2), U4, shift=3, bits=4, weight_bits=4, relu=False)
    steep = crafted(kernel, (3, 2), U7, shift=7, bits=7, weight_bits=2)
    reasons = [KERNELS[BYTES][0].refusal(layer) for layer in (wide, signed, steep)]
    assert "don't fit a halfword" in reasons[0] and "not unsigned" in reasons[1] and "of a halfword" in reasons[2]
