"""What the plan estimates a network and each of its layers to cost, against what was counted for baseline.json."""

import itertools

import numpy as np
import pytest
from crafted import SAME, U4, crafted

from export.model import random_model
from export.model.integer_model import Layer, average_pool
from export.plan import CHOICES, CYCLES, FAST, PROFILES, RAM, Plan, plan
from export.plan.kernels.dsp import depthwise_conv2d_s16_dsp
from export.plan.kernels.four_bit import (
    conv2d_s8_dsp_lanes,
    depthwise_conv2d_row_pairs_dsp_lanes,
    pointwise_conv2d_row_pairs_dsp_lanes,
    pointwise_conv2d_row_pairs_dsp_lanes_w4,
)
from export.plan.kernels.helium import pointwise_conv2d_s8_helium
from export.plan.kernels.helium.planes import PLANES
from export.plan.layout import S8
from microcontroller import baseline

TOLERANCE = 0.05
MODELS = {f"w{w}a{a}": {"weight_bits": w, "activation_bits": a} for w, a in baseline.WIDTHS}
CASES = list(itertools.product(MODELS, PROFILES))


def _plan(model: str, profile: str) -> Plan:
    return plan(random_model.ds_cnn(baseline.SEED, **MODELS[model]), profile)


@pytest.mark.parametrize(("model", "profile"), CASES)
def test_a_network_costs_what_was_counted_within_five_percent(model: str, profile: str) -> None:
    estimate = sum(_plan(model, profile).instructions().values())
    for version, kept in baseline.read().items():
        if profile in kept.uncounted:
            continue
        assert estimate == pytest.approx(kept.instructions[model][profile], rel=TOLERANCE), f"GCC {version}"


@pytest.mark.parametrize(("model", "profile"), CASES)
def test_a_layer_costs_what_was_counted_within_five_percent(model: str, profile: str) -> None:
    estimates = _plan(model, profile).instructions()
    counted = [kept.layers[model][profile] for kept in baseline.read().values() if kept.layers]
    assert counted, "run python -m microcontroller.baseline --write"
    for layers in counted:
        # A layer of some hundred instructions is as long as the version of the compiler makes it.
        assert estimates == pytest.approx(layers, rel=TOLERANCE, abs=100)


@pytest.mark.parametrize(("model", "profile"), list(itertools.product(MODELS, (FAST, CYCLES, RAM))))
def test_a_layer_takes_the_cycles_that_were_estimated_of_what_ran_within_five_percent(model: str, profile: str) -> None:
    estimates = _plan(model, profile).cycles()
    counted = [kept.cycles[model][profile] for kept in baseline.read().values() if kept.cycles]
    assert counted, "run python -m microcontroller.baseline --write"
    for layers in counted:
        # Where a small loop of the compiler's lies is worth some hundred cycles.
        assert estimates == pytest.approx(layers, rel=TOLERANCE, abs=500)


@pytest.mark.parametrize("model", MODELS)
def test_the_profile_for_cycles_takes_fewer_cycles_and_the_fast_one_fewer_instructions(model: str) -> None:
    fast, cycles = _plan(model, FAST), _plan(model, CYCLES)
    assert sum(cycles.cycles().values()) < 0.95 * sum(fast.cycles().values())
    assert sum(fast.instructions().values()) < 0.9 * sum(cycles.instructions().values())


def _conv(size: tuple[int, int], window: tuple[int, int], depth: int, outputs: int) -> Layer:
    return crafted(np.ones((*window, depth, outputs)), size, U4, shift=5, bits=4, weight_bits=4)


def _depthwise(size: tuple[int, int], channels: int) -> Layer:
    return crafted(np.ones((3, 3, channels)), size, U4, shift=5, bits=4, weight_bits=4, padding=SAME)


LARGER = {
    "dense": [crafted(np.ones(shape), (1, 1), U4, shift=5) for shape in ((32, 16), (64, 16), (64, 32))],
    "pointwise": [_conv((n, 3), (1, 1), depth, outputs) for n, depth, outputs in ((2, 8, 8), (8, 16, 8), (8, 16, 24))],
    "convolution": [_conv((n, 3), (4, 2), depth, outs) for n, depth, outs in ((6, 2, 4), (20, 2, 4), (20, 8, 12))],
    "depthwise": [_depthwise((n, 3), channels) for n, channels in ((4, 4), (20, 4), (20, 16))],
    "pool": [average_pool("pool", (n, 3, channels), U4) for n, channels in ((2, 4), (8, 4), (8, 16))],
}
"""Layers in order of what they must cost."""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("op", LARGER)
def test_more_work_costs_more_by_every_kernel(profile: str, op: str) -> None:
    for kernel in CHOICES[profile].kernels:
        if kernel.op == LARGER[op][0].op and not any(map(kernel.refusal, LARGER[op])):
            costs = [kernel.instructions(layer) for layer in LARGER[op]]
            assert 0 < costs[0] < costs[1] < costs[2], kernel.function


def test_what_a_kernel_does_beside_its_loop_costs() -> None:
    """Zeros around planes, codes that lie askew, weights that are expanded."""
    layer, askew = (_conv((4, 3), (1, 1), depth, 8) for depth in (16, 15))
    to_planes, to_s8 = (pointwise_conv2d_s8_helium.kernel(layout).instructions for layout in (PLANES, S8))
    assert to_planes(layer) > to_s8(layer) and to_s8(askew) > to_s8(layer)
    first, depthwise = _conv((9, 3), (4, 2), 2, 4), _depthwise((9, 3), 4)
    four_bit = depthwise_conv2d_row_pairs_dsp_lanes.kernel
    for compact, expanded, one in (
        (conv2d_s8_dsp_lanes.COMPACT, conv2d_s8_dsp_lanes.KERNEL, first),
        (depthwise_conv2d_s16_dsp.COMPACT, depthwise_conv2d_s16_dsp.KERNEL, depthwise),
        (four_bit(0, compact=True), four_bit(0), depthwise),
        (pointwise_conv2d_row_pairs_dsp_lanes_w4.kernel(0), pointwise_conv2d_row_pairs_dsp_lanes.kernel(0), layer),
    ):
        assert compact.instructions(one) > expanded.instructions(one)
