"""What C may be optimized for, and the profile that serves it on a core or within so much memory."""

import dataclasses
import math
from collections.abc import Sequence

from export.model.integer_model import IntegerModel
from export.plan import CYCLES, FAST, HELIUM, PACKED, PORTABLE, PROFILES, RAM, SMALL, plan
from export.plan.plan_error import PlanError
from kws_cli.table import aligned

GOALS = {
    "cycles": (CYCLES, HELIUM, PACKED),
    "instructions": (FAST, HELIUM, PACKED),
    "flash": (SMALL, PORTABLE),
    "ram": (RAM, PACKED),
}
"""Goal -> profiles that serve it; of those that are made for a core, the first. Cycles are estimated for a Cortex-M4;
elsewhere the profile with the fewest instructions stands for them.
"""

STACK_BYTES = 512
"""That an inference takes of the stack, beside its arena, at most: 332 to 508 were measured, by profile and width."""
COMPARED = (FAST, CYCLES, SMALL, RAM)
"""Profiles that one core, a Cortex-M4, can choose from."""


def profile_for(goal: str, profiles: Sequence[str] = PROFILES) -> str:
    """The profile for one of `GOALS`, of those that are made for a core.

    Raises:
      ValueError: none of them serves it.
    """
    found = next((name for name in GOALS[goal] if name in profiles), None)
    if found is None:
        raise ValueError(f"optimize={goal}: none of {', '.join(profiles)} serves it, choose a profile")
    return found


def needed(model: IntegerModel, profile: str) -> int:
    """Bytes of RAM that an inference takes: arena and stack. Raises `ValueError` as `export.plan.plan` does."""
    return plan(model, profile).arena_bytes + STACK_BYTES


def profile_within(model: IntegerModel, profile: str, max_ram: int | None, least: str = RAM) -> str:
    """The profile whose inference fits into memory: the one asked for, or else the one of least memory.

    Args:
      profile: that is taken where it fits.
      max_ram: bytes, arena and stack; None for no limit.
      least: a core's own profile of little memory.

    Raises:
      PlanError: neither fits.
      ValueError: as `export.plan.plan`.
    """
    if max_ram is None:
        return profile
    bytes_of = {name: needed(model, name) for name in (profile, least)}
    found = next((name for name, size in bytes_of.items() if size <= max_ram), None)
    if found is None:
        smallest = min(bytes_of, key=lambda name: bytes_of[name])
        raise PlanError(
            f"max_ram={max_ram}: {model.name} needs {bytes_of[smallest]} bytes at least, {STACK_BYTES} of them stack "
            f"(profile {smallest}): give as many, or a smaller network"
        )
    return found


def chosen_within(model: IntegerModel, profile: str, max_ram: int) -> str:
    """What is said of the profile that `profile_within` gave, in a line."""
    return f"profile {profile}: {needed(model, profile):,} bytes of arena and stack, within {max_ram:,}"


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a profile takes of a model.

    Attributes:
      profile: of `COMPARED`.
      ram_bytes: arena and stack.
      constant_bytes: of weights and biases in flash, as stored.
      instructions, cycles: of one inference on a Cortex-M4, estimated; None for cycles that nobody estimates.
    """

    profile: str
    ram_bytes: int
    constant_bytes: int
    instructions: int
    cycles: int | None


def costs(model: IntegerModel) -> list[Cost]:
    """The trade-off between memory and time, by profile. Raises `ValueError` as `export.plan.plan` does."""
    found = []
    for name in COMPARED:
        made = plan(model, name)
        constants = sum(step.constant_bytes for step in made.steps)
        instructions, cycles = sum(made.instructions().values()), sum(made.cycles().values())
        times = (round(instructions), round(cycles) if math.isfinite(cycles) else None)
        found.append(Cost(name, made.arena_bytes + STACK_BYTES, constants, *times))
    return found


def cost_table(found: Sequence[Cost]) -> str:
    """`costs` as aligned text."""
    rows: list[tuple[str, ...]] = [("profile", "RAM", "constants", "instructions", "cycles")]
    for one in found:
        numbers = (one.ram_bytes, one.constant_bytes, one.instructions, one.cycles)
        rows.append((one.profile, *("-" if number is None else f"{number:,}" for number in numbers)))
    note = f"bytes, of RAM {STACK_BYTES} for the stack; instructions and cycles are estimates, of a Cortex-M4"
    return "\n".join([*aligned(rows, left=1), note])
