"""Runs that another builds on: its teachers, what it keeps about them, and the float model that it takes over."""

import pathlib
from typing import Any

from kws.datasets import DatasetError, dataset_flags
from kws.training import run_folder
from kws.training.run_folder import FLOAT, RunFolder
from kws.training.settings import TrainConfig, command_line
from kws.training.training_data import TrainingData
from kws.training.training_error import TrainingError

FLAGS = ("float_teachers", "fixed_point_teachers")


def float_source(config: TrainConfig, float_run: str | pathlib.Path) -> RunFolder:
    """The run whose float model is taken over. Raises `TrainingError` where it has none, or one of other settings."""
    source, saved = _finished(float_run, "float_run")
    dataset = dataset_flags.from_json(saved["settings"]["dataset"])
    theirs = TrainConfig.from_json(saved["settings"], dataset).float_stage
    for name, value in config.float_stage.items():
        if theirs[name] != value:
            raise TrainingError(f"float_run={float_run} was trained with {name}={theirs[name]}, this run has {value}")
    return source


def take_float(source: RunFolder, folder: RunFolder) -> None:
    """Copies the float model and its metrics: stage 1 is finished then."""
    folder.update_json(run_folder.METRICS, **{FLOAT: source.read_json(run_folder.METRICS)[FLOAT]})
    run_folder.copy_model(source, folder, FLOAT)


def teachers(config: TrainConfig, data: TrainingData, float_from: RunFolder | None) -> dict[str, tuple[Any, ...]]:
    """Flag -> the models that the stages follow.

    Args:
      float_from: a run with or without a finished float model, which is not trained again; None for none.

    Raises:
      TrainingError: a teacher has no float model, or one of another dataset, of another front end, or that was trained
        on clips that this run is measured on.
    """
    trained = float_from is not None and float_from.model_path(FLOAT).is_file()
    return {flag: () if trained and flag == "float_teachers" else _models(flag, config, data) for flag in FLAGS}


def _models(flag: str, config: TrainConfig, data: TrainingData) -> tuple[Any, ...]:
    found = []
    for path in getattr(config, flag):
        source, saved = _finished(path, flag)
        if saved["settings"]["dataset"] != dataset_flags.to_json(config.dataset):
            raise TrainingError(f"{flag}={path} was trained on another dataset than this run is")
        run_folder.check_unheard(source, data.clips, f"{flag}={path}")
        if source.read_json(run_folder.FRONTEND) != data.frontend.to_json():
            raise TrainingError(f"{flag}={path} has another front end: its training data were others")
        found.append(run_folder.load_model(source, FLOAT))
    return tuple(found)


def described(config: TrainConfig, float_source: RunFolder | None = None) -> dict[str, dict[str, Any]]:
    """What a run has to say about its teachers so that it can be made again.

    Args:
      float_source: the run whose float model is taken over, and with it what that run says of its float teachers.

    Returns:
      Flag -> path -> `command`, the line that trains the teacher, and `float_sha256` of its weights; a teacher's own
      teachers come before it.

    Raises:
      TrainingError: a teacher holds no finished float model, or is of another version.
    """
    found = {flag: _described(flag, config) for flag in FLAGS if not (float_source and flag == "float_teachers")}
    if float_source:
        found["float_teachers"] = _of(float_source.read_json(run_folder.SETTINGS), "float_teachers")
    return {flag: teachers for flag, teachers in found.items() if teachers}


def command_lines(saved: dict[str, Any]) -> list[str]:
    """The lines that train the teachers of a run, from its run.json, each once and in a possible order."""
    return list(dict.fromkeys(teacher["command"] for flag in FLAGS for teacher in _of(saved, flag).values()))


def identities(saved: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Flag -> path -> SHA-256 of the float weights, for the teachers of a run, from its run.json."""
    found = {flag: {path: teacher["float_sha256"] for path, teacher in _of(saved, flag).items()} for flag in FLAGS}
    return {flag: teachers for flag, teachers in found.items() if teachers}


def float_sha256(folder: RunFolder) -> str:
    """SHA-256 of a run's float weights, in the order of the Keras model's variables."""
    from kws.training import teachers

    return teachers.identity((run_folder.load_model(folder, FLOAT),))


def _of(saved: dict[str, Any], flag: str) -> dict[str, dict[str, str]]:
    # A run of an earlier version has no such entry.
    return saved.get(run_folder.TEACHERS, {}).get(flag, {})


def _described(flag: str, config: TrainConfig) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in getattr(config, flag):
        source, saved = _finished(path, flag)
        settings = saved["settings"]
        try:
            itself = TrainConfig.from_json(settings, dataset_flags.from_json(settings["dataset"]))
        except (TrainingError, DatasetError) as error:
            raise TrainingError(f"{flag}={path}: {error}") from error
        found |= _of(saved, "float_teachers")
        found[path] = {"command": command_line(itself, run_dir=path), "float_sha256": float_sha256(source)}
    return found


def _finished(path: str | pathlib.Path, flag: str) -> tuple[RunFolder, dict[str, Any]]:
    source, saved = run_folder.open_run(path, flag)
    if not source.model_path(FLOAT).is_file():
        raise TrainingError(f"{flag}={path} holds no finished float model: go on with python -m kws.train --resume")
    return source, saved
