"""Random models of the whole legal language: whether every implementation computes what the interpreter does.

C of every profile on this machine, with sanitizers, streaming networks, and TensorFlow Lite Micro; --device: emulated
boards, too. What fails is shrunk and written down, and --replay shows it again.

python -m export.fuzz --models=1000 --seed=0
python -m export.fuzz --models=100000 --seed=1 --folder=runs/fuzz --device
"""

import contextlib
import dataclasses
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from absl import flags

from export.fuzzing import campaign, failure_file
from export.fuzzing.campaign import FuzzConfig
from export.fuzzing.tally import Check, Tally
from kws_cli import command, held_folder

DISAGREE_EXIT_CODE = 1
_ON_BOARDS = "microcontroller.fuzz"


def define_run_flags() -> None:
    """Defines the flags of every fuzzing command."""
    defaults = FuzzConfig()
    flags.DEFINE_integer("models", defaults.models, "How many models.")
    flags.DEFINE_integer("seed", defaults.seed, "Seed of all models and inputs.")
    flags.DEFINE_float("seconds", defaults.seconds, "Begin no more models after so many seconds; none: no limit.")
    flags.DEFINE_integer("batch", defaults.batch, "Models that are compiled together.")
    flags.DEFINE_string("folder", None, "Keeps what was done, so that a run goes on where it stopped, and failures.")
    flags.DEFINE_string("replay", None, "Only compare what a file of a failure describes.")
    command.define_json_flag()


def config_of(values: Any) -> FuzzConfig:
    """The flags' settings. Raises `FuzzError`."""
    folder = None if values.folder is None else pathlib.Path(values.folder)
    return FuzzConfig(values.models, values.seed, values.seconds, values.batch, folder)


def report(run: campaign.Campaign, json_path: str | None) -> None:
    """Prints and writes what a run did."""
    total = run.journal.total
    failures = [f"{words}\n  {path}" for words, path in zip(run.words, run.files, strict=True)]
    command.say("\n".join([total.table(), *failures]), json_path)
    settings = {name: value for name, value in dataclasses.asdict(run.config).items() if name != "folder"}
    command.write_json({**settings, **total.as_dict(), "files": list(map(str, run.files))}, json_path)


def replay(path: str, check: Check) -> None:
    """Compares again what a file describes; ends with 1 where it still fails. Raises `FuzzError`."""
    failure = failure_file.read(path)
    tally = Tally(models=1)
    found = check([failure.case], tally)
    for one in found:
        print(f"{one.check}: {one.reason}")
    print(tally.table())
    if found:
        sys.exit(DISAGREE_EXIT_CODE)


def work(values: Any, what: str, check: Check, kernels: tuple[Any, ...]) -> None:
    """Runs, reports, and ends with 1 where something failed; interrupted, it says what was done before it ends."""
    if values.replay is not None:
        replay(values.replay, check)
        return
    run = campaign.begun(config_of(values), what)
    try:
        run.run(what, check, kernels)
    except KeyboardInterrupt:
        report(run, values.json)
        goes_on = "the same command goes on" if run.config.folder else "with --folder=F it would go on from here"
        print(f"{run.journal.total.models} of {run.config.models} models: {goes_on}", file=sys.stderr)
        raise
    report(run, values.json)
    if run.journal.total.failures:
        sys.exit(DISAGREE_EXIT_CODE)


@contextlib.contextmanager
def _check() -> Iterator[tuple[Check, tuple[Any, ...]]]:
    from export.fuzzing import here
    from export.fuzzing.programs.host_machine import KERNELS

    with held_folder.made("fxp-fuzz-") as folder:
        yield here.check_in(folder), KERNELS


def _define_flags() -> None:
    define_run_flags()
    flags.DEFINE_bool("device", False, f"Then on emulated boards, too: python -m {_ON_BOARDS}.")


def _work(values: Any) -> None:
    config_of(values)
    if values.replay is not None:
        failure_file.read(values.replay)  # before a compiler is started for it
    with _check() as (check, kernels):
        work(values, "host", check, kernels)
    if values.device:
        again = [argument for argument in sys.argv[1:] if not argument.lstrip("-").startswith(("device", "json"))]
        sys.exit(subprocess.call([sys.executable, "-m", _ON_BOARDS, *again]))


def main() -> None:
    """The command `python -m export.fuzz`."""
    command.run(_work, _define_flags)


if __name__ == "__main__":
    main()
