"""The widths of least loss within limits of what they really cost, which the plan's estimates only lead to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kws.bits.bits_error import BitsError
from kws.bits.search import FLASH, INSTRUCTIONS, RAM, Point, Search

SETTINGS = {INSTRUCTIONS: "max_instructions", FLASH: "max_flash", RAM: "max_ram"}
_ATTEMPTS = 8


def choose(
    search: Search, points: Sequence[Point], limits: Mapping[str, float], costs_of: Callable[[Point], Mapping[str, Any]]
) -> Point:
    """The point of least loss whose real costs are within the limits.

    Estimates are held to limits that are lower by what the real costs were found to be above them.

    Args:
      points: of the search.
      limits: by name of `kws.bits.search.COSTS`.
      costs_of: a point's real costs.

    Raises:
      BitsError: a limit below the least that was found, or limits that can't be kept together.
    """
    kept: list[Point] = []

    def real_costs(point: Point) -> Mapping[str, Any]:
        real = costs_of(point)
        if all(real[name] <= limit for name, limit in limits.items()):
            kept.append(point)
        return real

    above = {name: _excess(points, name, limit, real_costs) for name, limit in limits.items()}
    for _ in range(_ATTEMPTS):
        held = {name: limit - above[name] for name, limit in limits.items()}
        possible = [point for point in points if point.within(held)]
        if not possible:
            break
        best = search.widened(min(possible, key=lambda point: point.loss), held)
        real = real_costs(best)
        excess = {name: real[name] - limit for name, limit in limits.items() if real[name] > limit}
        if not excess:
            break
        for name, over in excess.items():
            above[name] = max(above[name] + over, limits[name] - best.costs[name] + 1)
    if kept:
        return min(kept, key=lambda point: point.loss)
    asked = ", ".join(f"{SETTINGS[name]}={limit:g}" for name, limit in limits.items())
    raise BitsError(f"{asked}: no widths that keep to it were found: give more, or leave one of the limits out")


def _excess(points: Sequence[Point], name: str, limit: float, costs_of: Callable[[Point], Mapping[str, Any]]) -> float:
    """By how much a cost is more than estimated, of the first point within the limit among those of least estimates.

    Raises:
      BitsError: none of them is within.
    """
    tried: list[tuple[float, Point]] = []
    for point in sorted(points, key=lambda point: (point.costs[name], point.loss))[:_ATTEMPTS]:
        tried.append((costs_of(point)[name], point))
        if tried[-1][0] <= limit:
            return tried[-1][0] - point.costs[name]
    real, least = min(tried, key=lambda pair: pair[0])
    raise BitsError(
        f"{SETTINGS[name]}={limit:g} can't be reached: the least found is {real:.0f} with {least.widths.flags()}; give "
        f"{real:.0f} or more, or train a smaller model"
    )
