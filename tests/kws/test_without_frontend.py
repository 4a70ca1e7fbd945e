"""What hears sound says in one line that a bundle without a front end can't; what does not, takes it."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import export
from export.model import random_model

HEARING = (
    ("kws.evaluate", "--dataset=synthetic", "--data_dir={empty}"),
    ("kws.evaluate", "--dataset=synthetic", "--data_dir={empty}", "--streaming"),
    ("kws.stream", "--audio={empty}/sound.wav"),
    ("kws.tune_detector", "--dataset=synthetic", "--data_dir={empty}"),
    ("kws.experiments.word_accuracy", "--data_dir={empty}"),
    ("microcontroller.bench", "--streaming"),
    ("microcontroller.web_page", "--page={empty}/page.html"),
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> export.Bundle:
    model = random_model.ds_cnn(0, channels=4, blocks=1, classes=3)
    codes = random_model.codes(0, model, 3)
    return export.write_bundle(tmp_path_factory.mktemp("own") / "bundle", model, codes)


def run(bundle: export.Bundle, name: str, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", name, f"--bundle={bundle.path}", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "flags"), [(name, flags) for name, *flags in HEARING])
def test_hearing_needs_a_front_end(name: str, flags: list[str], bundle: export.Bundle, tmp_path) -> None:
    done = run(bundle, name, *(flag.format(empty=tmp_path) for flag in flags))
    expected = f"error: --bundle={bundle.path} has no front end, its model takes features and no sound: prove it with "
    assert done.returncode == 2 and done.stderr.startswith(expected) and done.stderr.count("\n") == 1, done.stderr
    assert not list(pathlib.Path(tmp_path).iterdir())


def test_the_proof_and_the_table_need_none(bundle: export.Bundle) -> None:
    assert export.verify_bundle(bundle, export.VerifyConfig(random_codes=10)).mismatches == 0
    assert run(bundle, "export.inspect").returncode == 0
    assert run(bundle, "export.renew").stdout.endswith("nothing changed\n")


def test_nor_does_the_bench_whose_inputs_classes_are_unknown(bundle: export.Bundle) -> None:
    from microcontroller import bench

    inputs = bench.inputs_of(bundle, 3, 2)
    assert inputs.spoken == (None,) * 5
    np.testing.assert_array_equal(inputs.codes[:3], bundle.golden.features)
