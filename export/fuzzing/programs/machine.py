"""Runs programs of many cases at once, and finds the one that is wrong."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from export.fuzzing.case import Case
from export.fuzzing.programs import planned
from export.fuzzing.programs.planned import Planner
from export.fuzzing.programs.program import Program
from export.fuzzing.tally import Failure, Tally

Sums = tuple[list[int], bool]
"""Checksums of layers and logits, and whether memory behind output and arena is whole."""
TOO_LARGE = "a model and its inputs do not fit the board's memory"
_LINE = re.compile(r"PROGRAM index=(\d+)((?: layer=0x[0-9a-f]{8})*) output=0x([0-9a-f]{8}) whole=([01])")


class RunError(Exception):
    """Programs that could not be built or run: one line that says what happened."""


class DoesNotFit(Exception):
    """A program that a machine has no memory for: one line."""


class Machine(Protocol):
    """What builds and runs programs.

    Attributes:
      name: of checks, in brackets; empty for this machine.
      planner: what is run.
    """

    name: str
    planner: Planner

    def holds(self, programs: Sequence[Program]) -> bool:
        """False for programs whose memory, which they share, this machine has not, however they are built."""

    def run(self, programs: Sequence[Program]) -> list[Sums | str]:
        """One result per program, or why it has none. Raises `RunError` or `DoesNotFit` where nobody knows whose."""


def parse(lines: Iterable[str], first: int = 0) -> list[Sums]:
    """The results of a report, one for each program from `first` on up to the last that answered. Raises `RunError`."""
    found = [match for line in lines if (match := _LINE.fullmatch(line.strip()))]
    if [int(match[1]) for match in found] != list(range(first, first + len(found))):
        raise RunError("programs answered out of order")
    return [([*_hex(match[2]), int(match[3], 16)], match[4] == "1") for match in found]


def _hex(text: str) -> list[int]:
    return [int(field.removeprefix("layer="), 16) for field in text.split()]


def check(machine: Machine, cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
    """Plans, runs and compares, all programs or those of one label; counts what was compared and refused."""
    failures: list[Failure] = []
    programs: list[Program] = []
    for case in cases:
        made, wrong = machine.planner.programs(case, tally, lambda name: only in (None, _label(machine, name)))
        failures += [dataclasses.replace(one, check=_label(machine, one.check)) for one in wrong]
        for same in planned.distinct(made).values():
            programs.append(same[0])
            for one in same:
                tally.compared[_label(machine, one.check)] += 1
                tally.kernels.update(one.kernels)
    for one, reason in _run(machine, _held(machine, programs, tally), tally):
        if reason:
            failures.append(Failure(_label(machine, one.check), reason, one.case))
    return failures


def _held(machine: Machine, programs: Sequence[Program], tally: Tally) -> list[Program]:
    """Those that the machine has memory for, the largest last, so that halves of them are of a kind; the others are
    refused."""
    found = []
    for one in sorted(programs, key=lambda one: sum(one.memory.values())):
        if machine.holds([one]):
            found.append(one)
        else:
            _refuse(machine, one, TOO_LARGE, tally)
    return found


def _refuse(machine: Machine, one: Program, reason: str, tally: Tally) -> None:
    tally.compared[_label(machine, one.check)] -= 1
    tally.refused[f"{machine.name}: {reason}"] += 1


def _label(machine: Machine, check: str) -> str:
    return f"{check} [{machine.name}]" if machine.name else check


def _run(machine: Machine, programs: Sequence[Program], tally: Tally) -> list[tuple[Program, str]]:
    """What is wrong with each program; of a batch that fails as a whole, each half is run by itself."""
    if not programs:
        return []
    try:
        if not machine.holds(programs):
            raise DoesNotFit(TOO_LARGE)
        results = machine.run(programs)
        if len(results) != len(programs):
            raise RunError(f"{len(results)} programs of {len(programs)} answered")
    except (RunError, DoesNotFit) as error:
        if len(programs) > 1:
            middle = len(programs) // 2
            return [*_run(machine, programs[:middle], tally), *_run(machine, programs[middle:], tally)]
        if isinstance(error, RunError):
            return [(programs[0], str(error))]
        _refuse(machine, programs[0], str(error), tally)
        return []
    for one in programs:
        tally.codes += one.calls * sum(_codes(one))
    return [
        (one, found if isinstance(found, str) else one.difference(*found))
        for one, found in zip(programs, results, strict=True)
    ]


def _codes(one: Program) -> list[int]:
    layers = [] if one.stream else [layer.output_shape for layer in one.case.model.layers]
    return [height * width * channels for height, width, channels in layers] or [one.memory["output"]]
