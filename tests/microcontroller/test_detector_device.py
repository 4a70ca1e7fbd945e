"""The detector on the emulated device equals Python's; what a step takes."""

import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from export.host import compiler
from export.model import detector as detectors
from export.model.detector import NEVER, ONE, Detector
from export.source import detector_source
from microcontroller import c_sources

FIRMWARE = pathlib.Path(__file__).parent / "detector"
SEMIHOSTING = pathlib.Path(__file__).parent / "frontend"
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
MEMORY = "--section-start=.vectors=0x08000000,-Ttext=0x08000040,-Tdata=0x20000000,-Tbss=0x20000100,-ereset"


def _run_on_device(detector: Detector, logits: np.ndarray, folder: pathlib.Path) -> tuple[np.ndarray, dict[str, int]]:
    """Detected classes int32 [2, steps] of two runs with a reset in between, and the firmware's counts."""
    if not shutil.which(COMPILER) or not shutil.which(EMULATOR):
        pytest.skip(f"{COMPILER} or {EMULATOR} is not installed")
    for name, text in detector_source.generate(detector).items():
        (folder / name).write_text(text)
    include = [f"-I{path}" for path in (*c_sources.detector().include_folders, SEMIHOSTING, folder)]
    machine = ["-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=soft", f"-DSTEPS_IN_FILE={len(logits)}"]
    sources = [FIRMWARE / "main.c", folder / detector_source.SOURCE, *c_sources.detector().files]
    command = [COMPILER, *compiler.C_FLAGS, "-O2", *machine, *include, *sources]
    subprocess.run([*command, "-nostartfiles", f"-Wl,{MEMORY}", "-o", folder / "detector.elf"], check=True)
    (folder / "logits.bin").write_bytes(logits.tobytes())
    counting = ["-M", "netduinoplus2", "-icount", "shift=0,sleep=off"]
    output = ["-nographic", "-monitor", "none", "-serial", "null"]
    semihosting = ["-semihosting-config", "enable=on,target=native", "-kernel", "detector.elf"]
    done = subprocess.run(
        [EMULATOR, *counting, *output, *semihosting],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    printed = dict(line.split() for line in (done.stdout + done.stderr).splitlines() if len(line.split()) == 2)
    assert "state_bytes" in printed, done.stderr[:400]
    detected = np.fromfile(folder / "detected.bin", np.int32)
    return detected.reshape(2, -1), {name: int(value) for name, value in printed.items()}


def test_the_device_detects_what_python_detects(tmp_path):
    """A minute of logits; prints what docs/streaming.md says."""
    rng = np.random.default_rng(1)
    steps, classes = 1500, 12
    words = np.repeat(rng.integers(0, classes, steps // 25), 25)
    sure = np.where(np.arange(classes) == words[:, None], 60, 0)
    logits = np.clip(sure + rng.integers(-20, 20, (steps, classes)), -128, 127).astype(np.int8)
    logits[:30], logits[30:40] = -128, 127
    threshold = round(0.9 * ONE * 8)
    detector = Detector(tuple(f"label{i}" for i in range(classes)), 3, 8, 20, (NEVER, NEVER, *[threshold] * 10))
    detected, counts = _run_on_device(detector, logits, tmp_path)
    expected = np.full(steps, -1)
    for step, label in detectors.run(detector, logits):
        expected[step] = label
    assert (expected >= 0).sum() > 10
    assert counts["missing_bytes"] == 0
    for run in detected:
        assert np.array_equal(run, expected)
    print(counts)
    assert counts["most"] < 500
    assert counts["state_bytes"] <= 256
