"""`--help` of every command answers at once: what it imports before it reads its flags is no framework."""

import ast
import functools
import os
import pathlib
import re
import subprocess
import sys
import wave

import numpy as np
import pytest
from test_rooms import ROOT, is_command, modules

from kws.datasets.clip import SAMPLE_RATE
from kws.stores import code_identity

FRAMEWORKS = {"tensorflow", "tensorflow_io", "tensorflow_model_optimization", "tf_keras"}
HEAVY = FRAMEWORKS | {"fsspec", "matplotlib", "ray"}
MOST_MODULES = 800
COMMANDS = {name: path for name, path in modules().items() if is_command(path)}


@functools.cache
def loaded(path: pathlib.Path) -> frozenset[str]:
    """The packages that a file imports when it is loaded."""
    found = set()
    for node in code_identity._loaded(ast.parse(path.read_bytes()).body):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return frozenset(found)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_imports_a_framework_before_it_runs(name: str) -> None:
    imported = {path for path in code_identity.sources({name: COMMANDS[name]}).values() if path.suffix == ".py"}
    assert len(imported) > 3
    heavy = {str(path): frameworks for path in sorted(imported) if (frameworks := loaded(path) & HEAVY)}
    assert not heavy, f"{heavy}: import it in the function that needs it"


def test_all_commands_are_looked_at() -> None:
    assert {"kws.train", "kws.cache", "kws.experiments.step_cost", "export.convert"} <= set(COMMANDS)


@pytest.fixture(scope="session")
def without_frameworks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which importing TensorFlow, and what belongs to it, raises."""
    folder = tmp_path_factory.mktemp("without_frameworks")
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({FRAMEWORKS!r}))\n")
    return {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    line = [sys.executable, *([] if arguments[0] == "-c" else ["-m"]), *arguments]
    return subprocess.run(line, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


COUNTED = """
import runpy, sys, time
name, started = sys.argv[1], time.perf_counter()
sys.argv = [name, "--help"]
try:
    runpy.run_module(name, run_name="__main__", alter_sys=True)
except SystemExit as done:
    print(f"{len(sys.modules)} modules, {time.perf_counter() - started:.2f} s", file=sys.stderr)
    sys.exit(done.code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_no_framework_and_little_else(
    name: str, without_frameworks: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    # A second of a slow core is some 1,000 modules: their number is the same on every machine, the time is not.
    helped = run(without_frameworks, "-c", COUNTED, name)
    assert helped.returncode == 0, helped.stderr
    assert f"usage: python -m {name.removesuffix('.__main__')} " in helped.stdout
    found = re.fullmatch(r"(\d+) modules, [\d.]+ s\n", helped.stderr)
    assert found, helped.stderr
    with capsys.disabled():
        print(f"\npython -m {name} --help: {found[0].strip()}")
    assert int(found[1]) < MOST_MODULES


def test_what_needs_no_framework_runs_without_one(without_frameworks: dict[str, str], tmp_path: pathlib.Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run([sys.executable, "-c", "import tensorflow"], env=without_frameworks, check=True, stderr=-3)
    bundle = str(tmp_path / "bundle")
    write_noise(tmp_path / "noise.wav")
    for arguments in (
        ("export.random_bundle", f"--bundle={bundle}", "--channels=8", "--blocks=1"),
        ("export.renew", f"--bundle={bundle}"),
        ("export.inspect", f"--bundle={bundle}"),
        ("export.verify", f"--bundle={bundle}", "--clips=2", "--random_codes=2"),
        ("kws.stream", "--bundle=models/w4a4", f"--audio={tmp_path}/noise.wav"),
    ):
        done = run(without_frameworks, *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"


@pytest.mark.slow
def test_the_bench_runs_without_a_framework(without_frameworks: dict[str, str], tmp_path: pathlib.Path) -> None:
    bundle = str(tmp_path / "bundle")
    run(without_frameworks, "export.random_bundle", f"--bundle={bundle}", "--channels=8", "--blocks=1")
    line = ("microcontroller.bench", f"--bundle={bundle}", f"--build_dir={tmp_path}/build", "--emulator=qemu")
    done = run(without_frameworks, *line, "--clips=1", "--random_codes=1")
    assert done.returncode == 0, done.stderr


def test_a_trained_bundles_graph_is_left_out_of_its_proof_and_named(without_frameworks: dict[str, str]) -> None:
    line = ("export.verify", "--bundle=models/w4a4", "--implementations=keras", "--clips=1", "--random_codes=1")
    done = run(without_frameworks, *line)
    assert done.returncode == 0, done.stderr
    assert "keras skipped: TensorFlow, which runs the Keras graph, is not installed" in done.stdout


def write_noise(path: pathlib.Path) -> None:
    """Two seconds of quiet noise as a WAV file."""
    samples = np.random.default_rng(0).normal(0, 100, 2 * SAMPLE_RATE).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
