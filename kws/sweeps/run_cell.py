"""Trains, converts and measures one cell, in a process of its own. `python -m kws.sweeps.run_cell --job=FILE`."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from absl import flags

from export.bundle import conversion
from export.model import accumulator
from kws import datasets
from kws.evaluation import clips
from kws.evaluation.backends import INTERPRETER
from kws.sweeps import cell as cell_files
from kws.sweeps.cell import MEASURED_SPLITS, POST_TRAINING, RESULT, Cell
from kws.sweeps.differences import OUTCOMES
from kws.training import devices, run_folder
from kws.training import run as training
from kws.training.run_folder import FIXED_POINT, FLOAT, HISTORY, METRICS, RunFolder
from kws_cli import command, interrupts

_LOOKED_AFTER_S = 0.5
_LEFT_S = 1.0


def run(cell: Cell) -> None:
    """Finishes the cell, from where an earlier process left it; does nothing for a finished one.

    Raises:
      TrainingError: data, float model or folder are not as they should be.
    """
    with _alone(cell):
        if cell.result.is_file():
            return
        begun = (cell.run_dir / run_folder.SETTINGS).is_file()
        if cell.run_dir.exists() and not begun:
            shutil.rmtree(cell.run_dir)
        folder = training.run(
            cell.config,
            cell.run_dir,
            resume=begun,
            float_run=cell.float_run,
            keep_epochs=True,
            cache_dir=cell.cache_dir,
            above_chance=(FLOAT,),  # what too few bits come to is a result
        )
        folder.write_json(RESULT, _result(cell, folder))  # last: then the cell is finished


@contextlib.contextmanager
def _alone(cell: Cell) -> Iterator[None]:
    """Waits for a process that still works on the cell: the last one of a sweep that was killed."""
    with cell.lock.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _result(cell: Cell, folder: RunFolder) -> dict[str, Any]:
    """The float model's and the calibrated model's metrics are Keras', the final ones the integer interpreter's."""
    metrics = folder.read_json(METRICS)
    stages = {FLOAT: metrics[FLOAT]}
    result = {name: getattr(cell, name) for name in ("name", "variant", "width", "settings")}
    result[run_folder.BATCH_SIZE] = run_folder.batch_size(folder)
    if not cell.is_float:
        bundle = conversion.convert(conversion.ConvertConfig(folder.path, folder.path / "bundle", allow_chance=True))
        dataset = datasets.load(cell.config.dataset)
        stages[POST_TRAINING] = metrics[POST_TRAINING]
        stages[FIXED_POINT], outcomes = {}, {}
        for split in MEASURED_SPLITS:
            config = clips.EvaluateConfig(bundle.path, cell.config.dataset, split, INTERPRETER, cell.cache_dir)
            stages[FIXED_POINT][split], heard = clips.measure(bundle, dataset, config)
            outcomes[split] = heard.to_json()
        folder.write_json(OUTCOMES, outcomes)
        result["accumulator_bits_proved"] = max(accumulator.required_bits(layer) for layer in bundle.model.layers)
        result["weight_bytes"] = sum(layer.weight_bytes for layer in bundle.model.layers)
        result["sha256"] = bundle.model.sha256
    history = folder.read_json(HISTORY) if folder.file(HISTORY).is_file() else []
    return {**result, "seconds": round(sum(row["seconds"] for row in history), 1), "stages": stages}


def _stop_with_sweep(sweep: int) -> None:
    """Interrupts this process when standard input ends, which the sweep holds open as long as it lives.

    A sweep that a shell started in its background ignores SIGINT, and its cells would, too. One that goes on waits for
    the cell; where it was killed there is nobody to wait, and what takes longer than a second is cut off: a run can
    be killed at any moment.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.listen()

    def watch() -> None:
        # Not sys.stdin, whose lock a thread that reads holds until the interpreter ends, which then aborts.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGINT)
        while os.getppid() == sweep:
            time.sleep(_LOOKED_AFTER_S)
        time.sleep(_LEFT_S)
        os._exit(command.INTERRUPTED_EXIT_CODE)

    threading.Thread(target=watch, daemon=True).start()


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_required_flag("job", "The job's file, written by kws.sweep.")
    flags.DEFINE_integer("stop_with_sweep", None, "End, as by Ctrl-C, with standard input of the sweep of that number.")


def main() -> None:
    """The command `python -m kws.sweeps.run_cell`."""

    def work(values: flags.FlagValues) -> None:
        if values.stop_with_sweep is not None:
            _stop_with_sweep(values.stop_with_sweep)
        cell = cell_files.read(pathlib.Path(values.job)).on_this_machine
        devices.prepare(cell.config.threads)
        run(cell)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
