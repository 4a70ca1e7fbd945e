"""Renode's Robot test: what the bench leaves for it, and which reports it passes."""

import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import renode_stand_in
import robot_stand_in

from microcontroller import bench
from microcontroller.bench import BenchConfig
from microcontroller.emulator import qemu, renode, robot
from microcontroller.firmware import clip_image

TEST = pathlib.Path(renode.__file__).with_name("bench.robot")
ANSWERS, EXECUTED = "Should Answer Every Clip As Expected And End Well", "Should Have Executed At Least The Calibration"
CLIPS = 24


@pytest.fixture(scope="module")
def bench_folder(small_bundle: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The build folder of a bench in a program that does as Renode does; the firmware's report is QEMU's."""
    folder, programs = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("programs")
    settings = BenchConfig(small_bundle, emulator="renode", build_dir=folder, timeout_s=60.0)

    def run(*arguments: object) -> list[str]:
        renode_stand_in.install(programs, qemu.run(*arguments))
        return in_renode(*arguments)

    in_renode = renode.run
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        patched.setattr(renode, "run", run)
        renode_stand_in.install(programs, [])
        result = bench.measure(settings)
    assert result["mismatches"] == 0 and result["emulator_version"] == "Renode v1.16.1"
    return folder / "fxp"


def outcomes(folder: pathlib.Path, report: list[str]) -> dict[str, str]:
    """Test -> "" or why it failed."""
    (folder / robot_stand_in.REPORT).write_text("".join(f"{line}\n" for line in report))
    command = [sys.executable, robot_stand_in.__file__, str(TEST), str(folder), str(folder / "output.xml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def lines(bench_folder: pathlib.Path) -> list[str]:
    return (bench_folder / "uart.log").read_text().splitlines()


def test_a_report_of_the_firmware_passes(bench_folder: pathlib.Path, lines: list[str]) -> None:
    assert outcomes(bench_folder, lines) == {ANSWERS: "", EXECUTED: ""}


def clip_with_another_logit(lines: list[str]) -> list[str]:
    changed = [re.sub("(CLIP index=9 .*logits=)..", r"\g<1>7f", line) for line in lines]
    assert changed != lines
    return changed


def without_the_last_clip(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(f"CLIP index={CLIPS - 1} ")]


def with_another_clip(lines: list[str]) -> list[str]:
    return [line.replace(f"clips={CLIPS}", f"clips={CLIPS + 1}") for line in lines]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (clip_with_another_logit, "time is up, waiting for ^CLIP index=9 class="),
        (without_the_last_clip, "time is up, waiting for ^CLIP index=23 class="),
        (with_another_clip, "time is up, waiting for ^FXP board=stm32f4 counter=tim2"),
    ],
)
def test_wrong_answers_fail(
    bench_folder: pathlib.Path, lines: list[str], change: Callable[[list[str]], list[str]], message: str
) -> None:
    assert outcomes(bench_folder, change(lines))[ANSWERS].startswith(message)


@pytest.mark.parametrize("bad", [["FAULT kind=bus pc=0x0", "END status=1"], ["END status=4"]])
def test_a_fault_or_a_bad_end_fails_at_once(bench_folder: pathlib.Path, lines: list[str], bad: list[str]) -> None:
    """Not when the time is up."""
    found = outcomes(bench_folder, [*lines[:5], *bad])
    for message in found.values():
        assert message == f"Test failing entry has been found on UART: {bad[0]}"


def test_a_line_for_each_clip() -> None:
    logits = np.array([[-128, 5, 5], [-1, -3, -2]], np.int8)
    assert robot.clip_lines(logits) == [
        r"^CLIP index=0 class=1 score=5 instructions=\d+ logits=800505 label=",
        r"^CLIP index=1 class=0 score=-1 instructions=\d+ logits=fffdfe label=",
    ]


def test_of_several_runs_the_last_is_left(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_image, "capacity", lambda firmware, clip_bytes: 10)
    monkeypatch.setattr(renode, "version", lambda: "Renode v1.16.1")
    monkeypatch.setattr(renode, "run", qemu.run)
    bench.measure(BenchConfig(small_bundle, emulator="renode", build_dir=tmp_path, timeout_s=60.0))
    left = json.loads((tmp_path / "fxp" / robot.VARIABLES).read_text())
    assert left["CLIPS"] == len(left["CLIP_LINES"]) == CLIPS - 20
