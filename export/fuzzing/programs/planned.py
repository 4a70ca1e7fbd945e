"""All programs of a case: a plan of every profile, two of kernels at random, the streaming network."""

import dataclasses
from collections.abc import Callable, Sequence

from export.fuzzing import refusals
from export.fuzzing.case import Case
from export.fuzzing.programs import mixed_choice, program
from export.fuzzing.programs.program import Program
from export.fuzzing.tally import Failure, Tally
from export.plan import Profile, plan, plan_from, rows
from export.plan import stream as stream_plan
from export.plan.kernel import Kernel

_MIXED, _STREAM = 0, 1
_MOST_STEPS = 3
_ROWS = "rows"


@dataclasses.dataclass(frozen=True)
class Planner:
    """What of a case is planned.

    Attributes:
      profiles: of the network on one window, and of the streaming one, which takes one of them.
      kernels: of which plans at random are made.
      windows: at most so many different programs on one window; None for all.
    """

    profiles: tuple[str, ...]
    kernels: tuple[Kernel, ...]
    windows: int | None = None

    def programs(
        self, case: Case, tally: Tally, wanted: Callable[[str], bool] = lambda check: True
    ) -> tuple[list[Program], list[Failure]]:
        """The wanted ones by what they check; refusals are counted, other exceptions are failures."""
        made: list[Program] = []
        failures: list[Failure] = []
        for check, make in self._makers(case):
            if not wanted(check):
                continue
            try:
                made.append(make())
            except Exception as error:  # the very point: what is no refusal is a mistake of the program
                if refusals.is_refusal(error):
                    tally.refused[f"{check}: {refusals.words(str(error))}"] += 1
                else:
                    failures.append(Failure(check, f"{type(error).__name__}: {error}"[:300], case))
        return made, failures

    def _makers(self, case: Case) -> list[tuple[str, Callable[[], Program]]]:
        model = case.model
        rng = case.rng(_STREAM)
        profile, steps = str(rng.choice(self.profiles)), int(rng.integers(1, _MOST_STEPS + 1))
        choice = mixed_choice.draw(case.rng(_MIXED), self.kernels)
        windows: dict[str, Callable[[], Program]] = {f"C {name}": _by_profile(case, name) for name in self.profiles}
        windows[f"C {mixed_choice.NAME}"] = lambda: program.on_window(case, plan_from(model, choice, mixed_choice.NAME))
        # Row by row whether or not that takes less memory.
        windows[f"C {_ROWS}"] = lambda: program.on_window(case, rows.plan(model, Profile(choice.kernels), _ROWS))
        kept = sorted(windows)
        if self.windows is not None:
            kept = [kept[i] for i in rng.permutation(len(kept))[: self.windows]]
        stream = lambda: program.on_stream(case, stream_plan.plan(model, profile, steps))  # noqa: E731
        return [*((name, windows[name]) for name in kept), (f"stream {profile}", stream)]


def _by_profile(case: Case, name: str) -> Callable[[], Program]:
    return lambda: program.on_window(case, plan(case.model, name))


def distinct(programs: Sequence[Program]) -> dict[str, list[Program]]:
    """Programs by their text: several profiles may plan the same."""
    found: dict[str, list[Program]] = {}
    for one in programs:
        found.setdefault(one.text, []).append(one)
    return found
