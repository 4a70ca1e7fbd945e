"""Stage 2 in phases: widths go down, formats are learned and frozen, a resumed run ends with the same bits."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from export.model import interpreter, lower
from kws.datasets import DatasetConfig
from kws.models import MODELS
from kws.models.ds_cnn import DsCnnSpec
from kws.training import run_folder, stages
from kws.training.loop.inputs import Examples
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig
from quant.method import Method
from quant.qformat import QFormat, dequantize
from quant.training import model_file

SHAPE = (9, 6, 1)
NAMES = ("yes", "no", "_unknown_")
EXAMPLES = 16
INPUT = QFormat(8, 5)


class Interrupted(Exception):
    pass


def examples_of(epoch: int) -> Examples:
    rng = np.random.default_rng(epoch)
    return rng.integers(-128, 128, (EXAMPLES, *SHAPE), dtype=np.int8), rng.integers(0, len(NAMES), EXAMPLES)


def job(path: pathlib.Path, stop_before: int | None = None) -> stages.Job:
    """Stage 2 of four epochs: one at 6 bits or more, one that learns formats, two with these frozen."""

    def examples(epoch: int) -> Examples:
        if epoch == stop_before:
            raise Interrupted
        return examples_of(epoch)

    config = TrainConfig(
        DatasetConfig(),
        model="small",
        float_epochs=1,
        fixed_point_epochs=4,
        fixed_point_learning_rate=0.05,
        fixed_point_ema=0.5,
        weight_bits=(4,),
        activation_bits=(4,),
        gradual_bits="6:1",
        method=Method(squash=True, learn_formats=True),
    )
    features, labels = examples_of(99)
    folder = RunFolder(path)
    measured = {split: features for split in ("validation", "testing")}
    counts = {"examples_per_epoch": EXAMPLES, "batch_size": 8}
    return stages.Job(config, NAMES, INPUT, measured, dict.fromkeys(measured, labels), folder, examples, **counts)


@pytest.mark.slow
def test_stage_2_follows_its_own_float_model_or_other_teachers(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "small", DsCnnSpec(4, (2, 1), ((1, 1),), (3, 3)))
    own, other = (MODELS["small"].build(SHAPE, len(NAMES), seed) for seed in (0, 1))

    def weights(name: str, *teachers: tf.keras.Model) -> list[bytes]:
        for stage in (FLOAT, FIXED_POINT):
            (tmp_path / name / stage).mkdir(parents=True)
        model_file.save_model(own, tmp_path / name / FLOAT / "model.h5")
        whole = job(tmp_path / name)
        config = dataclasses.replace(whole.config, fixed_point_epochs=1, gradual_bits="", method=Method())
        stages.train_fixed_point(dataclasses.replace(whole, config=config, fixed_point_teachers=teachers))
        return [
            variable.numpy().tobytes()
            for variable in model_file.load_model(tmp_path / name / FIXED_POINT / "model.h5").variables
        ]

    alone = weights("alone")
    assert weights("own", own) == alone
    assert weights("other", other) != alone


def test_without_epochs_in_fixed_point_no_whole_epoch_is_made(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "small", DsCnnSpec(4, (2, 1), ((1, 1),), (3, 3)))
    monkeypatch.setattr(stages, "CALIBRATION_EXAMPLES", 10)
    asked = []

    def first_examples_of(epoch: int, count: int) -> np.ndarray:
        asked.append((epoch, count))
        return examples_of(epoch)[0][:count]

    def formats(name: str, **given: object) -> str:
        for stage in (FLOAT, FIXED_POINT):
            (tmp_path / name / stage).mkdir(parents=True)
        model_file.save_model(MODELS["small"].build(SHAPE, len(NAMES), 0), tmp_path / name / FLOAT / "model.h5")
        whole = job(tmp_path / name, stop_before=1 if given else None)
        config = dataclasses.replace(whole.config, fixed_point_epochs=0, gradual_bits="", method=Method())
        stages.train_fixed_point(dataclasses.replace(whole, config=config, **given))
        return (tmp_path / name / run_folder.FORMATS).read_text()

    assert formats("first", first_examples_of=first_examples_of) == formats("whole")
    assert asked == [(1, 10)]


@pytest.mark.slow
def test_phases_resume_to_the_same_bits_and_end_on_the_grid(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "small", DsCnnSpec(4, (2, 1), ((1, 1),), (3, 3)))
    for name in ("whole", "parts"):
        (tmp_path / name / FIXED_POINT).mkdir(parents=True)
        (tmp_path / name / FLOAT).mkdir()
        model_file.save_model(MODELS["small"].build(SHAPE, len(NAMES), 0), tmp_path / name / FLOAT / "model.h5")
    stages.train_fixed_point(job(tmp_path / "whole"))
    # Stopped in the phase that starts from learned formats, after its first epoch.
    with pytest.raises(Interrupted):
        stages.train_fixed_point(job(tmp_path / "parts", stop_before=4))
    assert not RunFolder(tmp_path / "parts").model_path(FIXED_POINT).is_file()
    stages.train_fixed_point(job(tmp_path / "parts"))

    folders = [RunFolder(tmp_path / name) for name in ("whole", "parts")]
    models = [model_file.load_model(folder.model_path(FIXED_POINT)) for folder in folders]
    weights = [[variable.numpy().tobytes() for variable in model.variables] for model in models]
    assert weights[0] == weights[1]
    for name in (run_folder.FORMATS, run_folder.METRICS):
        assert folders[0].read_json(name) == folders[1].read_json(name)

    lowered = lower.lower(models[0], "small", NAMES)
    assert {layer.weight_format.bits for layer in lowered.layers if layer.macs} == {4}
    chosen = json.loads(folders[0].file(run_folder.FORMATS).read_text())["layers"]
    assert {name: f["output"]["fraction_bits"] for name, f in chosen.items()} == {
        layer.name: layer.output_format.fraction_bits for layer in lowered.layers
    }
    history = folders[0].read_json(run_folder.HISTORY)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    fraction_bits = [{name: row["output_fraction_bits"] for name, row in each["layers"].items()} for each in history]
    assert fraction_bits[2] == fraction_bits[3]
    codes = examples_of(5)[0]
    logits = models[0](dequantize(codes, INPUT), training=False).numpy()
    *_, (last, expected) = interpreter.run_layers(lowered, codes)
    np.testing.assert_array_equal(logits * 2.0**last.output_format.fraction_bits, expected.reshape(logits.shape))
