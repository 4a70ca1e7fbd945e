"""A run: the folder that `kws.train` writes.

run.json                     settings, teachers and environment
frontend.json                the calibrated front end
testing.npz                  features of the test split, for golden vectors
float/, fixed_point/         each stage's checkpoints and its final model (.h5), and the network after each phase (.npz)
formats.json                 the Q-formats that stage 2 ends with
history.json                 one row per epoch
metrics.json                 each stage's metrics on validation and testing
tensorboard/                 logs of the same
"""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import platform
from typing import Any

from cli import atomic
from cli.command import UserError

SETTINGS = "run.json"
TEACHERS = "teachers"
FRONTEND = "frontend.json"
FORMATS = "formats.json"
HISTORY = "history.json"
METRICS = "metrics.json"
FLOAT = "float"
FIXED_POINT = "fixed_point"
_PACKAGES = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "tensorflow-io", "numpy", "cmsisdsp")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of a run; writes are atomic, so that an interruption leaves whole files."""

    path: pathlib.Path

    def file(self, name: str) -> pathlib.Path:
        return self.path / name

    def model_path(self, stage: str) -> pathlib.Path:
        """The final model of a stage, FLOAT or FIXED_POINT."""
        return self.path / stage / "model.h5"

    def phase_path(self, epochs: int) -> pathlib.Path:
        """The network after a phase of stage 2 that is not its last, by the stage's number of epochs then done."""
        return self.path / FIXED_POINT / f"epoch{epochs}.npz"

    def write_json(self, name: str, data: Any) -> None:
        atomic.write_text(self.file(name), json.dumps(data, indent=2) + "\n")

    def read_json(self, name: str) -> Any:
        """Raises `UserError` where the file is missing or not JSON."""
        path = self.file(name)
        if not path.is_file():
            raise UserError(f"{path} is missing: --run_dir={self.path} is not a finished run; train it with kws.train")
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise UserError(f"{path} is damaged ({error}): train the run again with kws.train") from error

    def update_json(self, name: str, **entries: Any) -> None:
        """Adds entries to a JSON object, which need not exist yet."""
        data = self.read_json(name) if self.file(name).is_file() else {}
        self.write_json(name, {**data, **entries})


def create(
    path: str | pathlib.Path, settings: dict[str, Any], teachers: dict[str, dict[str, Any]] | None = None
) -> RunFolder:
    """A new run with its settings and environment written down.

    Args:
      teachers: flag -> what `kws.training.teacher_runs` says of the runs that it names; None for no teachers.

    Raises:
      UserError: there is a run, or something else, already.
    """
    path = pathlib.Path(path)
    if (path / SETTINGS).is_file():
        raise UserError(f"--run_dir={path} holds a run: go on with it with --resume, or choose another folder")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"--run_dir={path} exists and is not a run: choose another folder")
    try:
        for stage in (FLOAT, FIXED_POINT):
            (path / stage).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"can't write --run_dir={path}: {error.strerror}") from error
    folder = RunFolder(path)
    folder.write_json(SETTINGS, {"settings": settings, TEACHERS: teachers or {}, "environment": environment()})
    return folder


def open_run(path: str | pathlib.Path, flag: str = "run_dir") -> tuple[RunFolder, dict[str, Any]]:
    """An existing run and the content of its run.json. Raises `UserError`, naming `flag`, where there is none."""
    path = pathlib.Path(path)
    if not (path / SETTINGS).is_file():
        raise UserError(f"--{flag}={path} holds no run (no {SETTINGS}): train one with python -m kws.train")
    folder = RunFolder(path)
    return folder, folder.read_json(SETTINGS)


def float_model(path: str | pathlib.Path, frontend: dict[str, Any]) -> pathlib.Path:
    """The float model of a finished run, of which `frontend` is the front end.

    Raises:
      UserError: no finished run there, or one with another front end.
    """
    folder, _ = open_run(path)
    model = folder.model_path(FLOAT)
    if not model.is_file():
        raise UserError(f"{model} is missing: go on with the run with python -m kws.train --resume")
    if folder.read_json(FRONTEND) != frontend:
        raise UserError(f"--run_dir={path} has another front end than the bundle: give the run it was converted from")
    return model


def environment() -> dict[str, Any]:
    """Versions that a result depends on."""
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(), **packages}
