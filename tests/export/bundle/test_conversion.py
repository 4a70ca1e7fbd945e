"""A run that was trained for one shift has one when it is converted, or it is refused."""

import pathlib
from typing import Any

import numpy as np
import pytest

import quant
from export.bundle import conversion, detector_file, folder, random_bundle
from export.bundle.bundle_error import BundleError
from export.bundle.training import trained
from export.model import detector
from export.plan import FAST, RAM, goals
from export.plan.plan_error import PlanError
from kws.models.ds_cnn import DsCnnSpec

SHAPE, CLASSES = (49, 10, 1), 3


def run(
    folder: pathlib.Path,
    qformat: str,
    claimed: str,
    labels: tuple[str, ...] = ("yes", "no", "go"),
    metrics: dict | None = None,
) -> pathlib.Path:
    """A finished run whose graph has formats of one kind, and whose settings claim another."""
    codes = np.random.default_rng(0).integers(-128, 128, (20, *SHAPE), dtype=np.int8)
    model = DsCnnSpec(5, (2, 1), ((2, 2),), (4, 3)).build(SHAPE, CLASSES, 0)
    fixed = quant.post_training_model(model, codes / np.float32(32), 4, 8, quant.Method(qformat=qformat))
    quant.save_model(fixed, folder / "graph.h5")
    finished = trained.Trained(
        model=folder / "graph.h5",
        name="small",
        labels=labels,
        frontend=random_bundle.FRONTEND.to_json(),
        metrics=metrics or {},
        training={"settings": {"method": {"qformat": claimed}}, "data": {"name": "none"}},
        clips=tuple(f"clip{i}" for i in range(len(codes))),
        features=codes,
        true_labels=np.zeros(len(codes), np.int64),
    )
    trained.write(folder, finished)
    return folder


def test_one_shift_is_proved(tmp_path: pathlib.Path) -> None:
    config = conversion.ConvertConfig(run(tmp_path, "uniform_shift", "uniform_shift"), tmp_path / "bundle")
    model = conversion.convert(config).model
    assert {layer.shift for layer in model.layers} == {model.one_shift}


def test_several_shifts_are_refused_where_one_was_trained_for(tmp_path: pathlib.Path) -> None:
    config = conversion.ConvertConfig(run(tmp_path, "per_layer", "uniform_shift"), tmp_path / "bundle")
    with pytest.raises(BundleError, match=r"can't be converted: layers have different shifts, expected one for all: "):
        conversion.convert(config)
    assert not config.bundle.exists()


def test_several_shifts_are_as_good_where_nothing_else_was_asked_for(tmp_path: pathlib.Path) -> None:
    config = conversion.ConvertConfig(run(tmp_path, "per_layer", "per_layer"), tmp_path / "bundle")
    assert conversion.convert(config).model.one_shift is None


def test_the_profile_is_the_one_that_fits_to_the_byte(tmp_path: pathlib.Path) -> None:
    source = run(tmp_path / "run", "per_layer", "per_layer")

    def converted(**settings: Any) -> tuple[str, list[str]]:
        said: list[str] = []
        config = conversion.ConvertConfig(source, tmp_path / "bundle", **settings)
        return conversion.convert(config, said.append).profile, [line for line in said if line.startswith("profile")]

    assert converted(max_ram=99999)[0] == FAST
    model = folder.load(tmp_path / "bundle").model
    fast, least = (goals.needed(model, profile) for profile in (FAST, RAM))
    said = f"profile ram: {least:,} bytes of arena and stack, within {fast - 1:,}"
    assert converted(max_ram=fast - 1) == (RAM, [said])
    with pytest.raises(
        PlanError, match=rf"^max_ram={least - 1}: small needs {least} bytes at least, 512 of them stack"
    ):
        converted(max_ram=least - 1)
    assert folder.load(tmp_path / "bundle").profile == RAM


def test_a_replaced_bundles_detector_is_kept_where_the_labels_are_the_same(
    tmp_path: pathlib.Path,
) -> None:
    said: list[str] = []
    config = conversion.ConvertConfig(run(tmp_path / "run", "per_layer", "per_layer"), tmp_path / "bundle")
    bundle = conversion.convert(config, said.append)
    assert not any(line.startswith("kept") for line in said)
    tuned = detector.default(bundle.model, window=5)
    folder.add(bundle, {**detector_file.bundle_files(tuned, {"tuned_for": 1}), "words.json": "{}"})
    again = conversion.convert(config, said.append)
    assert any(line.startswith("kept: the detector of the bundle that was in") for line in said)
    assert detector_file.of_bundle(again) == tuned
    assert again.manifest["files"]["words.json"]
    assert f'"tuned_on": "{bundle.model.sha256}"' in (again.path / detector.FILE).read_text()
    other = conversion.ConvertConfig(run(tmp_path / "other", "per_layer", "per_layer", ("yes", "no", "up")), again.path)
    replaced = conversion.convert(other, said.append)
    assert "is for other labels or steps, and is not kept" in said[-2]
    assert detector.FILE not in replaced.manifest["files"]


def test_what_has_learned_nothing_is_not_converted_unless_that_is_allowed(tmp_path: pathlib.Path) -> None:
    metrics = {"fixed_point": {"validation": {"recall": {"yes": 0.4, "no": 0.3, "go": 0.2}}}}
    source = run(tmp_path / "run", "per_layer", "per_layer", metrics=metrics)
    with pytest.raises(BundleError, match=r"on validation 30.0 % .* guessing gives 33.3 %.* allow_chance=true$"):
        conversion.convert(conversion.ConvertConfig(source, tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()
    said: list[str] = []
    allowed = conversion.convert(conversion.ConvertConfig(source, tmp_path / "bundle", allow_chance=True), said.append)
    card = (allowed.path / folder.CARD).read_text(encoding="utf-8")
    assert "**It has learned next to nothing: on validation 30.0 % of each class are recognized" in card
    assert said[0].startswith("warning: the network has learned next to nothing (on validation 30.0 %")
