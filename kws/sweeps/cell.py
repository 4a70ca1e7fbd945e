"""A cell of a sweep, and where its files lie in the sweep's folder.

float/seed0/                  a run: the float model of a seed, shared by its cells
cells/w4a8-fxp-qat-seed0/     a run, and in it bundle/, outcomes.json (what it and its float
                              model answered to each clip) and result.json, which is written last
feature_cache/                features and augmented epochs, shared by all cells
jobs/                         what each cell was asked to do, and its lock
logs/                         what each cell printed
results.csv, results.json     a row for each finished cell
"""

import dataclasses
import json
import os
import pathlib
import re
from typing import Any

from kws.datasets import DatasetConfig, dataset_flags
from kws.sweeps.matrix import Matrix, Row
from kws.sweeps.sweep_error import SweepError
from kws.training.run_folder import FIXED_POINT, FLOAT
from kws.training.settings import TrainConfig
from kws_cli import atomic, json_file
from kws_cli.settings import settings_of, to_json

FLOAT_NAME = "float"
RESULT = "result.json"
# What a result holds metrics of; "post_training" is the model in fixed point before it is fine-tuned.
POST_TRAINING = "post_training"
STAGES = (FLOAT, POST_TRAINING, FIXED_POINT)
MEASURED_SPLITS = ("validation", "testing")
_FOLDERS = ("data_dir", "cache_dir", "scratch_dir")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
      sweep_dir: the sweep's folder, absolute.
      folder: of the run, relative to it; its last part names the job's files too.
      name, variant, width: of the row; a float model has name `FLOAT_NAME` and neither variant nor width.
      settings: of the training, as JSON values.
      machine: settings of the dataset that differ between machines, such as `data_dir`; folders may name environment
        variables, as $TMPDIR, of the machine that runs the cell.
      float_run: the run whose float model is taken; None to train it.
    """

    sweep_dir: str
    folder: str
    name: str
    variant: str
    width: str
    settings: dict[str, Any]
    machine: dict[str, Any]
    float_run: str | None

    @property
    def config(self) -> TrainConfig:
        dataset = dataset_flags.from_json(self.settings["dataset"], **self.machine)
        return TrainConfig.from_json(self.settings, dataset)

    @property
    def title(self) -> str:
        return f"{self.name}, seed {self.settings['seed']}"

    @property
    def is_float(self) -> bool:
        return not self.width

    @property
    def run_dir(self) -> pathlib.Path:
        return pathlib.Path(self.sweep_dir) / self.folder

    @property
    def cache_dir(self) -> pathlib.Path:
        return pathlib.Path(self.sweep_dir) / "feature_cache"

    @property
    def result(self) -> pathlib.Path:
        return self.run_dir / RESULT

    @property
    def log(self) -> pathlib.Path:
        return pathlib.Path(self.sweep_dir) / "logs" / f"{self._file_name}.log"

    @property
    def path(self) -> pathlib.Path:
        """The job's own file."""
        return pathlib.Path(self.sweep_dir) / "jobs" / f"{self._file_name}.json"

    @property
    def lock(self) -> pathlib.Path:
        """Held by the process that works on the cell."""
        return self.path.with_suffix(".lock")

    @property
    def stopped(self) -> pathlib.Path:
        """What a search that stopped the cell has written: its epochs so far (`kws.sweeps.search`)."""
        return self.path.with_suffix(".stopped.json")

    @property
    def _file_name(self) -> str:
        return self.folder.replace("/", "-")

    @property
    def effort(self) -> float:
        """Roughly what it costs: an epoch in fixed point is twice one in float, loading and measuring one of these."""
        config = self.config
        float_epochs = 0 if self.float_run else config.float_epochs
        return float_epochs + 2 * config.fixed_point_epochs + 1

    @property
    def _depends_on(self) -> dict[str, Any]:
        """The settings that the result depends on, by name."""
        if self.is_float:
            return self.config.float_stage
        settings, _ = _parts(self.config)
        return {**{name: value for name, value in settings.items() if name != "method"}, **settings["method"]}

    @property
    def on_this_machine(self) -> "Cell":
        """The cell with this machine's own folders. Raises `SweepError` where one names a variable that is not set."""
        machine = {name: expanded(name, value) if name in _FOLDERS else value for name, value in self.machine.items()}
        return dataclasses.replace(self, machine=machine)

    def within(self, sweep_dir: pathlib.Path) -> "Cell":
        """The cell in another folder, and its float model too if that is one of the sweep's."""
        float_run = self.float_run
        if float_run and pathlib.Path(float_run).is_relative_to(self.sweep_dir):
            float_run = str(sweep_dir / pathlib.Path(float_run).relative_to(self.sweep_dir))
        return dataclasses.replace(self, sweep_dir=str(sweep_dir), float_run=float_run)

    def write(self) -> None:
        """Writes the job's file. Raises `SweepError` where the sweep has a cell of this name with other settings."""
        if self.path.is_file():
            before = read(self.path)._depends_on
            for name, value in self._depends_on.items():
                other = before[name]
                if other != value:
                    raise SweepError(
                        f"{self.title} was begun in sweep_dir={self.sweep_dir} with {name}={other}, not {value}: "
                        f"choose another folder, or remove {self.run_dir} and {self.path}"
                    )
        atomic.write_text(self.path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")


def read(path: str | pathlib.Path) -> Cell:
    """The cell in a file that `Cell.write` wrote. Raises `SweepError` for a missing or damaged one."""
    try:
        return json_file.read(path, Cell)
    except (OSError, ValueError) as error:
        raise SweepError(f"{path} is no job of a sweep ({error}): remove it and run the sweep again") from error


def expanded(name: str, folder: str | None) -> str | None:
    """A folder with the values of environment variables in it. Raises `SweepError` for one that is not set."""
    found = os.path.expandvars(folder) if folder else folder
    unset = re.search(r"\$\{?\w+", found) if found else None
    if unset:
        raise SweepError(
            f"{name}={folder}: {unset.group().strip('${')} is not set on this machine: set it, or give a path"
        )
    return found


def plan(
    matrix: Matrix, rows: tuple[Row, ...], seeds: tuple[int, ...], sweep_dir: pathlib.Path, float_runs: str | None
) -> tuple[list[Cell], list[Cell]]:
    """The float models that the cells need, and the cells, seed by seed.

    Args:
      rows: those of `matrix` to run.
      float_runs: runs to take float models from, a path with {seed} in it; None to train them.
    """
    floats: dict[str, Cell] = {}
    cells = []
    for seed in seeds:
        for row in rows:
            config = dataclasses.replace(row.config, seed=seed)
            source = _float_cell(matrix.base, config, sweep_dir, float_runs)
            floats.setdefault(source.folder, source)
            folder = f"cells/{row.slug}-seed{seed}"
            names = (folder, row.name, row.variant, row.width)
            cells.append(Cell(str(sweep_dir), *names, *_parts(config), float_run=str(source.run_dir)))
    return list(floats.values()), cells


def _float_cell(base: TrainConfig, config: TrainConfig, sweep_dir: pathlib.Path, float_runs: str | None) -> Cell:
    """The float model of a cell. Rows that change what it depends on have one of their own, named after the change."""
    seed = config.seed
    default = dataclasses.replace(base, seed=seed).float_stage
    changed = {name: value for name, value in config.float_stage.items() if value != default[name]}
    settings = {name: value for name, value in config.float_stage.items() if name != "dataset"}
    allowed = {name: getattr(config, name) for name in ("allow_few", "allow_chance")}
    float_config = TrainConfig(config.dataset, fixed_point_epochs=0, **allowed, **settings)
    suffix = "".join(f"{name}={value}-" for name, value in changed.items())
    title = f"{FLOAT_NAME} ({', '.join(f'{k}={v}' for k, v in changed.items())})" if changed else FLOAT_NAME
    taken = str(pathlib.Path(float_runs.replace("{seed}", str(seed))).resolve()) if float_runs else None
    return Cell(str(sweep_dir), f"float/{suffix}seed{seed}", title, "", "", *_parts(float_config), float_run=taken)


def _parts(config: TrainConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings as JSON values, and what is this machine's alone."""
    machine = {
        each.name: getattr(config.dataset, each.name) for each in settings_of(DatasetConfig) if each.is_of_machine
    }
    for name in _FOLDERS:
        if machine[name] and not machine[name].startswith("$"):
            machine[name] = str(pathlib.Path(machine[name]).resolve())
    return to_json(config), machine
