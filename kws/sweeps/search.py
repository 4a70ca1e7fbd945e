"""Ray Tune stops cells of a sweep that lag behind: asynchronous successive halving, ASHA (Li et al., arXiv:1810.05934).

At each rung, after so many epochs, a cell goes on if its validation accuracy is among the best of those that have come
so far. What it has trained stays: a cell that is begun again goes on from its last epoch.
"""

import contextlib
import dataclasses
import importlib.util
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import msgspec

from kws.sweeps import workers
from kws.sweeps.cell import Cell
from kws.sweeps.sweep_error import SweepError
from kws.training.run_folder import FIXED_POINT, FLOAT, HISTORY
from kws_cli import atomic, held_folder, json_file

_EPOCH, _ACCURACY, _ERROR = "epoch", "validation_accuracy", "error"
_NEEDED = ("pandas", "pyarrow", "tensorboardX")
_REQUIREMENTS = "requirements-search.txt"


@dataclasses.dataclass(frozen=True)
class Halving:
    """When a cell is stopped.

    Attributes:
      grace_epochs: of a stage that every cell trains; rungs are these, times `reduction_factor`, times it again, ...
      reduction_factor: at a rung the best 1 / reduction_factor go on.
    """

    grace_epochs: int = 4
    reduction_factor: int = 3


def check_installed() -> None:
    """Raises `SweepError` where Ray Tune lacks what it needs."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SweepError(f"search=asha needs {', '.join(missing)}: run pip install -r {_REQUIREMENTS}")


@contextlib.contextmanager
def this_machine(parallel: int) -> Iterator[None]:
    """A cluster of this machine alone, on which `parallel` cells of a core each run at a time.

    Raises:
      SweepError: Ray doesn't start.
    """
    import ray

    try:
        ray.init("local", num_cpus=parallel, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises no narrower one
        raise SweepError(f"search=asha: Ray does not start on this machine: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def is_of_use(batch: Sequence[Cell]) -> bool:
    """Whether there is something to compare, and something left after it."""
    return len(batch) > 1 and max(map(_epochs, batch)) > 1


def run(
    cells: Sequence[Cell],
    ended_before: Sequence[Cell],
    halving: Halving,
    cores: int,
    gpus: float,
    ended: Callable[[Cell, str | None], None],
) -> None:
    """Runs the cells on the cluster that Ray is connected to, whose machines all see the sweep's folder.

    Args:
      cells: with `ended_before` a batch that `is_of_use` says yes to.
      ended_before: cells of the same stage that are finished, or were stopped by an earlier search: cells are measured
        against them, too.
      cores, gpus: of each cell.
      ended: takes a cell and why it failed; None for one that is finished, or was stopped (`Cell.stopped` says so).
    """
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    everyone = [*ended_before, *cells]
    last_rung = max(_epochs(cell) for cell in everyone) - 1  # at the last epoch there is nothing left to stop
    scheduler = ASHAScheduler(
        time_attr=_EPOCH,
        max_t=last_rung,
        grace_period=min(halving.grace_epochs, last_rung),
        reduction_factor=halving.reduction_factor,
        stop_last_trials=False,
    )
    told = _teller(everyone, set(map(id, cells)), ended)
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
    os.environ["TUNE_DISABLE_STRICT_METRIC_CHECKING"] = "1"
    with held_folder.made("kws-search-") as folder:
        trial = tune.with_parameters(_trial, cells=everyone, gpus=gpus, program=workers.RUN_CELL)
        tune.Tuner(
            tune.with_resources(trial, {"cpu": cores, "gpu": gpus}),
            param_space={"number": tune.grid_search(list(range(len(everyone))))},
            tune_config=tune.TuneConfig(metric=_ACCURACY, mode="max", scheduler=scheduler, reuse_actors=False),
            run_config=tune.RunConfig(storage_path=str(folder), name="search", verbose=0, callbacks=[told]),
        ).fit()


def _epochs(cell: Cell) -> int:
    config = cell.config
    return config.float_epochs if cell.is_float else config.fixed_point_epochs


def _teller(cells: Sequence[Cell], wanted: set[int], ended: Callable[[Cell, str | None], None]) -> Any:
    """The callback that hears from Ray Tune what became of trials."""
    from ray import tune

    class Teller(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            cell = cells[trial.config["number"]]
            last = trial.last_result or {}
            if id(cell) not in wanted:
                return
            if _ERROR not in last:
                stop(cell, last[_EPOCH], last[_ACCURACY])
            ended(cell, last.get(_ERROR) or None)

        def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            cell = cells[trial.config["number"]]
            if id(cell) in wanted:
                ended(cell, "lost on the cluster")

    return Teller()


def stop(cell: Cell, epoch: int, accuracy: float) -> None:
    """Notes that the cell was stopped."""
    rows = [row for row in _reports(cell) if row[_EPOCH] <= epoch]
    atomic.write_text(cell.stopped, json.dumps(rows or [{_EPOCH: epoch, _ACCURACY: accuracy}]) + "\n")


def said_of_stopped(cell: Cell) -> str:
    """When and with what a cell was stopped, in words."""
    last = _kept(cell)[-1]
    return f"stopped after epoch {last[_EPOCH]}, validation {100 * last[_ACCURACY]:.2f} %"


def _kept(cell: Cell) -> list[dict[str, Any]]:
    """The epochs of a stopped cell. Raises `SweepError` where its file is damaged."""
    try:
        return json_file.read(cell.stopped, Annotated[list[dict[str, float]], msgspec.Meta(min_length=1)])
    except (OSError, ValueError) as error:
        raise SweepError(f"{cell.stopped} is damaged ({error}): remove it and run the sweep again") from error


def _trial(config: dict[str, Any], cells: Sequence[Cell], gpus: float, program: tuple[str, ...]) -> None:
    """One trial, in a process of Ray's: runs a cell and reports each of its epochs."""
    from ray import tune

    cell = cells[config["number"]]
    reported = 0

    def watch(running: Cell) -> None:
        nonlocal reported
        for row in _reports(running)[reported:]:
            reported += 1
            tune.report(row)

    if cell.stopped.is_file():
        for row in _kept(cell):
            tune.report(row)
        return
    error = None
    if not cell.result.is_file():
        error = workers.run_remote(cell, None, program, gpus, watch)
    watch(cell)
    tune.report({_ERROR: error or ""})


def _reports(cell: Cell) -> list[dict[str, Any]]:
    """The epochs of the cell's own stage that its run has finished."""
    path = cell.run_dir / HISTORY
    try:
        history = json_file.read(path, list[dict[str, Any]]) if path.is_file() else []
    except (OSError, ValueError):
        return []
    stage = FLOAT if cell.is_float else FIXED_POINT
    return [{name: row[name] for name in (_EPOCH, _ACCURACY)} for row in history if row["stage"] == stage]
