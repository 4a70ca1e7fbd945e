"""A folder in which the commands of the documents run as they are printed, and are over in seconds.

What documents have a letter for lies there under it: D is a corpus, N and DIR are negatives, B and C bundles, R a run.
`python` is this Python with what `SHRUNK`, `_by_what_it_does`, `LEFT_OUT` and `_patch` change, and nothing else.
"""

import dataclasses
import os
import pathlib
import runpy
import shutil
import subprocess
import sys

from kws.sweeps.matrix import Matrix

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "docs"
SMALL_NETWORK = ROOT / "tests" / "small_network"
PYTHONPATH = os.pathsep.join(map(str, (SMALL_NETWORK, ROOT, HERE)))

_ALONE = "--processes=1"
_CHANCE = ("--allow_few", "--allow_chance")
SHRUNK = {
    "export.convert": ("--allow_chance",),
    "export.fuzz": ("--models=1",),
    "export.verify": ("--clips=2", "--random_codes=2"),
    "kws.bit_search": ("--examples=64", "--bits=8", "--points=2", _ALONE),
    "kws.datasets": (_ALONE,),
    "kws.demo": ("--float_epochs=1", "--fixed_point_epochs=1", "--clips_per_word=20"),
    "kws.evaluate": ("--allow_chance", _ALONE),
    "kws.experiments.frontend_cost": (_ALONE,),
    "kws.experiments.throughput": ("--examples=16", "--rounds=1", "--batch_size=8"),
    "kws.sweep": (*_CHANCE, _ALONE),
    "kws.train": ("--float_epochs=1", "--fixed_point_epochs=1", "--epoch_examples=1", *_CHANCE, _ALONE),
    "kws.tune_detector": ("--false_alarms_per_hour=100000", _ALONE),
    "microcontroller.fuzz": ("--models=1",),
    "microcontroller.matrix": ("--boards=stm32f4", "--profiles=fast", "--random_codes=4"),
    "pytest": ("--collect-only", "-q"),
    "scripts.stand_in": ("--files=600",),
}
"""Flags behind those that are printed, by module: less of what takes long."""

LEFT_OUT = {"microcontroller.baseline": "it would rewrite the project's own baseline.json"}
"""What does nothing here where a target of make calls it."""


def _by_what_it_does(module: str, given: list[str]) -> tuple[str, ...]:
    """Further flags, of those that a module takes with some others alone."""
    names = {flag.partition("=")[0] for flag in given}
    if module == "microcontroller.bench" and "--check" in names:
        return ("--flips=8",)
    if module == "microcontroller.bench" and "--streaming" not in names:
        return ("--clips=1", "--random_codes=1")
    if module == "kws.evaluate" and "--streaming" in names and "--negatives" not in names:
        return ("--hours=0.02",)
    return ()


def _patch(module: str) -> None:
    """What no flag makes small: networks, a sweep's matrix, what a training may not be worse than."""
    from export.bundle.training import trained
    from kws import models
    from kws.sweeps import cell, matrix
    from kws.training import run, training_data

    models.MODELS["ds_cnn_m"] = models.MODELS["ds_cnn_mlperf"]  # which is small already, by SMALL_NETWORK
    if module == "kws.sweep":
        load, plan = matrix.load, cell.plan
        matrix.load = lambda *given: _one_epoch(load(*given))
        cell.plan = lambda matrix, rows, seeds, *given: plan(matrix, rows[:1], (0,), *given)
        sys.executable = str(shutil.which("python"))  # by which it starts cells
    if module == "kws.demo":
        training_data.rounds = lambda *_: 1
        run.check_chance = lambda *_: None
        trained.near_chance = lambda _: None


def _one_epoch(given: Matrix) -> Matrix:
    small = {"float_epochs": 1, "epoch_examples": 1, "gradual_bits": ""}
    rows = []
    for row in given.rows:
        config = dataclasses.replace(row.config, fixed_point_epochs=min(1, row.config.fixed_point_epochs), **small)
        rows.append(dataclasses.replace(row, config=config))
    return Matrix(dataclasses.replace(given.base, fixed_point_epochs=1, **small), tuple(rows), given.left_out)


def become(arguments: list[str]) -> None:
    """Runs in this process what Python is given: `-m MODULE ...`."""
    dash, module, *given = arguments
    assert dash == "-m", arguments
    if module in LEFT_OUT:
        return
    if module == "pytest":
        os.chdir(ROOT)
    _patch(module)
    sys.argv = [module, *given, *SHRUNK.get(module, ()), *_by_what_it_does(module, given)]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


@dataclasses.dataclass(frozen=True)
class World:
    """A folder in which `python` and what `make setup` brings are there."""

    folder: pathlib.Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command as a shell does."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": PYTHONPATH},
            capture_output=True,
            text=True,
            check=False,
        )


def made(folder: pathlib.Path, python: str) -> World:
    """A world in a new folder; `python` is what a shell runs with Python's arguments."""
    programs = {"bin/python": f'exec {python} "$@"', "scripts/setup.sh": "exit 0  # all is there"}
    programs[".venv/bin/python"] = programs["bin/python"]
    for name, line in programs.items():
        place = folder / name
        place.parent.mkdir(parents=True)
        place.write_text(f"#!/bin/sh\n{line}\n")
        place.chmod(0o755)
    for name in ("models", "Makefile", "requirements.txt"):
        (folder / name).symlink_to(ROOT / name)
    return World(folder)


if __name__ == "__main__":
    become(sys.argv[1:])
