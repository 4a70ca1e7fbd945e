"""The command that chooses widths: on a run, and what it refuses."""

import json
import pathlib
import subprocess
import sys

import corpus
import pytest

from export.bundle import conversion
from kws import bit_search
from kws.bit_search import BitSearchConfig
from kws.bits import material
from kws.bits.networks import Widths
from kws.training.training_error import TrainingError
from kws_cli.command import UserError

TINY = ("--float_epochs=1", "--fixed_point_epochs=0", "--batch_size=16", "--words=yes,no", "--processes=1")
TINY += ("--epoch_examples=1", "--allow_chance")


def command(module: str, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", module, *flags], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return corpus.write(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def run_dir(data: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    done = command("kws.train", "--dataset=speech_commands", f"--data_dir={data}", f"--run_dir={path}", *TINY)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.slow
def test_a_run_gets_widths(data: pathlib.Path, run_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    common = (f"--run_dir={run_dir}", f"--data_dir={data}", "--processes=1", "--bits=4,8", "--nocount")
    common += ("--examples=4000",)
    plot = tmp_path / "plots" / "front.png"
    done = command("kws.bit_search", *common, "--max_flash=45000", "--points=3", f"--plot={plot}", "--json=-")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert 40 <= result["examples"] < 4000
    assert f"--examples=4000: there are {result['examples']} training examples, all of them were taken" in done.stderr
    chosen = result["chosen"]
    assert chosen["flash_bytes"] <= 45000
    assert chosen["flags"] == Widths(tuple(chosen["weight_bits"]), tuple(chosen["activation_bits"])).flags()
    assert chosen["flags"] in done.stderr
    assert 2 <= len(result["front"]) <= 3 and not result["counted"]
    assert set(result["sensitivity"]["weights"]) == set(result["layers"])
    assert plot.read_bytes().startswith(b"\x89PNG")
    for row in (*result["front"], chosen):
        assert row["activation_bits"][-1] == 8
        assert 0 <= row["same_class_as_float"] <= 1 and row["loss"] >= 0 and row["joint_loss"] >= 0
    small = command("kws.bit_search", *common, "--max_flash=100")
    assert small.returncode == 2
    (line,) = (line for line in small.stderr.splitlines() if line.startswith("error: "))
    assert line.startswith("error: --max_flash=100 can't be reached: the least found is ")


@pytest.mark.slow
def test_a_network_of_the_runs_widths_is_what_it_is_converted_to(
    data: pathlib.Path, run_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    converted = conversion.convert(conversion.ConvertConfig(run_dir, tmp_path / "bundle")).model
    found = material.material(run_dir, {"data_dir": str(data), "processes": 1}, (4, 8), 40)
    eight = (8,) * len(found.networks.names)
    assert found.networks.model(Widths(eight, eight)).sha256 == converted.sha256
    assert found.codes.shape[0] == len(found.logits) == 40


def test_a_run_without_a_float_model_is_refused(tmp_path: pathlib.Path) -> None:
    done = command("kws.bit_search", f"--run_dir={tmp_path}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and f"--run_dir={tmp_path} holds no run" in done.stderr
    unset = command("kws.bit_search")
    assert unset.returncode == 2 and "--run_dir is required" in unset.stderr
    (tmp_path / "run.json").write_text('{"settings": {}}')
    with pytest.raises(TrainingError, match="has no finished float model"):
        bit_search.search(BitSearchConfig(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bits": (1, 4)}, "--bits=1,4: give widths from 2 to 8"),
        ({"bits": ()}, "--bits=: give widths"),
        ({"profile": "slow"}, "--profile=slow is unknown"),
        ({"examples": 0}, "--examples=0: give 1 or more"),
        ({"max_ram": -5.0}, "--max_ram=-5: give 1 or more"),
        ({"points": 1}, "--points=1: give 2 or more"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        BitSearchConfig(pathlib.Path("run"), **settings)
