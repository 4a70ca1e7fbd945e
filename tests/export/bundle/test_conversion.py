"""A run that was trained for one shift has one when it is converted, or it is refused."""

import pathlib

import numpy as np
import pytest

import quant
from export.bundle import conversion, random_bundle, trained
from export.bundle.bundle_error import BundleError
from kws.models.ds_cnn import DsCnnSpec

SHAPE, CLASSES = (49, 10, 1), 3


def run(folder: pathlib.Path, qformat: str, claimed: str) -> pathlib.Path:
    """A finished run whose graph has formats of one kind, and whose settings claim another."""
    codes = np.random.default_rng(0).integers(-128, 128, (20, *SHAPE), dtype=np.int8)
    model = DsCnnSpec(5, (2, 1), ((2, 2),), (4, 3)).build(SHAPE, CLASSES, 0)
    fixed = quant.post_training_model(model, codes / np.float32(32), 4, 8, quant.Method(qformat=qformat))
    quant.save_model(fixed, folder / "graph.h5")
    finished = trained.Trained(
        model=folder / "graph.h5",
        name="small",
        labels=("yes", "no", "go"),
        frontend=random_bundle.FRONTEND.to_json(),
        metrics={},
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
