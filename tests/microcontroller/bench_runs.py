"""How tests run the bench, and what they expect of a refusal."""

import os
import pathlib
import subprocess
import sys

from microcontroller.bench import BenchConfig


def config(bundle: pathlib.Path, folder: pathlib.Path, **changes: object) -> BenchConfig:
    settings = {"bundle": bundle, "emulator": "qemu", "build_dir": folder, "timeout_s": 60.0, **changes}
    return BenchConfig(**settings)


def run_command(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    command = [sys.executable, "-m", "microcontroller.bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def assert_one_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr
