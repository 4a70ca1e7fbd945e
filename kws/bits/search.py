"""Widths of least loss at a price: dynamic programming along the chain, with every kernel that the plan may choose.

A layer's cost depends on its own widths, on its input's and on the layout that its neighbours leave activations in, so
a state of the search is (bits, layout) of a layer's output. What a byte is worth is the search's own, while the plan
chooses kernels by its profile: costs are taken from the plan of the widths that were found, never from the search.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping

import numpy as np

from export import plan
from export.model.integer_model import Layer
from export.model.stream_interpreter import step_layer
from export.plan import row_kernels, schedule
from export.plan.goals import STACK_BYTES
from export.plan.kernel import Kernel
from export.plan.layout import S8, ActivationLayout
from kws.bits.networks import Networks, Widths
from kws.bits.sensitivity import Sensitivity
from quant.folding.layers import PoolingLayer
from quant.qformat import MAX_BITS

INSTRUCTIONS, FLASH, RAM = COSTS = ("instructions", "flash_bytes", "ram_bytes")
_PRICES = {
    INSTRUCTIONS: np.geomspace(1e-9, 1e-3, 25),
    FLASH: np.geomspace(1e-8, 1e-1, 25),
    RAM: np.geomspace(1e-8, 1e-1, 15),
}
_FEW = 4
"""Every so many prices of instructions are combined with those of flash."""


@dataclasses.dataclass(frozen=True)
class Point:
    """Widths, what they lose and what the plan says that they cost.

    Attributes:
      loss: the sum of the layers' divergences, in nats.
      costs: by name of `COSTS`: estimated instructions, bytes of constants, bytes of arena and stack.
    """

    widths: Widths
    loss: float
    costs: Mapping[str, float]

    def within(self, limits: Mapping[str, float]) -> bool:
        """Whether no cost is above its limit."""
        return all(self.costs[name] <= limit for name, limit in limits.items())


@dataclasses.dataclass(frozen=True)
class _Option:
    """A kernel for a layer of some widths: layouts, instructions, bytes of constants, bytes of activations."""

    weight_bits: int
    before: ActivationLayout
    after: ActivationLayout
    costs: tuple[float, float, float]


class Search:
    """Finds points; keeps what it learns of layers and networks."""

    def __init__(self, networks: Networks, sensitivity: Sensitivity, profile: str) -> None:
        """A search for one profile of `export.plan`."""
        self.networks, self.sensitivity, self._profile = networks, sensitivity, profile
        self.point = functools.cache(self._point)
        self._options = functools.cache(self._options_of)

    def _point(self, widths: Widths) -> Point | None:
        """The plan's costs of a network; None where there is none of these widths."""
        try:
            steps = plan.plan(self.networks.model(widths), self._profile)
        except ValueError:
            return None
        costs = {
            INSTRUCTIONS: sum(steps.instructions().values()),
            FLASH: float(sum(step.constant_bytes for step in steps.steps)),
            RAM: float(steps.arena_bytes + STACK_BYTES),
        }
        return Point(widths, self.sensitivity.total(self.networks.names, widths), costs)

    def points(self) -> list[Point]:
        """What all prices ask for, and every uniform pair of widths."""
        networks = self.networks
        count = len(networks.names)
        asked = [(float(price), 0.0, 0.0) for price in _PRICES[INSTRUCTIONS]]
        asked += [(0.0, float(price), 0.0) for price in _PRICES[FLASH]]
        asked += [(0.0, 0.0, float(price)) for price in _PRICES[RAM]]
        asked += [(float(a), float(b), 0.0) for a in _PRICES[INSTRUCTIONS][::_FEW] for b in _PRICES[FLASH][::_FEW]]
        found = {widths for prices in asked if (widths := self.cheapest(prices))}
        found |= {Widths((w,) * count, (*(a,) * (count - 1), MAX_BITS)) for w in networks.bits for a in networks.bits}
        points = [point for widths in sorted(found, key=Widths.flags) if (point := self.point(widths))]
        return sorted(points, key=lambda point: point.loss)

    def cheapest(self, prices: tuple[float, float, float]) -> Widths | None:
        """The widths of least loss and price, as nats per instruction, byte of constants, byte of activations."""
        # (bits, layout) of the activations so far -> total, weights' bits and outputs' bits that led there
        states: dict[tuple[int, ActivationLayout], tuple[float, tuple[int, ...], tuple[int, ...]]]
        states = {(MAX_BITS, S8): (0.0, (), ())}
        for index in range(len(self.networks.layers)):
            following: dict[tuple[int, ActivationLayout], tuple[float, tuple[int, ...], tuple[int, ...]]] = {}
            for (bits, layout), (total, weights, outputs) in states.items():
                for output_bits, option, loss in self._steps(index, bits):
                    codes = int(np.prod(self.networks.shapes[index]))
                    moved = schedule.conversion_cost(layout, option.before, codes)
                    price = total + loss + prices[0] * moved + float(np.dot(prices, option.costs))
                    key = (output_bits, option.after)
                    if np.isfinite(price) and (key not in following or price < following[key][0]):
                        taken = (option.weight_bits,) if option.weight_bits else ()
                        own = (output_bits,) if option.weight_bits else ()
                        following[key] = (price, weights + taken, outputs + own)
            states = following
        if not states:
            return None
        _, weights, outputs = min(states.values(), key=lambda state: state[0])
        return Widths(weights, outputs)

    def _steps(self, index: int, bits: int) -> Iterator[tuple[int, _Option, float]]:
        """Bits of the outputs, an option, and the layer's own loss."""
        networks, sensitivity = self.networks, self.sensitivity
        folded = networks.layers[index]
        if isinstance(folded, PoolingLayer) or index == len(networks.layers) - 1:
            widths = [MAX_BITS]
        else:
            widths = list(networks.bits)
        for output_bits in widths:
            for option in self._options(index, bits, output_bits):
                loss = sensitivity.weights.get((folded.name, option.weight_bits), 0.0)
                yield output_bits, option, loss + sensitivity.outputs.get((folded.name, output_bits), 0.0)

    def _options_of(self, index: int, input_bits: int, output_bits: int) -> list[_Option]:
        """The ways to run a layer; of those with equal layouts and weights all, as prices differ."""
        networks = self.networks
        folded = networks.layers[index]
        before = networks.layers[index - 1].name if index else ""
        x = networks.outputs[input_bits][before] if before else networks.x
        found = []
        for weight_bits in (0,) if isinstance(folded, PoolingLayer) else networks.bits:
            try:
                layer = networks.layer(index, x, weight_bits, output_bits)
                kernels, seen, calls = self._runners(layer)
            except ValueError:
                continue
            for kernel in kernels:
                constants = sum(constant.values.nbytes for constant in kernel.constants(seen).values())
                sizes = kernel.input_layout.size(seen.input_shape) + kernel.output_layout.size(seen.output_shape)
                activations = float(sizes + kernel.scratch_of(seen))
                costs = (calls * kernel.instructions(seen), float(constants), activations)
                found.append(_Option(weight_bits, kernel.input_layout, kernel.output_layout, costs))
        return found

    def _runners(self, layer: Layer) -> tuple[list[Kernel], Layer, int]:
        """The kernels that the plan may choose of, the layer as they see it in a call, and how many calls there are.

        Raises:
          ValueError: there is no such kernel.
        """
        profile = plan.CHOICES[self._profile]
        if not self._by_rows:
            return schedule.candidates(layer, profile.kernels), layer, 1
        row = step_layer(layer)
        return row_kernels.runners(row, profile), row, layer.output_shape[0]

    @functools.cached_property
    def _by_rows(self) -> bool:
        """Whether the profile computes the network row by row."""
        count = len(self.networks.names)
        widest = (max(self.networks.bits),) * count
        return bool(plan.plan(self.networks.model(Widths(widest, (*widest[1:], MAX_BITS))), self._profile).turns)

    def widened(self, point: Point, limits: Mapping[str, float]) -> Point:
        """A point of less loss within the limits: one width after the other is raised while the plan allows it."""
        while better := [
            other
            for widths in self._raised(point.widths)
            if (other := self.point(widths)) and other.loss < point.loss and other.within(limits)
        ]:
            point = min(better, key=lambda other: other.loss)
        return point

    def _raised(self, widths: Widths) -> Iterator[Widths]:
        for part in ("weights", "outputs"):
            bits = getattr(widths, part)
            for place in range(len(bits) - (part == "outputs")):
                for higher in self.networks.bits:
                    if higher > bits[place]:
                        yield dataclasses.replace(widths, **{part: (*bits[:place], higher, *bits[place + 1 :])})


def front(points: list[Point]) -> list[Point]:
    """Those that no other one beats in loss and in every cost, by loss."""
    return [
        point
        for point in sorted(points, key=lambda point: point.loss)
        if not any(_beats(other, point) for other in points)
    ]


def _beats(one: Point, other: Point) -> bool:
    pairs = [(one.loss, other.loss), *((one.costs[name], other.costs[name]) for name in COSTS)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def thinned(points: list[Point], most: int) -> list[Point]:
    """At most so many of the points, two or more, the first and the last among them."""
    places = np.unique(np.linspace(0, len(points) - 1, min(most, len(points))).round().astype(int))
    return [points[place] for place in places]
