"""What is killed by `scripts.kills`: commands on a small corpus of tones, and what they leave when they are done."""

import dataclasses
import hashlib
import json
import pathlib
import wave
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from export.bundle import folder as bundles
from export.bundle.training import trained
from kws.stores import catalogue
from kws.sweeps import results
from kws.sweeps.cell import RESULT
from kws.training import run_folder
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws_cli import held_folder

_TONES = {"yes": 400, "no": 900, "bird": 1700}
_RATE = 16000
_CLIPS = {"training": 16, "validation": 4, "testing": 4}
_UNFINISHED = (".making", ".part", ".partial", ".old")
_PACKAGE = "kws.zip"
_TIMES = ("seconds",)
_MATRIX = """
[settings]
float_epochs = 2
fixed_point_epochs = 1
batch_size = 4
allow_few = true
allow_chance = true
[rows]
"W4A8 PTQ" = { weight_bits = 4, fixed_point_epochs = 0, method = { equalize = false } }
"W4A4" = { weight_bits = 4, activation_bits = 4 }
"""
"""A float model and two rows that take it."""
_DATA = ("--dataset=speech_commands", "--words=yes,no", "--processes=1")


@dataclasses.dataclass(frozen=True)
class Task:
    """A command that is killed and begun again.

    Attributes:
      module: that is run.
      arguments: its flags, from the folder it works in; another time it may be given others, to go on.
      result: what it leaves, as JSON values: equal, however often it was killed.
      check: reads what is there after a kill; raises where something half is taken for whole.
      needs: what is copied into the folder before.
      makes: what others need of it, by the name under which they need it.
    """

    module: str
    arguments: Callable[[pathlib.Path], list[str]]
    result: Callable[[pathlib.Path], Any]
    check: Callable[[pathlib.Path], None]
    needs: tuple[str, ...] = ("corpus",)
    makes: dict[str, str] = dataclasses.field(default_factory=dict)


def write_corpus(folder: pathlib.Path) -> None:
    """Tones in noise, in Speech Commands' layout."""
    rng, time = np.random.default_rng(0), np.arange(_RATE) / _RATE
    lists: dict[str, list[str]] = {split: [] for split in _CLIPS}
    splits = [split for split, count in _CLIPS.items() for _ in range(count)]
    for word, tone in _TONES.items():
        for i, split in enumerate(splits):
            burst = np.exp(-(((time - rng.uniform(0.4, 0.6)) / 0.15) ** 2))
            sound = 8000 * burst * np.sin(2 * np.pi * tone * rng.uniform(0.9, 1.1) * time) + rng.normal(0, 50, _RATE)
            lists[split].append(f"{word}/speaker{i:02d}_nohash_0.wav")
            _write_wav(folder / lists[split][-1], sound)
    for split in ("validation", "testing"):
        (folder / f"{split}_list.txt").write_text("".join(f"{name}\n" for name in lists[split]), encoding="utf-8")
    _write_wav(folder / "_background_noise_" / "hiss.wav", rng.normal(0, 300, 8 * _RATE))


def _write_wav(path: pathlib.Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def _data(folder: pathlib.Path) -> list[str]:
    return [*_DATA, f"--data_dir={folder / 'corpus'}", f"--cache_dir={folder / 'cache'}"]


def _training(folder: pathlib.Path) -> list[str]:
    begun = (folder / "run" / run_folder.SETTINGS).is_file()
    epochs = ["--float_epochs=6", "--fixed_point_epochs=2", "--batch_size=4", "--weight_bits=4", "--activation_bits=4"]
    going_on = ["--resume", f"--data_dir={folder / 'corpus'}", f"--cache_dir={folder / 'cache'}", "--processes=1"]
    return [f"--run_dir={folder / 'run'}", *(going_on if begun else [*_data(folder), *epochs])]


def _of_training(folder: pathlib.Path) -> Any:
    run = RunFolder(folder / "run")
    handed_over = trained.read(run.path)
    return {
        **{stage: _weights(run_folder.checked_model(run, stage)) for stage in (FLOAT, FIXED_POINT)},
        "features": hashlib.sha256(handed_over.features.tobytes()).hexdigest(),
        "clips": handed_over.clips,
        **{name: run.read_json(name) for name in (run_folder.METRICS, run_folder.FORMATS, run_folder.FRONTEND)},
    }


def _weights(path: pathlib.Path) -> list[str]:
    """SHA-256 of every array in a Keras file."""
    found: list[str] = []

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(hashlib.sha256(np.asarray(item).tobytes()).hexdigest())

    with h5py.File(path) as file:
        file.visititems(add)
    return sorted(found)


def _check_training(folder: pathlib.Path) -> None:
    run = RunFolder(folder / "run")
    for stage in (FLOAT, FIXED_POINT):
        if run.model_path(stage).is_file():
            _weights(run_folder.checked_model(run, stage))
    for name in (run_folder.METRICS, run_folder.FORMATS, run_folder.FRONTEND, run_folder.HISTORY, run_folder.SETTINGS):
        if run.file(name).is_file():
            run.read_json(name)
    if (run.path / trained.FOLDER).is_dir():
        trained.read(run.path)


def _of_bundle(folder: pathlib.Path) -> Any:
    bundle = bundles.load(folder / "bundle")
    return {**bundle.manifest["files"], **bundle.manifest["c"]["files"]}


def _check_bundle(folder: pathlib.Path) -> None:
    if (folder / "bundle").exists():
        bundles.load(folder / "bundle")


def _of_evaluation(folder: pathlib.Path) -> Any:
    found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {"metrics": found, "stores": [(entry.key, entry.clips, entry.size) for entry in _stores(folder)]}


def _check_evaluation(folder: pathlib.Path) -> None:
    if (folder / "result.json").is_file():
        json.loads((folder / "result.json").read_text(encoding="utf-8"))
    _stores(folder)


def _stores(folder: pathlib.Path) -> list[catalogue.Entry]:
    entries = catalogue.entries(folder / "cache" / "clips", check=True) if (folder / "cache" / "clips").is_dir() else []
    damaged = [entry.key for entry in entries if entry.state == catalogue.DAMAGED]
    if damaged:
        raise ValueError(f"{damaged} stand there as stores and are damaged")
    return entries


def _sweeping(folder: pathlib.Path) -> list[str]:
    (folder / "matrix.toml").write_text(_MATRIX, encoding="utf-8")
    return [*_data(folder), f"--sweep_dir={folder / 'sweep'}", f"--matrix={folder / 'matrix.toml'}", "--parallel=2"]


def _of_sweep(folder: pathlib.Path) -> Any:
    found = results.read(folder / "sweep")
    rows = [{name: value for name, value in row.items() if name not in _TIMES} for row in found["cells"]]
    made = sorted((folder / "sweep").glob("cells/*/bundle"))
    return {**found, "cells": rows, "bundles": [bundles.load(path).manifest["files"] for path in made]}


def _check_sweep(folder: pathlib.Path) -> None:
    sweep = folder / "sweep"
    if (sweep / results.JSON).is_file():
        json.loads((sweep / results.JSON).read_text(encoding="utf-8"))
    for path in (*sweep.glob(f"*/*/{RESULT}"), *sweep.glob("jobs/*.json")):
        json.loads(path.read_text(encoding="utf-8"))
    for path in sweep.glob("cells/*/bundle"):
        bundles.load(path)


def _packaging(folder: pathlib.Path) -> list[str]:
    (folder / _PACKAGE).unlink(missing_ok=True)  # as the command says: it does not replace one
    return [f"--bundle={folder / 'bundle'}", "--target=cmake", f"--output={folder / _PACKAGE}"]


def _of_package(folder: pathlib.Path) -> Any:
    return hashlib.sha256((folder / _PACKAGE).read_bytes()).hexdigest()


def _check_package(folder: pathlib.Path) -> None:
    if (folder / _PACKAGE).exists():
        with zipfile.ZipFile(folder / _PACKAGE) as package:
            if damaged := package.testzip():
                raise ValueError(f"{damaged} in {_PACKAGE} is damaged")


TASKS = {
    "train": Task("kws.train", _training, _of_training, _check_training, makes={"run": "run"}),
    "convert": Task(
        "export.convert",
        lambda folder: [f"--run_dir={folder / 'run'}", f"--bundle={folder / 'bundle'}"],
        _of_bundle,
        _check_bundle,
        ("run",),
        {"bundle": "bundle"},
    ),
    "cache": Task(
        "kws.evaluate",
        lambda folder: [
            *_data(folder),
            f"--bundle={folder / 'bundle'}",
            "--backend=interpreter",
            "--split=validation",
            f"--json={folder / 'result.json'}",
        ],
        _of_evaluation,
        _check_evaluation,
        ("corpus", "bundle"),
    ),
    "tune_detector": Task(
        "kws.tune_detector",
        lambda folder: [*_data(folder), f"--bundle={folder / 'bundle'}", "--hours=0.02", "--false_alarms_per_hour=1e6"],
        _of_bundle,
        _check_bundle,
        ("corpus", "bundle"),
        {"tuned": "bundle"},
    ),
    "package": Task("export.package", _packaging, _of_package, _check_package, ("tuned",)),
    "sweep": Task("kws.sweep", _sweeping, _of_sweep, _check_sweep),
}
"""In the order in which one makes what the next needs."""

PLACES = {"tuned": "bundle"}
"""Where a task has what is kept under another name."""


def leftovers(folder: pathlib.Path) -> Iterator[str]:
    """Temporary files and folders below `folder`, by name: what a finished command leaves none of."""
    for path in folder.rglob("*"):
        unfinished = path.name == held_folder.HELD or path.suffix in _UNFINISHED
        if unfinished or path.parent == folder / "tmp":
            yield path.relative_to(folder).as_posix()
