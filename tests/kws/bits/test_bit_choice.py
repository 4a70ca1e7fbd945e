"""The search, against all widths there are; limits, against costs that the plan does not know."""

import itertools
import re

import numpy as np
import pytest
import small_network

from export.model.integer_model import AVERAGE_POOL
from export.plan import RAM as BY_ROWS
from export.plan import goals, plan
from kws.bits import choice, costs, search
from kws.bits.bits_error import BitsError
from kws.bits.networks import Networks, Widths
from kws.bits.search import FLASH, INSTRUCTIONS, RAM, Point, Search
from kws.bits.sensitivity import Sensitivity

BITS = (4, 8)


def losses(networks: Networks, seed: int) -> Sensitivity:
    """Random ones, less at 8 bits."""
    rng = np.random.default_rng(seed)
    keys = [(name, bits) for name in networks.names for bits in networks.bits]
    weights, outputs = ({key: rng.uniform(0, 1) * 2.0 ** -key[1] for key in keys} for _ in range(2))
    return Sensitivity(weights, outputs)


def every(networks: Networks) -> list[Widths]:
    count = len(networks.names)
    return [
        Widths(weights, (*outputs, 8))
        for weights in itertools.product(networks.bits, repeat=count)
        for outputs in itertools.product(networks.bits, repeat=count - 1)
    ]


@pytest.fixture(scope="module", params=["fast", "small", BY_ROWS])
def finder(request: pytest.FixtureRequest) -> Search:
    networks = small_network.networks(BITS)
    return Search(networks, losses(networks, 0), request.param)


@pytest.mark.parametrize("price", [0.0, 1e-7, 1e-6, 1e-5, 1e-3])
def test_the_least_of_loss_and_instructions_is_found(price: float) -> None:
    networks = small_network.networks(BITS)
    finder = Search(networks, losses(networks, 1), "fast")

    def total(widths: Widths) -> float:
        point = finder.point(widths)
        assert point
        return point.loss + price * point.costs[INSTRUCTIONS]

    found = finder.cheapest((price, 0.0, 0.0))
    assert found
    assert total(found) == pytest.approx(min(map(total, every(networks))), rel=1e-9)


def test_a_network_by_rows_is_priced_by_rows() -> None:
    networks = small_network.networks(BITS)
    finder = Search(networks, losses(networks, 0), BY_ROWS)
    steps = plan(networks.model(Widths((8,) * 4, (8,) * 4)), BY_ROWS)
    assert steps.turns
    for index, (step, turn) in enumerate(zip(steps.steps, steps.turns, strict=True)):
        instructions = turn.rows.count * step.kernel.instructions(step.layer)
        row = step.input.bytes + step.kernel.output_layout.size(step.layer.output_shape)
        options = [option.costs for option in finder._options(index, 8, 8)]
        assert instructions in [option[0] for option in options]
        if step.layer.op != AVERAGE_POOL:  # for which there is one kernel
            assert min(option[2] for option in options) <= row + step.kernel.scratch_of(step.layer)


def test_bytes_of_memory_are_those_that_are_inspected(finder: Search) -> None:
    if finder._profile in goals.COMPARED:
        for point in finder.points()[::3]:
            inspected = {cost.profile: cost.ram_bytes for cost in goals.costs(finder.networks.model(point.widths))}
            assert costs.estimated(point.costs)[RAM] == inspected[finder._profile]


def test_a_points_costs_are_the_plans(finder: Search) -> None:
    for point in finder.points():
        steps = plan(finder.networks.model(point.widths), finder._profile)
        assert point.costs[INSTRUCTIONS] == sum(steps.instructions().values())
        assert point.costs[FLASH] == sum(step.constant_bytes for step in steps.steps)
        assert point.costs[RAM] == goals.needed(finder.networks.model(point.widths), finder._profile)
        assert point.loss == finder.sensitivity.total(finder.networks.names, point.widths)


def test_points_hold_the_uniform_widths_and_the_extremes(finder: Search) -> None:
    points = finder.points()
    assert {Widths((w,) * 4, (a, a, a, 8)) for w in BITS for a in BITS} <= {point.widths for point in points}
    everything = [point for widths in every(finder.networks) if (point := finder.point(widths))]
    assert min(point.loss for point in points) == min(point.loss for point in everything)


def test_nothing_beats_a_point_of_the_front(finder: Search) -> None:
    points = finder.points()
    front = search.front(points)
    assert front
    for point in front:
        assert not any(
            other.loss < point.loss and all(other.costs[name] <= point.costs[name] for name in search.COSTS)
            for other in points
        )
    for point in set(map(id, points)) - set(map(id, front)):
        left_out = next(each for each in points if id(each) == point)
        assert any(
            one.loss <= left_out.loss and all(one.costs[name] <= left_out.costs[name] for name in search.COSTS)
            for one in front
        )


def test_widening_takes_what_the_limits_leave(finder: Search) -> None:
    least = min(finder.points(), key=lambda point: point.costs[FLASH])
    wide = finder.widened(least, {FLASH: 1e9})
    assert wide.widths.weights == (8,) * 4
    assert finder.widened(least, {FLASH: least.costs[FLASH]}).costs[FLASH] <= least.costs[FLASH]


def dearer(point: Point) -> dict[str, float]:
    """Costs that no plan tells: code beside the constants, which 8-bit weights have more of."""
    code = 1000 + 50 * sum(bits == 8 for bits in point.widths.weights)
    return {**point.costs, FLASH: point.costs[FLASH] + code, INSTRUCTIONS: 1.03 * point.costs[INSTRUCTIONS]}


def test_limits_hold_for_real_costs(finder: Search) -> None:
    points = finder.points()
    everything = sorted(dearer(point)[FLASH] for widths in every(finder.networks) if (point := finder.point(widths)))
    few = sorted(points, key=lambda point: (point.costs[FLASH], point.loss))[:8]
    for limit in (min(dearer(point)[FLASH] for point in few), everything[len(everything) // 2], everything[-1]):
        chosen = choice.choose(finder, points, {FLASH: limit}, dearer)
        assert dearer(chosen)[FLASH] <= limit
    assert choice.choose(finder, points, {FLASH: everything[-1]}, dearer).loss == min(point.loss for point in points)


def test_what_can_t_be_reached_is_said_with_the_least(finder: Search) -> None:
    points = finder.points()
    few = sorted(points, key=lambda point: (point.costs[FLASH], point.loss))[:8]
    least = min(few, key=lambda point: dearer(point)[FLASH])
    expected = (
        f"max_flash=10 can't be reached: the least found is {dearer(least)[FLASH]:.0f} with {least.widths.flags()}"
    )
    with pytest.raises(BitsError, match=re.escape(expected)):
        choice.choose(finder, points, {FLASH: 10}, dearer)


def test_limits_that_exclude_each_other_are_named() -> None:
    networks = small_network.networks(BITS)
    finder = Search(networks, losses(networks, 0), "fast")
    points = [
        Point(Widths((4,) * 4, (4, 4, 4, 8)), 1.0, {INSTRUCTIONS: 10.0, FLASH: 90.0, RAM: 1.0}),
        Point(Widths((8,) * 4, (8, 8, 8, 8)), 2.0, {INSTRUCTIONS: 90.0, FLASH: 10.0, RAM: 1.0}),
    ]
    with pytest.raises(BitsError, match=r"max_instructions=20, max_flash=20: no widths that keep to it"):
        choice.choose(finder, points, {INSTRUCTIONS: 20, FLASH: 20}, lambda point: point.costs)


def test_a_thinned_front_keeps_its_ends() -> None:
    points = [Point(Widths((bits,), (8,)), float(bits), {}) for bits in range(2, 9)]
    assert [point.loss for point in search.thinned(points, 3)] == [2.0, 5.0, 8.0]
    assert search.thinned(points[:2], 8) == points[:2]
