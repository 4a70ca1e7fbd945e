"""What training hands to export: a folder `trained/` in the run, written once when the run is finished.

model.h5        the fixed-point Keras graph
float_model.h5  the float Keras model that it was trained from
testing.npz     names, features and labels of the test split, for golden vectors
trained.json    name, labels, front-end parameters, metrics, the settings that led here, and sha256 of the other files
"""

import dataclasses
import json
import pathlib
import shutil
from typing import Any

import msgspec
import numpy as np

from export.bundle.bundle_error import BundleError
from export.bundle.manifest import sha256 as file_sha256
from export.bundle.training import record
from kws_cli import array_file, atomic, json_file

FOLDER = "trained"
_MODEL = "model.h5"
_FLOAT_MODEL = "float_model.h5"
# Where runs of an earlier version, which handed over no float model, have theirs.
_OLDER_FLOAT_MODEL = pathlib.PurePath("float", "model.h5")
_TESTING = "testing.npz"
_DESCRIPTION = "trained.json"

# Share of the way from chance to certainty.
_NEAR_CHANCE = 0.2


class _Description(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    labels: tuple[str, ...]
    frontend: dict[str, Any]
    metrics: record.Metrics
    training: record.Training
    files: dict[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
      model: path of the fixed-point Keras graph, .h5.
      name: a C identifier.
      labels: names of the classes, one per logit.
      frontend: the front end's parameters, as its own JSON.
      metrics: stage -> split -> metrics.
      training: settings, environment and data, as JSON values.
      clips, features, true_labels: the test split; names [n], int8 [n, h, w, c], int64 [n].
      float_model: path of the float Keras model, .h5; None where the run has none.
    """

    model: pathlib.Path
    name: str
    labels: tuple[str, ...]
    frontend: dict[str, Any]
    metrics: dict[str, Any]
    training: dict[str, Any]
    clips: tuple[str, ...]
    features: np.ndarray
    true_labels: np.ndarray
    float_model: pathlib.Path | None = None


def near_chance(metrics: dict[str, Any]) -> str | None:
    """What says that a network has learned next to nothing, in words; None for one that has.

    Chance is 1 / k for the mean recall of the k classes that were spoken, whatever class a network prefers. Near it is
    what lies in the first fifth of the way to 1: the mean of all classes, or that of the keywords alone, since silence
    and other words can be told apart by a network that hears no keyword.

    Args:
      metrics: of a split, with `recall` by class, None for a class that was not spoken.
    """
    recall = {name: value for name, value in metrics.get("recall", {}).items() if value is not None}
    if len(recall) < 2:
        return None
    chance = 1 / len(recall)
    keywords = [value for name, value in recall.items() if not name.startswith("_")]
    for kind, values in (("class", list(recall.values())), ("keyword", keywords)):
        mean = sum(values) / len(values) if values else 1.0
        if mean < chance + _NEAR_CHANCE * (1 - chance):
            return f"{100 * mean:.1f} % of each {kind} are recognized, and guessing gives {100 * chance:.1f} %"
    return None


def qformat(trained: Trained) -> str:
    """How its formats were chosen, one of `quant.method.QFORMATS`; "" where its settings don't tell."""
    return trained.training.get("settings", {}).get("method", {}).get("qformat", "")


def write(run_dir: pathlib.Path, trained: Trained) -> None:
    """Writes `run_dir/trained/`, replacing an earlier one; the models' files are copied."""
    description = {name: getattr(trained, name) for name in ("name", "labels", "frontend", "metrics", "training")}
    with atomic.writing(run_dir / FOLDER) as fresh:
        fresh.mkdir()
        shutil.copyfile(trained.model, fresh / _MODEL)
        if trained.float_model is not None:
            shutil.copyfile(trained.float_model, fresh / _FLOAT_MODEL)
        clips = np.array(trained.clips, np.str_)
        arrays = {"clips": clips, "features": trained.features, "labels": trained.true_labels}
        array_file.write(fresh / _TESTING, arrays)
        description["files"] = {file.name: file_sha256(file) for file in sorted(fresh.iterdir())}
        (fresh / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def read(run_dir: str | pathlib.Path) -> Trained:
    """What `write` wrote. Raises `BundleError` where the run is missing, unfinished or damaged."""
    run_dir = pathlib.Path(run_dir)
    if not run_dir.is_dir():
        raise BundleError(f"run_dir={run_dir} is not a folder: train a run with python -m kws.train")
    folder = run_dir / FOLDER
    if not folder.is_dir():
        raise BundleError(f"run_dir={run_dir} holds no finished run: go on with python -m kws.train --resume")
    try:
        description = json_file.read(folder / _DESCRIPTION, dict[str, Any])
        shaped: _Description = json_file.shaped(description, _Description)
        _check_hashes(folder, shaped.files)
        arrays = array_file.read(folder / _TESTING)
        clips = tuple(str(name) for name in arrays["clips"])
        features, true_labels = arrays["features"], arrays["labels"]
        float_models = (folder / _FLOAT_MODEL, run_dir / _OLDER_FLOAT_MODEL)
        return Trained(
            model=folder / _MODEL,
            float_model=next((path for path in float_models if path.is_file()), None),
            clips=clips,
            features=features,
            true_labels=true_labels,
            name=shaped.name,
            labels=shaped.labels,
            **{what: description[what] for what in ("frontend", "metrics", "training")},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder} is damaged ({error}): train the run again with python -m kws.train") from error


def _check_hashes(folder: pathlib.Path, expected: dict[str, str]) -> None:
    """Raises `ValueError` for a file that was changed; a run of an earlier version has no hashes."""
    for name, sha256 in expected.items():
        if name in (_MODEL, _FLOAT_MODEL, _TESTING) and file_sha256(folder / name) != sha256:
            raise ValueError(f"the sha256 of {name} differs")
