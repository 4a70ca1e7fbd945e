"""Runs as teachers: their float models, and what is written down about them in the runs that follow them."""

import pathlib
from typing import Any

from kws import frontend
from kws.datasets import DatasetError, dataset_flags
from kws.datasets.identity import Identity
from kws.training import run_folder
from kws.training.run_folder import FLOAT, RunFolder
from kws.training.settings import TrainConfig, command_line
from kws.training.training_error import TrainingError

FLAGS = ("float_teachers", "fixed_point_teachers")


def models(
    flag: str, config: TrainConfig, features_config: frontend.FrontEndConfig, clips: Identity
) -> tuple[Any, ...]:
    """The float models of the runs that `flag` names.

    Raises:
      TrainingError: a run has none, or one of other data: settings, clips or front end.
    """
    found = []
    for path in getattr(config, flag):
        source, saved = _finished(path, flag)
        if saved["settings"]["dataset"] != dataset_flags.to_json(config.dataset):
            raise TrainingError(f"{flag}={path} was trained on another dataset than this run is")
        run_folder.check_clips(source, clips, f"{flag}={path}")
        if source.read_json(run_folder.FRONTEND) != features_config.to_json():
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
        raise TrainingError(f"{flag}={path} holds no finished float model: go on with it with --resume")
    return source, saved
