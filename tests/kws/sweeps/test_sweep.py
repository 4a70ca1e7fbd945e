"""A sweep as a user meets it: killed and gone on with, failing in part, on a cluster."""

import contextlib
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import corpus
import pytest

from export.bundle import folder as bundles
from kws import sweep
from kws.datasets import DatasetConfig
from kws.sweeps import cell as cell_files
from kws.sweeps import workers

MATRIX = """
[settings]
float_epochs = 1
fixed_point_epochs = 1
batch_size = 16
epoch_examples = 1
allow_chance = true
[rows]
"W4A8 PTQ" = { weight_bits = 4, fixed_point_epochs = 0, method = { equalize = false } }
"W4A4 + SWD" = { weight_bits = 4, activation_bits = 4, method = { squash = true } }
"""
CELLS = {("float", "0"), ("W4A8 PTQ", "0"), ("W4A4 + SWD", "0")}
# What depends on the settings alone, not on when and where a cell ran.
TIMES = ("seconds",)


@pytest.fixture(scope="module")
def data(small_network: None, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return corpus.write(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("matrix") / "matrix.toml"
    path.write_text(MATRIX)
    return path


def arguments(sweep_dir: pathlib.Path | str, data: pathlib.Path, matrix: pathlib.Path, *flags: str) -> list[str]:
    dataset = ("--dataset=speech_commands", f"--data_dir={data}", "--words=yes,no", "--processes=1")
    return [sys.executable, "-m", "kws.sweep", f"--sweep_dir={sweep_dir}", f"--matrix={matrix}", *dataset, *flags]


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)


def cells_of(sweep_dir: pathlib.Path) -> list[str]:
    """The command lines of the cells of a sweep that run."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.append(path.read_text(errors="replace"))
    return [line for line in found if f"--job={sweep_dir}" in line]


def rows(sweep_dir: pathlib.Path) -> dict[tuple[str, str], dict[str, str]]:
    with (sweep_dir / "results.csv").open() as file:
        found = {(row["name"], row["seed"]): row for row in csv.DictReader(file)}
    return {key: {name: value for name, value in row.items() if name not in TIMES} for key, row in found.items()}


@pytest.fixture(scope="module")
def finished(data: pathlib.Path, matrix: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A sweep that was killed in its second cell and then gone on with."""
    sweep_dir = tmp_path_factory.mktemp("sweeps") / "killed"
    process = subprocess.Popen(
        arguments(sweep_dir, data, matrix),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As in a shell's background, where its cells have to end with it all the same.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    deadline = time.monotonic() + 300
    while not (sweep_dir / "cells" / "w4a8-ptq-seed0" / "run.json").is_file():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.1)
    process.kill()
    process.communicate()
    while cells_of(sweep_dir):
        assert time.monotonic() < deadline, "a cell outlives its sweep"
        time.sleep(0.1)
    before = (sweep_dir / "float" / "seed0" / "result.json").stat().st_mtime_ns
    (sweep_dir / "killed.csv").write_text((sweep_dir / "results.csv").read_text())
    done = run(*arguments(sweep_dir, data, matrix))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 cells are finished, 2 to do" in done.stdout
    assert "[2/2] W4A4 + SWD, seed 0: testing" in done.stdout
    # 80 examples in an epoch, which has 8 steps.
    assert done.stdout.count(" %, few examples: batches of 10\n") + done.stdout.count("batches of 10;") == 2
    assert (sweep_dir / "float" / "seed0" / "result.json").stat().st_mtime_ns == before
    return sweep_dir


@pytest.mark.slow
def test_a_killed_sweep_goes_on_without_repeating_finished_cells(finished: pathlib.Path) -> None:
    with (finished / "killed.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["float"]
    assert set(rows(finished)) == CELLS
    assert {row["batch_size"] for row in rows(finished).values()} == {"10"}
    kept = json.loads((finished / "results.json").read_text())
    assert kept["missing"] == []
    for cell in kept["cells"]:
        assert cell["testing_float_accuracy"] == kept["cells"][0]["testing_float_accuracy"]


@pytest.mark.slow
def test_all_cells_share_features_and_epochs(finished: pathlib.Path) -> None:
    kept = sorted(path.name.split("-")[0] for path in (finished / "feature_cache").glob("epoch*"))
    assert kept == ["epoch0", "epoch1"]
    assert not list(finished.glob("*/feature_cache"))


@pytest.mark.slow
def test_a_cell_is_a_bundle_of_its_row(finished: pathlib.Path) -> None:
    cells = {cell["name"]: cell for cell in json.loads((finished / "results.json").read_text())["cells"]}
    for name, folder, bits in (("W4A8 PTQ", "w4a8-ptq-seed0", 7), ("W4A4 + SWD", "w4a4-swd-seed0", 4)):
        bundle = bundles.load(finished / "cells" / folder / "bundle")
        weighted = [layer for layer in bundle.model.layers if layer.macs]
        assert {layer.weight_format.bits for layer in weighted} == {4}
        assert {layer.output_format.bits for layer in weighted[:-1]} <= {bits, 8 if bits == 7 else bits}
        # The interpreter's accuracy is Keras' own, code by code.
        keras = bundle.metrics["fixed_point"]
        for split in ("validation", "testing"):
            assert cells[name][f"{split}_fixed_point_accuracy"] == keras[split]["accuracy"]
    assert cells["W4A8 PTQ"]["equalize"] is False
    ptq = cells["W4A8 PTQ"]
    assert ptq["testing_post_training_accuracy"] == ptq["testing_fixed_point_accuracy"]
    assert ptq["accumulator_bits_proved"] <= 32


@pytest.mark.slow
def test_a_failed_cell_is_named_and_stops_no_other(
    finished: pathlib.Path, data: pathlib.Path, matrix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """There is a float model of seed 0 to be taken, but none of seed 5."""
    flags = ("--seeds=5,0", "--only=*PTQ", f"--float_runs={finished}/float/seed{{seed}}")
    done = run(*arguments(tmp_path / "sweep", data, matrix, *flags))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "[1/4] float, seed 5: FAILED, exit code 2: float_run=" in done.stdout
    assert "holds no run" in done.stdout
    assert "2 cells failed" in done.stderr and "Traceback" not in done.stderr
    assert "W4A8 PTQ, seed 5: its float model failed" in done.stderr
    assert set(rows(tmp_path / "sweep")) == {("float", "0"), ("W4A8 PTQ", "0")}
    assert rows(tmp_path / "sweep").items() <= rows(finished).items()
    missing = json.loads((tmp_path / "sweep" / "results.json").read_text())["missing"]
    assert missing == ["float, seed 5", "W4A8 PTQ, seed 5"]


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of two workers with a core each."""
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    yield nodes.address
    nodes.shutdown()


@pytest.mark.slow
def test_a_cluster_gives_the_same_results(
    finished: pathlib.Path, data: pathlib.Path, matrix: pathlib.Path, tmp_path: pathlib.Path, cluster: str
) -> None:
    flags = (f"--ray_address={cluster}", f"--float_runs={finished}/float/seed{{seed}}")
    done = run(*arguments(tmp_path / "sweep", data, matrix, *flags))
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(tmp_path / "sweep") == rows(finished)
    url = f"file://{tmp_path}/shared"
    sent = run(*arguments(url, data, matrix, *flags, f"--scratch_dir={tmp_path}/local", "--only=*PTQ"))
    assert sent.returncode == 0, sent.stdout + sent.stderr
    found = rows(tmp_path / "shared")
    assert set(found) == {("float", "0"), ("W4A8 PTQ", "0")} and found.items() <= rows(finished).items()
    bundle = bundles.load(tmp_path / "shared" / "cells" / "w4a8-ptq-seed0" / "bundle")
    assert bundle.model.sha256 == bundles.load(finished / "cells" / "w4a8-ptq-seed0" / "bundle").model.sha256
    too_many = run(*arguments(tmp_path / "sweep", data, matrix, *flags, "--processes=2"))
    assert too_many.returncode == 2
    assert "--processes=2: no machine of the Ray cluster has more than 1 cores" in too_many.stderr


@pytest.mark.slow
def test_interrupting_a_sweep_stops_its_cells(data: pathlib.Path, matrix: pathlib.Path, tmp_path: pathlib.Path) -> None:
    process = subprocess.Popen(
        arguments(tmp_path / "s", data, matrix),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background jobs with SIGINT ignored, and their children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 200
    while not (tmp_path / "s" / "float" / "seed0" / "run.json").is_file():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.1)
    second = run(*arguments(tmp_path / "s", data, matrix))
    assert second.returncode == 2
    assert "another sweep is running in --sweep_dir=" in second.stderr
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "go on with the same command" in errors and "Traceback" not in errors
    assert not (tmp_path / "s" / "float" / "seed0" / "result.json").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--seeds=0,x",), "--seeds=0,x: 'x' is no seed"),
        (("--only=nothing",), "--only=nothing matches no row; the rows are: W4A8 PTQ; W4A4 + SWD"),
        (("--float_runs=runs/s0",), "has no {seed} in it"),
        (("--download", "--parallel=2"), "--download needs --parallel=1"),
        (("--ray_address=x:1", "--parallel=2"), "exclude each other"),
        (("--data_dir=",), "--data_dir is required"),
        (("--data_dir=tests",), "--data_dir=tests has no validation_list.txt: unpack the whole corpus there"),
    ],
)
def test_user_errors_are_one_line(
    flags: tuple[str, ...], message: str, data: pathlib.Path, matrix: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done = run(*arguments(tmp_path / "s", data, matrix, *flags))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("parallel", "given", "each"), [(1, None, 6), (4, None, 1), (9, None, 1), (4, 5, 5)])
def test_cells_at_a_time_share_the_cores(
    parallel: int, given: int | None, each: int, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(sweep, "usable_cores", lambda: 6)
    config = sweep.SweepConfig(tmp_path, DatasetConfig(processes=given), parallel=parallel)
    assert config.cell_dataset.worker_processes == each


def test_a_process_that_ends_without_a_result_has_failed(tmp_path: pathlib.Path) -> None:
    broken = cell_files.Cell(str(tmp_path), "cells/a-seed0", "a", "a", "W4A8", {"seed": 0}, {}, None)
    broken.path.parent.mkdir()
    broken.path.write_text("{}")
    reading, writing = os.pipe()
    try:
        error = workers.run(broken, reading)
    finally:
        os.close(writing)
        os.close(reading)
    assert error.startswith("exit code 2: ") and "is no job of a sweep" in error and str(broken.log) in error
