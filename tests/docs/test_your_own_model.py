"""docs/your_own_model.md, run as it stands; then code by code: Keras, interpreter, C in every profile, .tflite."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import documented
import numpy as np
import pytest

import export
import quant

pytestmark = pytest.mark.slow
DOCUMENTS = ("docs/your_own_model.md",)
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / DOCUMENTS[0]
TEXT = DOCUMENT.read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where the document's code runs."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def names(folder: pathlib.Path) -> dict:
    """The document's names after its last block, and `first`, its integer model before training on."""
    found: dict = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for block in BLOCKS:
            exec(compile(block, str(DOCUMENT), "exec"), found)
            found.setdefault("first", found.get("integer"))
    return found


def keras_codes(names: dict, model: export.IntegerModel) -> np.ndarray:
    values = names["fixed"](quant.dequantize(names["codes"], model.input_format)).numpy()
    return values * 2.0**model.output_format.fraction_bits


def test_from_keras_to_c_takes_thirty_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line and not line.startswith("#")]) <= 30


@pytest.mark.parametrize("which", ["first", "integer"])
def test_the_c_of_every_profile_gives_the_interpreters_codes(which: str, names: dict, tmp_path) -> None:
    model, codes = names[which], names["codes"]
    expected = export.interpret(model, codes)
    assert len(np.unique(expected)) > 20
    assert set(export.PROFILES) == {"portable", "packed", "small", "fast", "cycles", "ram", "helium"}
    for profile in export.PROFILES:
        written = export.write_c(model, tmp_path / profile, profile)
        assert {path.name for path in written} == {path.name for path in (tmp_path / profile).iterdir()}
        with export.CEngine.build(tmp_path / profile) as engine:
            np.testing.assert_array_equal(engine.run(codes), expected)


def test_keras_gives_the_interpreters_codes(names: dict) -> None:
    model = names["integer"]
    np.testing.assert_array_equal(keras_codes(names, model), export.interpret(model, names["codes"]))


def test_the_tflite_gives_the_interpreters_codes(names: dict, folder: pathlib.Path) -> None:
    from export.proof.tflm import TflmModel

    expected = export.interpret(names["first"], names["codes"], "double")
    found = TflmModel((folder / "textures.tflite").read_bytes()).run(names["codes"])
    np.testing.assert_array_equal(found, expected)


def test_nothing_differs_and_it_recognizes_what_it_was_trained_on(names: dict) -> None:
    for which in ("first", "integer"):
        right = export.interpret(names[which], names["codes"]).argmax(axis=1) == names["labels"][1000:]
        assert right.mean() > 0.9
    result = export.verify(names["integer"], names["codes"], keras_model=names["fixed"])
    assert result.mismatches == 0, result.table()
    compared = [pair.implementation for pair in result.pairs]
    assert compared == ["keras", *(f"C {profile}" for profile in export.PROFILES), "tflm"]
    assert f"    {result.table().splitlines()[-1]}\n" in TEXT, "the line that the document quotes"


def test_the_bundle_is_what_the_shell_writes(names: dict, folder: pathlib.Path) -> None:
    again = quant.post_training_model(names["model"], names["images"][:500], 4, 4)
    first = export.lower(again, "textures", names["first"].labels)
    assert first.sha256 == names["first"].sha256
    bundle = export.load_bundle(folder / names["bundle"].path)
    assert export.verify_bundle(bundle, export.VerifyConfig(random_codes=20)).mismatches == 0
    names["model"].save(folder / "model.keras")
    np.save(folder / "inputs.npy", names["images"][:500])
    for command in documented.commands(*DOCUMENTS):
        done = subprocess.run(
            [sys.executable, *shlex.split(command.text)[1:]],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(DOCUMENT.parents[1])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    converted = export.load_bundle(folder / "textures_bundle")
    for ours, theirs in zip(names["first"].layers, converted.model.layers, strict=True):
        np.testing.assert_array_equal(ours.kernel, theirs.kernel)
        assert (ours.weight_format, ours.output_format) == (theirs.weight_format, theirs.output_format)
    assert re.search(r"same class as the float model: (9\d|100)\.\d\d % of 256 calibration inputs", done.stderr)


def test_the_document_names_what_there_is() -> None:
    for name in re.findall(r"`(export\.\w+|quant\.\w+)", TEXT):
        package, attribute = name.split(".")
        module = {"export": export, "quant": quant}[package]
        commands = {path.stem for path in (DOCUMENT.parents[1] / "export").glob("*.py")}
        assert attribute in module.__all__ or attribute in commands, name
