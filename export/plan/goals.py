"""What C may be optimized for, and the profile that serves it on a core."""

from collections.abc import Sequence

from export.plan import CYCLES, FAST, HELIUM, PACKED, PORTABLE, PROFILES, SMALL

GOALS = {
    "cycles": (CYCLES, HELIUM, PACKED),
    "instructions": (FAST, HELIUM, PACKED),
    "flash": (SMALL, PORTABLE),
}
"""Goal -> profiles that serve it; of those that are made for a core, the first. Cycles are estimated for a Cortex-M4;
elsewhere the profile with the fewest instructions stands for them.
"""


def profile_for(goal: str, profiles: Sequence[str] = PROFILES) -> str:
    """The profile for one of `GOALS`, of those that are made for a core.

    Raises:
      ValueError: none of them serves it.
    """
    found = next((name for name in GOALS[goal] if name in profiles), None)
    if found is None:
        raise ValueError(f"optimize={goal}: none of {', '.join(profiles)} serves it, choose a profile")
    return found
