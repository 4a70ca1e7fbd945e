"""Training on a device beside the CPU: what is compared, what passes. There is no other device here than the CPU."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from kws.experiments import device_check
from kws.experiments.device_check import Check, DeviceCheckConfig, Trained
from kws.training.run_folder import FIXED_POINT, FLOAT

ROOT = pathlib.Path(__file__).parents[3]
SCRIPT = ROOT / "scripts/device_check.sh"
TINY = ("--steps=8", "--batch_size=4", "--threads=2", "--json=-")


def run(*program: str) -> subprocess.CompletedProcess[str]:
    """A Python program that sees no GPU."""
    no_gpu = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run([sys.executable, *program], cwd=ROOT, capture_output=True, text=True, env=no_gpu, check=False)


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_the_cpu_is_the_same_as_itself() -> None:
    done = run("-m", "kws.experiments.device_check", *TINY)
    assert done.returncode == 0, done.stderr
    assert "no GPU that TensorFlow can use: comparing the CPU with itself" in done.stderr
    found = json.loads(done.stdout)
    assert found["device"] == "CPU"
    assert [check["value"] for check in found["checks"]] == [0] * 10
    assert set(found["steps_per_second"]) == {FLOAT, FIXED_POINT}
    assert all(speed > 0 for speeds in found["steps_per_second"].values() for speed in speeds.values())


def test_a_difference_beyond_its_limit_is_exit_code_1() -> None:
    lines = [
        "from kws.experiments import device_check as d",
        "checks = [d.Check('close', 0.1, 0.5), d.Check('far', 0.6, 0.5), d.Check('broken', float('nan'), 0.5)]",
        "d.check = lambda *_: (checks, {'float': {'CPU': 10.0, 'GPU:0': 250.0}})",
        "d.main()",
    ]
    done = run("-c", "\n".join(lines))
    assert done.returncode == 1, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert rows["close"] == ["close", "0.1", "0.5", "ok"]
    assert rows["far"] == ["far", "0.6", "0.5", "FAILED"]
    assert rows["broken"] == ["broken", "nan", "0.5", "FAILED"]
    assert rows["float"] == ["float", "CPU", "10.0", "GPU:0", "250.0"]


def trained(loss: float, logits: list[float], weights: bytes) -> Trained:
    return Trained(loss, np.array(logits, np.float32), weights, steps_per_second=len(weights))


def test_what_is_trained_is_compared_with_the_cpu_and_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss 10 % off, logits off by half of their spread, other weights the second time."""
    folders: list[str] = []

    def train(config: DeviceCheckConfig, stage: str, device: str, folder: pathlib.Path, first: pathlib.Path) -> Trained:
        folders.append(f"{device} {folder.name} {first.name}")
        return {
            "cpu": trained(2.0, [-1, 1, -1, 1], b"a"),
            "first": trained(2.2, [-0.5, 1.5, -1.5, 0.5], b"bb"),
            "second": trained(0.0, [9, 9, 9, 9], b"cccc"),
        }[folder.name]

    monkeypatch.setattr(device_check, "_train", train)
    monkeypatch.setattr(device_check, "_of_one_network", lambda *_: [])
    checks, speeds = device_check.check(DeviceCheckConfig(), "GPU:0", lambda text: None)
    assert folders[:3] == ["CPU:0 cpu cpu", "GPU:0 first cpu", "GPU:0 second cpu"]
    for number, (stage, limit) in enumerate(((FLOAT, 0.25), (FIXED_POINT, 0.5))):
        loss, logits, again = checks[3 * number : 3 * number + 3]
        assert all(check.what.startswith(f"{stage}: ") for check in (loss, logits, again))
        assert (loss.value, logits.value, again.value) == (pytest.approx(0.1), pytest.approx(0.5), 1.0)
        assert (loss.limit, logits.limit, again.limit) == (0.05, limit, 0.0)
    assert speeds[FLOAT] == {"CPU": 1, "GPU:0": 4}


def test_one_network_is_compared_by_codes_or_by_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = {"CPU:0": np.array([-1.0, 1.0, -1.0, 1.0]), "GPU:0": np.array([-1.0, 1.0, -1.0, 3.0])}
    monkeypatch.setattr(device_check, "_logits", lambda stage, device, folder: logits[device])
    monkeypatch.setattr(device_check, "_gradient", lambda config, stage, device, folder: logits[device] / 2)
    for stage, value in ((FIXED_POINT, 0.25), (FLOAT, 1.0)):
        found = device_check._of_one_network(DeviceCheckConfig(), stage, "GPU:0", pathlib.Path())
        assert [check.value for check in found] == [value, 1.0]
        assert [check.passed for check in found] == [False, False]


def test_a_number_that_is_none_does_not_pass() -> None:
    assert Check("", 0.5, 0.5).passed and not Check("", float("nan"), 0.5).passed


def test_the_script_asks_for_setup_where_there_is_none(tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "scripts" / SCRIPT.name
    copy.parent.mkdir()
    shutil.copy(SCRIPT, copy)
    done = subprocess.run([copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        ["device_check: there is no .venv: run make setup GPU=1 first"],
    )
