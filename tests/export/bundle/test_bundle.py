"""Bundles: written whole or not at all, and every kind of damage is one line."""

import json
import os
import shutil

import numpy as np
import pytest

from export.bundle import folder as bundles
from export.bundle import random_bundle
from export.bundle.bundle_error import BundleError
from export.model import interpreter, random_model


def test_what_was_written_is_read(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model)
    assert bundle.model.sha256 == small_model.sha256 == bundle.manifest["model_sha256"]
    assert bundle.name == small_model.name and bundle.labels == small_model.labels
    assert bundle.frontend_config.shifts == random_bundle.FRONTEND.shifts[:6]
    assert bundle.metrics["testing"]["accuracy"] == 0.5
    assert bundle.keras_path.read_bytes() == b"not a graph"
    assert (bundle.c_folder / "fxp_model.c").is_file() and bundle.tflite_path.is_file()
    golden = bundle.golden
    assert len(golden) == 8 and golden.clips[0] == "clip0.wav"
    assert np.array_equal(golden.features, random_model.codes(1, small_model, 8))
    for rounding, logits in (("single", golden.logits_single), ("double", golden.logits_double)):
        assert np.array_equal(logits, interpreter.run(small_model, golden.features, rounding))


def test_every_file_is_needed_and_checked(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model, float_weights={"conv0.kernel": np.zeros(3, np.float32)})
    names = [*bundle.manifest["files"], *(f"c/{name}" for name in bundle.manifest["c"]["files"])]
    assert {
        "integer_model.npz",
        "model.tflite",
        "golden.npz",
        "c/fxp_model.c",
        "MODEL_CARD.md",
        "float_weights.npz",
    } <= set(names)
    for name in names:
        file = bundle.path / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-1])
        with pytest.raises(BundleError, match=f"{name} is damaged or was changed"):
            bundles.load(bundle.path)
        file.unlink()
        with pytest.raises(BundleError, match=f"truncated, {name} is missing: (write the bundle again|remove )"):
            bundles.load(bundle.path)
        file.write_bytes(whole)
    bundles.load(bundle.path)


def test_what_is_not_a_bundle_is_one_line(make_bundle, small_model, tmp_path) -> None:
    with pytest.raises(BundleError, match="is not a folder"):
        bundles.load(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"has no bundle\.json"):
        bundles.load(tmp_path)
    bundle = make_bundle(small_model)
    manifest = bundle.path / bundles.MANIFEST
    whole = manifest.read_text()
    for broken in (whole[: len(whole) // 2], "[]", "{}"):
        manifest.write_text(broken)
        with pytest.raises(BundleError, match=r"bundle\.json can't be read"):
            bundles.load(bundle.path)
    manifest.write_text(json.dumps({**json.loads(whole), "format_version": 99}))
    with pytest.raises(BundleError, match="format version 99"):
        bundles.load(bundle.path)


def test_a_file_that_cannot_be_read_is_one_line(make_bundle, small_model) -> None:
    path = make_bundle(small_model).path
    (path / "model.tflite").unlink()
    (path / "model.tflite").symlink_to("/proc/self/mem")  # there, and not to be read, by root either
    with pytest.raises(BundleError, match=r"^bundle=.* can't be read \(.*: Input/output error\): make it readable, or"):
        bundles.load(path)


def test_golden_vectors_that_cannot_be_read_are_one_line(make_bundle, small_model, doctor) -> None:
    bundle = make_bundle(small_model)
    whole = (bundle.path / bundles.GOLDEN).read_bytes()
    for broken in (b"", b"PK\x03\x04", whole[: len(whole) // 2]):
        with pytest.raises(BundleError, match=r"golden\.npz can't be read"):
            doctor(bundle, bundles.GOLDEN, broken)


def test_a_bundle_replaces_a_bundle_and_nothing_else(make_bundle, small_model, tmp_path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    first = make_bundle(small_model)
    other = random_model.ds_cnn(1, input_shape=(12, 6, 1), channels=4, blocks=1, classes=3)
    second = make_bundle(other)
    assert second.path == first.path and second.model.sha256 == other.sha256
    shutil.rmtree(target)
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        make_bundle(small_model)
    assert (target / "thesis.txt").read_text() == "years of work"
    shutil.rmtree(target)
    target.write_text("a file")
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        make_bundle(small_model)


def test_a_failure_leaves_the_old_bundle_and_no_litter(make_bundle, small_model, tmp_path) -> None:
    bundle = make_bundle(small_model)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(BundleError, match=r"^can't write bundle=.*: No such file or directory: .*missing\.h5"):
        make_bundle(small_model, keras_model=tmp_path / "missing.h5")
    with pytest.raises(TypeError):
        make_bundle(small_model, card=None)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert bundles.load(bundle.path).model.sha256 == small_model.sha256


def test_what_lies_beside_a_bundles_files_is_copied_as_it_is(make_bundle, small_model, tmp_path) -> None:
    path = make_bundle(small_model).path
    (path / "notes").mkdir()
    (path / "notes" / "a.txt").write_text("mine")
    for name in ("loop", "circle"):  # followed, they would be copied without end
        (path / name).symlink_to(".")
    (path / bundles.CARD).rename(tmp_path / "card")
    (path / bundles.CARD).symlink_to("../card")
    bundle = bundles.add(bundles.load(path), {"words.txt": "a"})
    assert (path / "notes" / "a.txt").read_text() == "mine" and (path / "loop").readlink().name == ""
    assert not (path / bundles.CARD).is_symlink() and bundle.manifest["files"].keys() >= {"words.txt", bundles.CARD}


def test_what_is_no_file_of_a_bundle_is_not_copied(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model)
    os.mkfifo(bundle.path / "pipe")
    with pytest.raises(BundleError, match="pipe is no file of a bundle: move it elsewhere"):
        bundles.add(bundle, {"words.txt": "a"})
    (bundle.path / "pipe").unlink()
    with (bundle.path / "large").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match="large is no file of a bundle: move it elsewhere"):
        bundles.add(bundle, {"words.txt": "a"})
    assert "words.txt" not in bundles.load(bundle.path).manifest["files"]


def test_a_place_that_cannot_be_written_is_one_line(make_bundle, small_model, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    bundle = make_bundle(small_model)
    with pytest.raises(BundleError, match=r"^can't write bundle="):
        bundles.write(
            tmp_path / "file" / "bundle",
            model=small_model,
            tflite=b"",
            golden=bundle.golden,
            frontend={},
            keras_model=bundle.keras_path,
            card="",
            metrics={},
        )


def test_a_bundle_that_listens_at_another_rate_hears_no_recording(make_bundle, small_model) -> None:
    """It heard them as if they had its rate."""
    front_end = make_bundle(small_model).frontend
    path = make_bundle(small_model, frontend=front_end | {"sample_rate": 44100}).path
    with pytest.raises(BundleError, match="listens at 44100 Hz, recordings have 16000: train again"):
        bundles.load_hearing(path)


def test_a_full_disk_while_a_bundle_is_copied_is_one_short_reason(make_bundle, small_model, monkeypatch) -> None:
    bundle = make_bundle(small_model)

    def full(*_: object, **__: object) -> None:
        raise shutil.Error([(f"{i}.npz", f"copy/{i}.npz", "[Errno 28] No space left on device") for i in range(99)])

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(
        BundleError, match=r"^can't write bundle=.*: 0.npz can't be copied: .* No space left on device$"
    ) as found:
        bundles.add(bundle, {"words.txt": "a"})
    assert len(str(found.value)) < 400


def test_a_trained_model_is_not_lost_to_an_untrained_one(make_bundle, small_model) -> None:
    trained = make_bundle(small_model, training={"seed": 1})
    before = {path.name: path.read_bytes() for path in trained.path.iterdir() if path.is_file()}
    with pytest.raises(
        BundleError, match="holds a trained model, which would be lost: choose another path or remove it"
    ):
        random_bundle.write(random_bundle.RandomBundleConfig(trained.path, channels=8, blocks=1))
    assert {path.name: path.read_bytes() for path in trained.path.iterdir() if path.is_file()} == before
    assert bundles.load(make_bundle(small_model, training={"seed": 2}).path).training == {"seed": 2}
