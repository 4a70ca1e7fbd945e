"""Kills: points are counted and kill where they should; a short run of the whole with real commands."""

import pathlib
import subprocess
import sys

import pytest

from kws_cli.command import UserError
from scripts import kill_tasks, kills
from scripts.kills import KillsConfig

WRITES = """
import os, pathlib, sys
from scripts.kill_point import Points
folder = pathlib.Path(sys.argv[1])
points = Points(str(folder / "in"), int(sys.argv[2]))
points.install()
(folder / "in").mkdir(exist_ok=True)
(folder / "out.txt").write_text("not counted")
(folder / "in" / "a").write_text("a")
(folder / "in" / "a").read_text()
os.replace(folder / "in" / "a", folder / "in" / "b")
(folder / "in" / "b").unlink()
print(points.reached)
"""


def write(folder: pathlib.Path, at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WRITES, str(folder), str(at)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_writes_below_the_folder_are_points(tmp_path: pathlib.Path) -> None:
    assert write(tmp_path, 0).stdout == "3\n"  # not the making of the folder itself


@pytest.mark.parametrize(("at", "left"), [(1, []), (2, ["a"]), (3, ["b"])])
def test_a_point_kills_before_its_write(tmp_path: pathlib.Path, at: int, left: list[str]) -> None:
    assert write(tmp_path, at).returncode == -9
    assert [path.name for path in (tmp_path / "in").iterdir()] == left


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kills": 0}, "--kills=0"),
        ({"tasks": ("train", "eat")}, "no eat"),
        ({"tasks": ()}, "one at least"),
        ({"tasks": ("train", "train")}, "once"),
    ],
)
def test_wrong_settings(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        KillsConfig(**changes)


def test_leftovers_are_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tmp" / "x").mkdir(parents=True)
    (tmp_path / "a" / ".b-12345678").mkdir(parents=True)
    (tmp_path / "a" / ".b-12345678" / ".held").touch()
    (tmp_path / "a" / "store.making").mkdir()
    (tmp_path / "a" / "b.npz").touch()
    assert sorted(kill_tasks.leftovers(tmp_path)) == ["a/.b-12345678/.held", "a/store.making", "tmp/x"]


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_killed_commands_end_as_if_they_had_not_been() -> None:
    command = [sys.executable, "-m", "scripts.kills", "--kills=6", "--tasks=convert,cache,tune_detector", "--seed=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "6 kills (seed 1), 0 faults"


def test_what_is_found_is_told() -> None:
    found = {"killed": 3, "finished": 0, "faults": ["cache, 0 ms after write 7: half"], "points": 40}
    text = kills.table({"tasks": {"cache": found}, "seed": 2, "faults": 1})
    assert "cache: 3 kills at 40 writes and at random moments, 1 faults" in text
    assert "  cache, 0 ms after write 7: half" in text and text.endswith("3 kills (seed 2), 1 faults")
