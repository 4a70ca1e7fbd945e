"""Runs a matrix of configurations x seeds. `python -m kws.sweep --sweep_dir=S --dataset=... --seeds=0,1,2`.

A cell is one configuration with one seed: a run of kws.train, its bundle, and the bundle's metrics. The float model
of a seed is trained once and shared. What is finished is never repeated: the same command goes on after a kill.
"""

import contextlib
import dataclasses
import fnmatch
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

from absl import flags

from kws import datasets
from kws.datasets import DatasetConfig, dataset_flags
from kws.sweeps import cell as cell_files
from kws.sweeps import matrix as matrices
from kws.sweeps import results, search, sweep_folder, workers
from kws.sweeps.cell import Cell
from kws.sweeps.search import Halving
from kws.sweeps.shared_storage import is_url
from kws_cli import command
from kws_cli.command import UserError
from kws_cli.cores import usable_cores
from kws_cli.settings import spelled

SEARCHES = ("asha",)
ABLATION = pathlib.Path(__file__).parent / "sweeps" / "ablation.toml"


@dataclasses.dataclass(frozen=True)
class SweepConfig:
    """What to run.

    Attributes:
      sweep_dir: folder of the sweep; or the URL of a place that fsspec knows, to which machines send finished cells.
      dataset: of all cells.
      matrix: the matrix file.
      seeds: of the training.
      only: shell patterns; rows that match none are not run. Empty for all rows.
      parallel: cells at a time on this machine.
      float_runs: runs to take float models from, a path with {seed} in it; None to train them.
      ray_address: of a Ray cluster that runs the cells; None for this machine.
      gpus_per_cell: of the cluster's GPUs; a part of one where cells share it.
      halving: when cells that lag behind are stopped; None to finish all.
      allow_few, allow_chance: of `kws.training.settings.TrainConfig`, for all rows.
    """

    sweep_dir: str | pathlib.Path
    dataset: DatasetConfig
    matrix: pathlib.Path = ABLATION
    seeds: tuple[int, ...] = (0,)
    only: tuple[str, ...] = ()
    parallel: int = 1
    float_runs: str | None = None
    ray_address: str | None = None
    gpus_per_cell: float = 0.0
    halving: Halving | None = None
    allow_few: bool = False
    allow_chance: bool = False

    @property
    def url(self) -> str | None:
        """`sweep_dir` where that is a URL."""
        return str(self.sweep_dir) if is_url(self.sweep_dir) else None

    @property
    def cell_dataset(self) -> DatasetConfig:
        """`dataset` with the number of a cell's worker processes: cells at a time share this machine's cores."""
        share = max(1, usable_cores() // self.parallel)
        return dataclasses.replace(self.dataset, processes=self.dataset.processes or share)


@dataclasses.dataclass
class Progress:
    """How far a sweep is: cells done and the effort left, from which the time left is estimated."""

    left: list[Cell]
    say: Callable[[str], None]
    done: float = 0.0
    ended: int = 0
    since: float = dataclasses.field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.total = len(self.left)

    def started(self, cell: Cell) -> None:
        self.say(f"started {cell.title}; its output: {cell.log}")

    def finished(self, cell: Cell, error: str | None, text: str) -> None:
        self.left.remove(cell)
        self.ended += 1
        self.done += cell.effort
        left = sum(cell.effort for cell in self.left) * (time.monotonic() - self.since) / self.done
        end = f"; about {left / 60:.0f} min left" if self.left else ""
        self.say(f"[{self.ended}/{self.total}] {cell.title}: {'FAILED, ' + error if error else text}{end}")


def sweep(config: SweepConfig, say: Callable[[str], None] = print) -> list[str]:
    """Runs what is not finished and writes results.csv and results.json after every cell.

    Returns:
      Title and reason of each failed cell.

    Raises:
      UserError, SweepError, DatasetError: matrix, folder, cluster or corpus are not as they should be; no cell has run
        then.
    """
    if config.halving:
        search.check_installed()
    dataset = config.cell_dataset
    matrix = matrices.load(config.matrix, dataset, config.allow_few, config.allow_chance)
    rows = _chosen(matrix.rows, config.only)
    with contextlib.ExitStack() as held:
        folder = held.enter_context(sweep_folder.open_folder(config.sweep_dir))
        floats, cells = cell_files.plan(matrix, rows, config.seeds, folder.path, config.float_runs)
        cluster = _cluster(config, dataset)
        if cluster:
            held.callback(cluster.close)
        for cell in (*floats, *cells):
            folder.write_job(cell)

        def write() -> list[dict[str, Any]]:
            return folder.write_results([row.name for row in matrix.rows], matrix.left_out, (*floats, *cells))

        write()
        waiting = [cell for cell in (*floats, *cells) if not (cell.result.is_file() or _is_out(cell, config))]
        finished = len(floats) + len(cells) - len(waiting)
        how = "finished or stopped" if config.halving else "finished"
        if waiting and not cluster and not dataset.download:
            datasets.find(dataset)  # else every cell would fail of it
        say(f"{len(rows)} rows, {len(config.seeds)} seeds: {finished} cells are {how}, {len(waiting)} to do")
        if config.halving and waiting and not cluster:
            held.enter_context(search.this_machine(config.parallel))
        progress = Progress(waiting, lambda text: say(folder.shown(text)))
        failed: dict[str, str] = {}

        def ended(cell: Cell, error: str | None) -> None:
            folder.ended(cell)
            if error:
                failed[cell.title] = error
            found = write()
            out = _is_out(cell, config) and not error
            progress.finished(cell, error, search.said_of_stopped(cell) if out else _headline(cell, found))

        try:
            for batch in (floats, cells):
                ready, hopeless = _ready([cell for cell in batch if cell in progress.left], failed, config)
                stopped = {str(cell.run_dir) for cell in floats if _is_out(cell, config)}
                for cell in hopeless:
                    if cell.float_run in stopped:
                        progress.finished(cell, None, "left out, its float model was stopped")
                        continue
                    failed[cell.title] = "its float model failed"
                    progress.finished(cell, failed[cell.title], "")
                if config.halving and ready and search.is_of_use(batch):
                    before = [cell for cell in batch if cell.result.is_file() or _is_out(cell, config)]
                    resources = (dataset.worker_processes, config.gpus_per_cell) if cluster else (1, 0.0)
                    search.run(ready, before, config.halving, *resources, ended)
                    continue
                # Closed at once where it is left early, so that running cells stop, resumably.
                with contextlib.closing(_run(ready, config, cluster, progress)) as outcomes:
                    for cell, error in outcomes:
                        ended(cell, error)
        except KeyboardInterrupt:
            print("\ninterrupted: finished cells and epochs are kept; go on with the same command", file=sys.stderr)
            raise
    return [f"{title}: {error}" for title, error in failed.items()]


def _cluster(config: SweepConfig, dataset: DatasetConfig) -> workers.RayCluster | None:
    if config.ray_address is None:
        return None
    return workers.RayCluster(config.ray_address, dataset.worker_processes, config.gpus_per_cell, config.url)


def _chosen(rows: tuple[matrices.Row, ...], only: tuple[str, ...]) -> tuple[matrices.Row, ...]:
    for pattern in only:
        if not any(fnmatch.fnmatchcase(row.name, pattern) for row in rows):
            raise UserError(f"--only={pattern} matches no row; the rows are: {'; '.join(row.name for row in rows)}")
    return tuple(row for row in rows if not only or any(fnmatch.fnmatchcase(row.name, pattern) for pattern in only))


def _is_out(cell: Cell, config: SweepConfig) -> bool:
    """Whether a search has stopped the cell; a sweep without search goes on with it."""
    return config.halving is not None and cell.stopped.is_file() and not cell.result.is_file()


def _ready(batch: list[Cell], failed: dict[str, str], config: SweepConfig) -> tuple[list[Cell], list[Cell]]:
    """The cells whose float model is there (or not needed), and the others."""
    hopeless = []
    if failed or config.halving:
        hopeless = [cell for cell in batch if not _has_float_model(cell)]
    return [cell for cell in batch if cell not in hopeless], hopeless


def _has_float_model(cell: Cell) -> bool:
    return cell.float_run is None or (pathlib.Path(cell.float_run) / cell_files.RESULT).is_file()


def _run(
    batch: list[Cell], config: SweepConfig, cluster: workers.RayCluster | None, progress: Progress
) -> workers.Outcomes:
    if cluster:
        return cluster.run(batch)
    return workers.run_local(batch, config.parallel, progress.started, config.url)


def _headline(cell: Cell, found: list[dict[str, Any]]) -> str:
    for row in found:
        if (row["name"], row["seed"]) == (cell.name, cell.settings["seed"]):
            text = f"float {100 * row['testing_float_accuracy']:.2f} %"
            if not cell.is_float:
                text = f"testing {100 * row['testing_fixed_point_accuracy']:.2f} %, {text}"
            fewer = row["batch_size"] < cell.settings["batch_size"]
            return f"{text}, few examples: batches of {row['batch_size']}" if fewer else text
    return ""


def define_flags() -> None:
    """Defines this command's flags."""
    dataset_flags.define_flags()
    flags.DEFINE_enum("search", None, SEARCHES, "Stop cells that lag behind in validation accuracy, through Ray Tune.")
    flags.DEFINE_integer(
        "grace_epochs", Halving.grace_epochs, "With --search: epochs of a stage that every cell trains.", lower_bound=1
    )
    flags.DEFINE_integer(
        "reduction_factor", Halving.reduction_factor, "With --search: of so many cells one goes on.", lower_bound=2
    )
    command.define_required_flag(
        "sweep_dir", "Folder of the sweep, or a URL as s3://bucket/sweep; one with a part of it is gone on with."
    )
    for name, text in (("allow_few", "few clips"), ("allow_chance", "float models near chance")):
        flags.DEFINE_bool(name, False, f"Go on with {text}, as {name} of kws.train.")
    flags.DEFINE_string("matrix", str(ABLATION), "The matrix of settings, TOML or JSON (see docs/results.md).")
    flags.DEFINE_list("seeds", ["0"], "Seeds, separated by commas: every row is run with each.")
    flags.DEFINE_multi_string("only", [], "Run only rows whose name matches this shell pattern; may be repeated.")
    flags.DEFINE_integer("parallel", 1, "Cells at a time on this machine, which share its cores.", lower_bound=1)
    flags.DEFINE_string(
        "float_runs", None, "Take float models from these runs, e.g. runs/s{seed}, which must agree in their settings."
    )
    flags.DEFINE_string("ray_address", None, "Run the cells on this Ray cluster (host:port), --processes cores each.")
    flags.DEFINE_float(
        "gpus_per_cell", 0.0, "GPUs of the Ray cluster for each cell, also 0.25 of one.", lower_bound=0.0
    )


def config_from_flags(values: flags.FlagValues) -> SweepConfig:
    """The settings that the flags spell. Raises `UserError` for an impossible one."""
    if values.dataset != "synthetic":
        command.require(data_dir=values.data_dir)
    if values.download and (values.parallel > 1 or values.ray_address):
        raise UserError("--download needs --parallel=1 and no --ray_address: cells would fetch the corpus side by side")
    if values.ray_address and values["parallel"].present:
        raise UserError("--parallel and --ray_address exclude each other: the cluster decides how many cells it runs")
    if values.ray_address and values.reading_cluster:
        raise UserError("--reading_cluster and --ray_address exclude each other: cells would wait for their own cores")
    if values.gpus_per_cell and not values.ray_address:
        raise UserError(f"--gpus_per_cell={values.gpus_per_cell} is for a Ray cluster: give its --ray_address, too")
    if values.gpus_per_cell > 1 and not values.gpus_per_cell.is_integer():
        raise UserError(f"--gpus_per_cell={values.gpus_per_cell}: give a part of one GPU, or a whole number of them")
    if values.float_runs and "{seed}" not in values.float_runs:
        raise UserError(f"--float_runs={values.float_runs} has no {{seed}} in it: give a path such as runs/s{{seed}}")
    for name in ("grace_epochs", "reduction_factor"):
        if values[name].present and not values.search:
            raise UserError(f"--{name}={values[name].value} is for --search: add --search=asha, or leave --{name} out")
    if values.search and is_url(values.sweep_dir):
        raise UserError(f"--search needs a path that all machines see, not --sweep_dir={values.sweep_dir}")
    for seed in values.seeds:
        if not seed.strip().isdecimal():
            raise UserError(f"--seeds={','.join(values.seeds)}: {seed!r} is no seed: give numbers from 0, as in 0,1,2")
    return SweepConfig(
        sweep_dir=values.sweep_dir,
        dataset=dataset_flags.config_from_flags(values),
        matrix=pathlib.Path(values.matrix),
        seeds=tuple(dict.fromkeys(int(seed) for seed in values.seeds)),
        only=tuple(values.only),
        parallel=values.parallel,
        float_runs=values.float_runs,
        ray_address=values.ray_address,
        gpus_per_cell=values.gpus_per_cell,
        allow_few=values.allow_few,
        allow_chance=values.allow_chance,
        halving=Halving(values.grace_epochs, values.reduction_factor) if values.search else None,
    )


def main() -> None:
    """The command `python -m kws.sweep`."""

    def work(values: flags.FlagValues) -> None:
        config = config_from_flags(values)
        failed = sweep(config, lambda text: print(text, flush=True))
        then = spelled("python -m kws.report", {"sweep_dir": config.sweep_dir})
        print(f"results: {config.sweep_dir}/{results.CSV}; next: {then}")
        if failed:
            print(f"{len(failed)} cells failed:", *failed, sep="\n  ", file=sys.stderr)
            # Few clips, or a float model near chance: what these flags would let pass.
            refused = any(f"{name}=true" in line for line in failed for name in ("allow_few", "allow_chance"))
            sys.exit(command.USER_ERROR_EXIT_CODE if refused else 1)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
