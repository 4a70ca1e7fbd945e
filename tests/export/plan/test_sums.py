"""Sums at the last value of what holds them, and one beyond: in C every code is exact, by whichever kernel it takes."""

import dataclasses
import functools

import numpy as np
import pytest
from crafted import S8, SAME, U4, U7, between_copies, crafted, extremes, network

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan import FAST, PROFILES, plan, scale
from export.plan.kernels.dsp import pointwise_conv2d_s16_dsp
from export.plan.kernels.dsp.matrix_loops import W16
from export.plan.kernels.four_bit import conv2d_s8_dsp_lanes, depthwise_conv2d_row_pairs_dsp_lanes
from export.plan.kernels.four_bit.row_pairs import BYTES, LEADS, NIBBLES
from quant.qformat import QFormat

SIGNS = np.array([1, -1, -1, 1])
DEPTHWISE = tuple(depthwise_conv2d_row_pairs_dsp_lanes.kernel(lead) for lead in LEADS)
DEPTHWISE_BYTES = tuple(depthwise_conv2d_row_pairs_dsp_lanes.kernel(lead, BYTES) for lead in LEADS)


def _edge(op: str, excess: int) -> Layer:
    """The worst case of every output is 2**31 - 1 and the excess, in one direction or the other."""
    kernels = {
        "dense": np.tile(127 * SIGNS, (9, 1)),
        "pointwise": np.tile(127 * SIGNS, (1, 1, 9, 1)),
        "convolution": np.tile(127 * SIGNS, (3, 3, 1, 1)),
        "depthwise": np.tile(127 * SIGNS, (3, 3, 1)),
    }
    half = 1 << 23
    bias = SIGNS * (2**31 - 1 - half - 9 * 127 * 128 + excess)
    size = (1, 1) if op == "dense" else (4, 3)
    padding = SAME if op in ("convolution", "depthwise") else ((0, 0), (0, 0))
    layer = crafted(kernels[op], size, S8, shift=24, bias=bias, relu=False, padding=padding)
    assert (accumulator.worst_case(layer) == 2**31 - 1 + excess).all()
    return layer


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", ["dense", "pointwise", "convolution", "depthwise"])
def test_accumulators_hold_32_bits_and_no_more(assert_equal, op, profile):
    layer = _edge(op, 0)
    assert_equal(network(layer), profile, extremes(layer))
    with pytest.raises(ValueError, match=r"layer layer, channel 0: .* can reach 2147483648, 1 more than 32 bits hold"):
        plan(network(_edge(op, 1)), profile)


def _pointwise(weight: int, worst: int, shift: int) -> Layer:
    """Four inputs of seven bits, sums of up to `worst` in one direction or the other."""
    kernel = np.tile(weight * SIGNS, (1, 1, 4, 1))
    bias = SIGNS * (worst - 4 * 127 * weight - (1 << shift >> 1))
    layer = crafted(kernel, (3, 2), U7, shift=shift, bias=bias)
    assert (accumulator.worst_case(layer) == worst).all()
    return layer


@pytest.mark.parametrize(
    ("own", "weight", "worst", "shift"),
    [
        (8, 127, 2**23 - 1, 16),
        (8, 127, 2**23, 14),
        (8, 127, 2**25, 12),
        (8, 127, 2**27, 10),
        (8, 127, 2**29, 8),
        (7, 63, 2**16, 16),
        (7, 64, 2**16, 14),
        (9, 127, 2**30, 9),
        (0, 3, 2**19 - 1, 12),
        (0, 3, 2**30 - 1, 1),
        (17, 3, 2**20, 17),
        (20, 127, 2**31 - 1, 20),
    ],
)
def test_the_scale_is_the_largest_that_weights_and_sums_allow(assert_equal, prefer, own, weight, worst, shift):
    prefer(FAST, pointwise_conv2d_s16_dsp.kernel(W16))
    layer = _pointwise(weight, worst, own)
    assert scale.scaled(layer).shift == shift
    factor = 1 << shift - own
    assert factor * worst < 2**31 and factor * weight < 2**15
    model = network(layer)
    (instance,) = plan(model, FAST).steps[0].instances.values()
    assert instance.arguments[1] == shift
    assert_equal(model, FAST, extremes(layer))


@pytest.mark.parametrize(("worst", "reason"), [(2**19 - 1, ""), (2**19, "weights times 4096 leave 16 bits")])
def test_a_scale_that_the_kernel_gives_is_refused_beyond_the_accumulator(worst, reason):
    refused = scale.times_refusal(_pointwise(7, worst, 5), 12)
    assert reason in refused and bool(reason) == bool(refused)


def _reaching(kernel: np.ndarray, end: int, sign: int, x: QFormat = U4, **fields) -> Layer:
    """The greatest (sign 1) or least (-1) sum is `end`, of weights that go the same way, rounding half included."""
    kernel = sign * np.abs(kernel)
    reach = x.max_code * int(np.abs(kernel[..., 0]).sum())
    half = 1 << fields["shift"] >> 1
    layer = crafted(kernel, (5, 4), x, bias=end - sign * reach - half, bits=x.bits, weight_bits=4, **fields)
    low, high = accumulator.bounds(layer)
    assert (high if sign > 0 else low).tolist() == [end] * 4
    return layer


LANES = [
    ("depthwise", 0, 2**11, (4, 0, 4), None),
    ("depthwise", 2, 2**13, (2, 0, 4), None),
    ("depthwise", 3, 2**14, (1, 1, 4), None),
    ("depthwise", 4, 2**15, (0, 1, 4), None),
    ("depthwise", 5, 2**13, (2, 0, 7), (0, 1, 5)),
    ("depthwise", 9, 2**13, (2, 0, 11), (0, 1, 9)),
    ("depthwise", 11, 2**15, (0, 1, 11), None),
    ("depthwise bytes", 0, 2**13, (2, 0, 2), (0, 1, 0)),
    ("depthwise bytes", 0, 2**15, (0, 1, 0), None),
    ("depthwise bytes", 6, 2**13, (2, 0, 8), (0, 1, 6)),
    ("depthwise bytes", 8, 2**15, (0, 1, 8), None),
    ("convolution", 0, 2**13, (2, 0, 2), (0, 1, 0)),
    ("convolution", 6, 2**13, (2, 0, 8), (0, 1, 6)),
    ("convolution", 7, 2**14, (1, 1, 8), (0, 1, 7)),
    ("convolution", 8, 2**15, (0, 1, 8), None),
    ("convolution", 10, 2**15, (0, 1, 10), None),
]
"""Loop, shift, what lanes hold at their best, those lanes (extra, flip, code bit), and those that hold more."""


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("loop", "shift", "limit", "at_best", "beyond"), LANES)
def test_lanes_hold_sums_to_their_last_value(assert_equal, prefer, loop, shift, limit, at_best, beyond, sign):
    code_at = BYTES if loop.endswith("bytes") else NIBBLES
    depthwise = functools.partial(depthwise_conv2d_row_pairs_dsp_lanes._lanes, code_at=code_at)
    window, padding, kernels, found = {
        "depthwise": ((3, 3, 4), SAME, DEPTHWISE, depthwise),
        "depthwise bytes": ((3, 3, 4), SAME, DEPTHWISE_BYTES, depthwise),
        "convolution": ((4, 2, 1, 4), ((0, 0), (0, 0)), (conv2d_s8_dsp_lanes.KERNEL,), conv2d_s8_dsp_lanes._lanes),
    }[loop]
    prefer(FAST, *kernels)
    last = limit - 1 if sign > 0 else -limit
    for end, wanted in ((last, at_best), (last + sign, beyond)):
        x = U7 if code_at == BYTES else U4
        layer = _reaching(np.full(window, 7), end, sign, x, shift=shift, padding=padding)
        if wanted is None:
            with pytest.raises(ValueError, match=rf"\.\. .* with a shift of {shift} don't fit 16-bit lanes"):
                found(layer)
        else:
            assert dataclasses.astuple(found(layer)) == wanted
        assert bool(kernels[0].refusal(layer)) == (wanted is None)
        model = between_copies(layer, kernels[0])
        assert (kernels[0].function in {step.kernel.function for step in plan(model, FAST).steps}) == bool(wanted)
        assert_equal(model, FAST, extremes(layer))


def test_a_shift_beyond_every_lane_is_refused():
    layer = _reaching(np.full((3, 3, 4), 7), 100, 1, shift=12, padding=SAME)
    assert "with a shift of 12 don't fit 16-bit lanes" in depthwise_conv2d_row_pairs_dsp_lanes.refusal(layer)
