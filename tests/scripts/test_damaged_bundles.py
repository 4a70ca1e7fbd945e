"""Damaged bundles: a short run of them, and what counts as a fault."""

import json
import pathlib
import random
import subprocess
import sys

import pytest

from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.bundle.random_bundle import RandomBundleConfig, write
from kws_cli.command import UserError
from scripts import bundle_damage, damaged_bundles
from scripts.bundle_damage import DAMAGES, Damage
from scripts.damaged_bundles import DamageConfig, Outcome


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("damaged") / "whole"
    return write(RandomBundleConfig(folder, channels=4, blocks=1, clips=2)).path


def test_each_is_refused_in_one_line_or_whole() -> None:
    # A program of its own: the memory of a process is measured, and this one may have TensorFlow in it.
    command = [sys.executable, "-m", "scripts.damaged_bundles", "--bundles=120", "--seed=5", "--programs=1", "--json=-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["faults"] == []
    assert sum(sum(counts.values()) for counts in found["kinds"].values()) == 120
    assert 0 < found["seconds_at_most"] < 1 and 0 < found["bytes_at_most"] < 300_000_000
    assert "120 bundles (seed 5, 1 of them by a program)" in damaged_bundles.text(found)


def test_a_reader_that_raises_something_else_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(damaged_bundles, "read_all", lambda folder: {}["nothing"])
    found = damaged_bundles.run(DamageConfig(bundles=2, programs=0))
    assert len(found["faults"]) == 2 and "exit code 1: KeyError: 'nothing'" in found["faults"][0]


@pytest.mark.parametrize(
    ("outcome", "is_told", "fault"),
    [
        (Outcome(2, "error: x\n", 0.1, 10), True, ""),
        (Outcome(0, "", 0.1, 10), False, ""),
        (Outcome(0, "", 0.1, 10), True, "accepted"),
        (Outcome(2, "error: x\ny\n", 0.1, 10), True, "2 lines: y"),
        (Outcome(2, "", 0.1, 10), True, "0 lines: nothing"),
        (Outcome(1, "KeyError\n", 0.1, 10), False, "exit code 1: KeyError"),
        (Outcome(-14, "", 0.1, 10), False, "exit code -14: nothing"),
        (Outcome(2, "error: x\n", 1.5, 10), True, "1.5 s: error: x"),
        (Outcome(2, "error: x\n", 0.1, 300_000_001), True, "300,000,001 bytes: error: x"),
    ],
)
def test_what_a_fault_is(outcome: Outcome, is_told: bool, fault: str) -> None:
    assert outcome.fault(is_told) == fault


@pytest.mark.parametrize("kind", DAMAGES)
def test_the_same_seed_damages_the_same(kind: str, whole: pathlib.Path, tmp_path: pathlib.Path) -> None:
    said = []
    for name in ("one", "other"):
        copy = tmp_path / name / "bundle"
        bundle_damage.copy(whole, copy)
        said.append(DAMAGES[kind][0](Damage(copy, random.Random(4))))
    assert said[0] == said[1]


def test_sealed_damage_has_the_right_hashes(whole: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "bundle"
    bundle_damage.copy(whole, path)
    (path / "MODEL_CARD.md").write_text("other")
    with pytest.raises(BundleError, match="sha256 differs"):
        bundles.load(path)
    bundle_damage.seal(path)
    assert bundles.load(path)


@pytest.mark.parametrize("name", ["bundles", "programs", "seed"])
def test_wrong_settings(name: str) -> None:
    with pytest.raises(UserError, match=f"--{name}=-1: give "):
        DamageConfig(**{name: -1})
