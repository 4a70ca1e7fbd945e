"""Random models on emulated boards: whether each board computes what the interpreter does.

The models, flags and files of `python -m export.fuzz`, with every model on every board, many in one firmware.

python -m microcontroller.fuzz --models=200 --seed=0
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags

from export import fuzz
from export.fuzzing.case import Case
from export.fuzzing.tally import Check, Failure, Tally
from kws_cli import command, held_folder

_BOARDS = ("mps2_an386", "mps3_an547", "nrf51")
"""A Cortex-M4 with DSP instructions, a Cortex-M55 with vectors, a Cortex-M0."""
_INPUTS = [1, 3, 4, 6, 8]
"""Of those that this machine runs: an emulator is slow."""


@contextlib.contextmanager
def _check(names: Sequence[str]) -> Iterator[tuple[Check, tuple[Any, ...]]]:
    from export.fuzzing.programs import machine
    from microcontroller.fuzzing.board_machine import BoardMachine

    with held_folder.made("fxp-fuzz-boards-") as folder:
        machines = [BoardMachine(name, folder) for name in names]

        def check(cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
            cases = [_with_fewer_inputs(case) for case in cases]
            return [failure for one in machines for failure in machine.check(one, cases, tally, only)]

        yield check, ()


def _with_fewer_inputs(case: Case) -> Case:
    kept = [i for i in _INPUTS if i < len(case.codes)]
    return dataclasses.replace(case, codes=case.codes[kept]) if len(case.codes) > max(_INPUTS) else case


def define_flags() -> None:
    """Defines this command's flags."""
    fuzz.define_run_flags()
    flags.DEFINE_list("boards", list(_BOARDS), "Of microcontroller/boards/, each with the kernels of its core.")


def _work(values: Any) -> None:
    fuzz.config_of(values)
    with _check(values.boards) as (check, kernels):
        fuzz.work(values, f"boards {','.join(values.boards)}", check, kernels)


def main() -> None:
    """The command `python -m microcontroller.fuzz`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
