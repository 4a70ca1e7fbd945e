"""A run: the folder that `kws.train` writes.

run.json                     settings, teachers, environment, batch, rounds, device, and SHA-256 of clips.json
clips.json                   name, split, class and sound of every clip that it is trained and measured on
frontend.json                the calibrated front end
float/, fixed_point/         each stage's checkpoints and its final model (.h5) with its SHA-256 (model.sha256), and the
                             network after each phase (.npz)
formats.json                 the Q-formats that stage 2 ends with
history.json                 one row per epoch
metrics.json                 each stage's metrics on validation and testing
tensorboard/                 logs of the same
trained/                     what the export takes over (`export.bundle.training.trained`)
"""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
from typing import Any

import msgspec

from kws.datasets import identity
from kws.datasets.identity import Identity
from kws.stores.digests import file_sha256
from kws.training.training_error import TrainingError
from kws_cli import array_file, atomic, held_folder, json_file

SETTINGS = "run.json"
TEACHERS = "teachers"
BATCH_SIZE = "batch_size"
ROUNDS = "rounds"
INIT = "init"
DEVICE = "device"
DATA = "data"
CLIPS = "clips.json"
FRONTEND = "frontend.json"
FORMATS = "formats.json"
HISTORY = "history.json"
METRICS = "metrics.json"
FLOAT = "float"
FIXED_POINT = "fixed_point"
_PACKAGES = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "tensorflow-io", "numpy", "cmsisdsp")
_LARGEST = 1 << 28
"""Bytes of JSON: the identities of a million clips."""


class _Run(msgspec.Struct):
    """What run.json has; it may have more."""

    settings: dict[str, Any]
    teachers: dict[str, dict[str, Any]] = {}
    environment: dict[str, Any] = {}
    batch_size: int | None = None
    device: str | None = None
    data: dict[str, str] | None = None


_SHAPES: dict[str, Any] = {
    SETTINGS: _Run,
    CLIPS: dict[str, list[str]],
    FRONTEND: dict[str, Any],
    FORMATS: dict[str, Any],
    HISTORY: list[dict[str, Any]],
    METRICS: dict[str, dict[str, Any]],
}


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Reads and writes the files of a run; writes are atomic, so that an interruption leaves whole files."""

    path: pathlib.Path

    def file(self, name: str) -> pathlib.Path:
        return self.path / name

    def model_path(self, stage: str) -> pathlib.Path:
        """The final model of a stage, FLOAT or FIXED_POINT."""
        return self.path / stage / "model.h5"

    def hash_path(self, stage: str) -> pathlib.Path:
        """The SHA-256 of that model, which runs of an earlier version have not."""
        return self.path / stage / "model.sha256"

    def phase_path(self, epochs: int) -> pathlib.Path:
        """The network after a phase of stage 2 that is not its last, by the stage's number of epochs then done."""
        return self.path / FIXED_POINT / f"epoch{epochs}.npz"

    def write_json(self, name: str, data: Any) -> None:
        atomic.write_text(self.file(name), json.dumps(data, indent=2) + "\n")

    def read_json(self, name: str) -> Any:
        """Raises `TrainingError` where the file is missing, not JSON, or not what is kept under that name."""
        path = self.file(name)
        if not path.is_file():
            what = f"run_dir={self.path} is not a finished run"
            raise TrainingError(f"{path} is missing: {what}; train it with python -m kws.train")
        try:
            return _as_written(name, json_file.read(path, largest=_LARGEST))
        except (OSError, ValueError) as error:
            raise TrainingError(f"{path} is damaged ({error}): train the run again with kws.train") from error

    def update_json(self, name: str, **entries: Any) -> None:
        """Adds entries to a JSON object, which need not exist yet."""
        data = self.read_json(name) if self.file(name).is_file() else {}
        self.write_json(name, {**data, **entries})


def _as_written(name: str, value: Any) -> Any:
    """The value itself, after a look at its shape; raises `ValueError`."""
    json_file.shaped(value, _SHAPES.get(name, Any))
    return value


def check_new(path: str | pathlib.Path) -> None:
    """Raises `TrainingError` where there is a run, or something else, already."""
    path = pathlib.Path(path)
    if (path / SETTINGS).is_file():
        raise TrainingError(
            f"run_dir={path} holds a run: go on with python -m kws.train --resume, or choose another folder"
        )
    if path.exists() and not (path.is_dir() and _nothing_but_a_start(path)):
        raise TrainingError(f"run_dir={path} exists and is not a run: choose another folder")


def _nothing_but_a_start(path: pathlib.Path) -> bool:
    """Whether a folder is empty, or holds what `create` had made when it was killed: no run.json, no stage's files."""
    stages = (path / FLOAT, path / FIXED_POINT)
    others = {entry for entry in path.iterdir() if entry not in stages and entry.name != CLIPS}
    half_written = {entry for entry in others if held_folder.is_one(entry)}
    return others == half_written and not any(stage.is_dir() and any(stage.iterdir()) for stage in stages)


def create(
    path: str | pathlib.Path,
    settings: dict[str, Any],
    teachers: dict[str, dict[str, Any]] | None = None,
    clips: dict[str, Any] | None = None,
    **further: Any,
) -> RunFolder:
    """A new run with its settings and environment written down.

    Args:
      teachers: flag -> what `kws.training.earlier_runs` says of the runs that it names; None for no teachers.
      clips: of `kws.datasets.identity`; None to keep none.
      further: entries of run.json.

    Raises:
      TrainingError: there is a run, or something else, already.
    """
    path = pathlib.Path(path)
    check_new(path)
    try:
        for stage in (FLOAT, FIXED_POINT):
            (path / stage).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"can't write run_dir={path}: {error.strerror}") from error
    folder = RunFolder(path)
    if clips is not None:
        folder.write_json(CLIPS, clips)
    about = {"settings": settings, TEACHERS: teachers or {}, "environment": environment(), **further}
    folder.write_json(SETTINGS, about)
    return folder


def open_run(path: str | pathlib.Path, flag: str = "run_dir") -> tuple[RunFolder, dict[str, Any]]:
    """An existing run and the content of its run.json.

    Raises:
      TrainingError: there is none, which names `flag`, or its run.json is damaged.
    """
    path = pathlib.Path(path)
    if not (path / SETTINGS).is_file():
        raise TrainingError(f"{flag}={path} holds no run (no {SETTINGS}): train one with python -m kws.train")
    folder = RunFolder(path)
    return folder, folder.read_json(SETTINGS)


def batch_size(folder: RunFolder) -> int:
    """Examples in a step of the run; one of an earlier version took its settings' own."""
    saved = folder.read_json(SETTINGS)
    return saved.get(BATCH_SIZE, saved["settings"]["batch_size"])


def rounds(folder: RunFolder) -> int:
    """How often an epoch of the run goes over its clips; those of earlier versions went once."""
    return folder.read_json(SETTINGS).get(ROUNDS, 1)


def check_clips(folder: RunFolder, now: Identity, what: str) -> None:
    """Compares a run's clips with those of now; a run of an earlier version kept none, and passes.

    Args:
      what: names the run in errors, such as run_dir=PATH.

    Raises:
      TrainingError: they are others; it says how many and names the first.
    """
    kept = folder.read_json(SETTINGS).get(DATA)
    if kept is None or kept["sha256"] == identity.sha256(now):
        return
    raise TrainingError(
        f"{what} was trained on other clips than there are now: {identity.difference(folder.read_json(CLIPS), now)}; "
        "give it the data that it had, or start another run"
    )


def check_unheard(folder: RunFolder, now: Identity, what: str) -> None:
    """Checks that a run was not trained on any clip that the splits of now are measured on; a run of an earlier version
    kept no clips, and passes.

    Args:
      what: as for `check_clips`.

    Raises:
      TrainingError: it was; it says on how many and names the first.
    """
    if DATA not in folder.read_json(SETTINGS):
        return
    heard = {digest for split, _, digest in folder.read_json(CLIPS).values() if split == "training"}
    measured = (name for name, (split, _, digest) in now.items() if split != "training" and digest in heard)
    if found := sorted(measured):
        raise TrainingError(
            f"{what} was trained on {len(found)} clips that this run is measured on (the first: {found[0]}): a student "
            "of it would know them; give one that was trained on this run's splits"
        )


def save_model(folder: RunFolder, stage: str, model: Any) -> None:
    """Writes the Keras model that a stage ended with: from then on the stage counts as finished, so it is whole."""
    from quant.training import model_file

    with atomic.writing(folder.model_path(stage)) as fresh:
        model_file.save_model(model, fresh)
        _keep_hash(folder, stage, fresh)


def copy_model(source: RunFolder, folder: RunFolder, stage: str) -> None:
    """Takes over the model that another run's stage ended with. Raises `TrainingError` for a damaged file."""
    original = checked_model(source, stage)
    with atomic.writing(folder.model_path(stage)) as fresh:
        shutil.copyfile(original, fresh)
        _keep_hash(folder, stage, fresh)


def _keep_hash(folder: RunFolder, stage: str, model: pathlib.Path) -> None:
    """Before the model takes its place: where it stands, its hash does."""
    atomic.write_text(folder.hash_path(stage), file_sha256(model) + "\n")


def checked_model(folder: RunFolder, stage: str) -> pathlib.Path:
    """The file of a stage's model, compared with its hash. Raises `TrainingError` where it differs."""
    path, kept = folder.model_path(stage), folder.hash_path(stage)
    try:
        if kept.is_file() and kept.read_text(encoding="utf-8", errors="replace").strip() != file_sha256(path):
            raise TrainingError(f"{path} is damaged (its sha256 differs): remove it and resume the run")
    except OSError as error:
        raise TrainingError(f"{path} can't be read ({error.strerror}): remove it and resume the run") from error
    return path


def read_phase(folder: RunFolder, epochs: int, layers: Any) -> Any:
    """The network after a phase of stage 2, `layers` with its weights. Raises `TrainingError` for a damaged file."""
    from quant.training import network_file

    path = folder.phase_path(epochs)
    try:
        return network_file.of_arrays(array_file.read(path), layers)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} is damaged ({error}): remove it and resume the run") from error


def load_model(folder: RunFolder, stage: str) -> Any:
    """The Keras model that a stage ended with. Raises `TrainingError` for a damaged file."""
    from quant.training import model_file

    path = checked_model(folder, stage)
    try:
        return model_file.load_model(path)
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{path} is damaged ({error}): remove it and resume the run") from error


def float_model(path: str | pathlib.Path, frontend: dict[str, Any]) -> pathlib.Path:
    """The float model of a finished run, of which `frontend` is the front end.

    Raises:
      TrainingError: no finished run there, or one with another front end.
    """
    folder, _ = open_run(path)
    model = folder.model_path(FLOAT)
    if not model.is_file():
        raise TrainingError(f"{model} is missing: go on with the run with python -m kws.train --resume")
    if folder.read_json(FRONTEND) != frontend:
        raise TrainingError(f"run_dir={path} has another front end than the bundle: give the run it was converted from")
    return checked_model(folder, FLOAT)


def environment() -> dict[str, Any]:
    """Versions that a result depends on, of what is installed: tensorflow-io is not, on Python 3.13."""
    installed = {each.metadata["Name"].lower().replace("_", "-") for each in importlib.metadata.distributions()}
    packages = {name: importlib.metadata.version(name) for name in _PACKAGES if name.replace("_", "-") in installed}
    return {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count(), **packages}
