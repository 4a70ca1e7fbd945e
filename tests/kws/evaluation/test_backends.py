"""The engine measures what the interpreter would, or names the clip where it doesn't."""

import dataclasses
import pathlib
import re
import shutil

import numpy as np
import pytest

import export
from export.host.engine import CEngine
from export.host.host_error import HostError
from export.model import interpreter, random_model
from kws.evaluation import backends
from kws.evaluation.evaluation_error import EvaluationError

CLIPS = 300
NAMES = [f"word/{i}.wav" for i in range(CLIPS)]
MODEL = random_model.ds_cnn(0, input_shape=(8, 6, 1), channels=4, blocks=1, classes=3)
CODES = random_model.codes(0, MODEL, CLIPS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> export.Bundle:
    return export.write_bundle(tmp_path_factory.mktemp("own") / "bundle", MODEL, CODES[:3])


def test_the_engine_is_proved_on_a_sample(bundle: export.Bundle) -> None:
    found = backends.infer(bundle, CODES, NAMES, backends.ENGINE, threads=2)
    assert str(found) == "engine, equal to the interpreter on 256 of 300 clips"
    assert (found.backend, found.proved_clips) == ("engine", 256)
    np.testing.assert_array_equal(found.logits, interpreter.run(MODEL, CODES))
    few = backends.infer(bundle, CODES[:5], NAMES[:5], backends.ENGINE, threads=2)
    assert str(few) == "engine, equal to the interpreter on all 5 clips"


def test_other_backends_say_who_they_are(bundle: export.Bundle) -> None:
    for backend, rounding in ((backends.INTERPRETER, "single"), (backends.TFLM, "double")):
        found = backends.infer(bundle, CODES, NAMES, backend, threads=1)
        assert str(found) == found.backend == backend
        np.testing.assert_array_equal(found.logits, interpreter.run(MODEL, CODES, rounding))


@pytest.mark.parametrize("clip", [0, CLIPS - 1])
def test_a_code_that_differs_is_named(bundle: export.Bundle, clip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = interpreter.run(MODEL, CODES)
    wrong = right.copy()
    wrong[clip, 1] ^= 1
    monkeypatch.setattr(CEngine, "run", lambda *_: wrong)
    expected = (
        rf"^clip word/{clip}\.wav, label1: the engine's code is {wrong[clip, 1]}, but the interpreter's is "
        rf"{right[clip, 1]}; .*c is not this model's.* or give backend=interpreter$"
    )
    with pytest.raises(EvaluationError, match=expected):
        backends.infer(bundle, CODES, NAMES, backends.ENGINE, threads=1)


def test_c_of_another_model_is_noticed(bundle: export.Bundle, tmp_path: pathlib.Path) -> None:
    other = random_model.ds_cnn(1, input_shape=(8, 6, 1), channels=4, blocks=1, classes=3)
    others = export.write_bundle(tmp_path / "other", other, CODES[:3])
    mixed = dataclasses.replace(bundle, path=shutil.copytree(bundle.path, tmp_path / "mixed"))
    shutil.copytree(others.c_folder, mixed.c_folder, dirs_exist_ok=True)
    with pytest.raises(EvaluationError, match=re.escape(f"{mixed.c_folder} is not this model's")):
        backends.infer(mixed, CODES, NAMES, backends.ENGINE, threads=1)


def test_the_engine_needs_a_compiler_the_interpreter_does_not(
    bundle: export.Bundle, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = backends.infer(bundle, CODES, NAMES, backends.INTERPRETER, threads=1)
    np.testing.assert_array_equal(found.logits, interpreter.run(MODEL, CODES))
    with pytest.raises(HostError, match="no C compiler: install gcc"):
        backends.infer(bundle, CODES, NAMES, backends.ENGINE, threads=1)
