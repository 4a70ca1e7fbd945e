"""The flag --optimize of commands that have --profile: what C is made for, said as a goal."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from export.plan import CYCLES, FAST, HELIUM, PACKED, PORTABLE, PROFILES, SMALL
from kws_cli.command import UserError

GOALS = {
    "cycles": (CYCLES, HELIUM, PACKED),
    "instructions": (FAST, HELIUM, PACKED),
    "flash": (SMALL, PORTABLE),
}
"""Goal -> profiles that serve it; of those that are made for a core, the first. Cycles are estimated for a Cortex-M4;
elsewhere the profile with the fewest instructions stands for them.
"""


def define() -> None:
    """Defines the flag."""
    flags.DEFINE_enum("optimize", None, list(GOALS), "Instead of --profile: what the kernels are chosen for.")


def profile(values: Any, profiles: Sequence[str] = PROFILES) -> str:
    """What --profile or --optimize ask for, on a core that such profiles are made for.

    Raises:
      UserError: both are given, or none of the profiles serves the goal.
    """
    if values.optimize is None:
        return values.profile
    if values["profile"].present:
        raise UserError(f"--optimize={values.optimize} and --profile={values.profile}: give one of them")
    found = next((name for name in GOALS[values.optimize] if name in profiles), None)
    if found is None:
        raise UserError(f"--optimize={values.optimize}: none of {', '.join(profiles)} serves it; give --profile")
    return found
