"""An integer model in memory becomes C, a .tflite or a bundle."""

import numpy as np
import pytest

from export.bundle import folder as bundles
from export.bundle import generated_c, model_files, tflite
from export.bundle.bundle_error import BundleError
from export.model import interpreter, random_model
from export.plan import PROFILES


@pytest.mark.parametrize("profile", PROFILES)
def test_c_is_a_bundles(profile: str, small_model, tmp_path) -> None:
    paths = model_files.write_c(small_model, tmp_path / "new" / "c", profile)
    texts = {path.name: path.read_text() for path in paths}
    assert texts == generated_c.files(small_model, {}, None, profile)
    assert sorted(path.name for path in (tmp_path / "new" / "c").iterdir()) == sorted(texts)


def test_other_files_of_the_folder_stay(small_model, tmp_path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    model_files.write_c(small_model, tmp_path)
    again = model_files.write_c(small_model, tmp_path, "small")
    assert "kernels: small" in (tmp_path / "fxp_model.h").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {"main.c", *(path.name for path in again)}


def test_an_unknown_profile_writes_nothing(small_model, tmp_path) -> None:
    with pytest.raises(ValueError, match="profile 'quick': expected one of"):
        model_files.write_c(small_model, tmp_path / "c", "quick")
    assert not (tmp_path / "c").exists()


def test_the_tflite_is_a_bundles(small_model, tmp_path) -> None:
    model_files.write_tflite(small_model, tmp_path / "model.tflite")
    assert (tmp_path / "model.tflite").read_bytes() == tflite.to_tflite(small_model)


def test_a_bundle_of_inputs_with_and_without_their_classes(small_model, tmp_path) -> None:
    codes = random_model.codes(0, small_model, 4)
    bundle = model_files.write_bundle(tmp_path / "a", small_model, codes)
    assert bundle.golden.clips == ("input0", "input1", "input2", "input3")
    assert set(bundle.golden.labels) == {bundles.UNKNOWN_LABEL}
    np.testing.assert_array_equal(bundle.golden.logits_single, interpreter.run(small_model, codes))
    assert (bundle.keras_path, bundle.metrics, bundle.frontend) == (None, {}, {})
    given = {"names": ["w", "x", "y", "z"], "true_labels": np.array([0, 1, 2, 0]), "metrics": {"mine": {"accuracy": 1}}}
    known = model_files.write_bundle(tmp_path / "b", small_model, codes, command="make it", profile="small", **given)
    assert (known.golden.clips, list(known.golden.labels)) == (("w", "x", "y", "z"), [0, 1, 2, 0])
    assert (known.profile, known.metrics) == ("small", given["metrics"])
    assert "```\nmake it\n```" in (known.path / bundles.CARD).read_text()


def test_a_bundle_without_front_end_opens_and_says_so_to_what_hears(small_model, tmp_path) -> None:
    bundle = model_files.write_bundle(tmp_path / "own", small_model, random_model.codes(0, small_model, 2))
    assert bundles.load(bundle.path).model.sha256 == small_model.sha256
    with pytest.raises(BundleError, match=r"^bundle=.*own has no front end, its model takes features and no sound"):
        bundles.load_hearing(bundle.path)


def test_inputs_of_another_shape_write_nothing(small_model, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"input int8 \(2, 3, 3, 1\), expected int8 \(n, 12, 6, 1\)"):
        model_files.write_bundle(tmp_path / "own", small_model, np.zeros((2, 3, 3, 1), np.int8))
    assert not (tmp_path / "own").exists()
