"""What a run says about the runs that it follows."""

import dataclasses
import pathlib

import pytest
import tensorflow as tf

from kws.datasets import DatasetConfig, dataset_flags
from kws.training import earlier_runs, run_folder
from kws.training.run_folder import FLOAT, RunFolder
from kws.training.settings import TrainConfig
from kws.training.training_error import TrainingError
from quant.training import model_file

CONFIG = TrainConfig(DatasetConfig())


def run(path: pathlib.Path, seed: int, float_source: RunFolder | None = None, **settings: object) -> RunFolder:
    """A run as far as teachers are concerned; its float model is a single layer that says its seed."""
    config = dataclasses.replace(CONFIG, seed=seed, **settings)
    saved = {**dataclasses.asdict(config), "dataset": dataset_flags.to_json(config.dataset)}
    folder = run_folder.create(path, saved, earlier_runs.described(config, float_source))
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,), kernel_initializer="zeros")])
    model.layers[0].bias.assign([seed, 0.0])
    model_file.save_model(model, folder.model_path(FLOAT))
    return folder


def saved(folder: RunFolder) -> dict:
    return folder.read_json(run_folder.SETTINGS)


def test_a_run_without_teachers_has_none(tmp_path: pathlib.Path) -> None:
    alone = saved(run(tmp_path / "alone", 0))
    assert alone[run_folder.TEACHERS] == {}
    assert earlier_runs.command_lines(alone) == []
    assert earlier_runs.identities(alone) == {}


def test_a_teachers_own_teachers_are_trained_first(tmp_path: pathlib.Path) -> None:
    first, second, third = (str(tmp_path / name) for name in ("first", "second", "third"))
    run(pathlib.Path(first), 1, model="ds_cnn_m")
    run(pathlib.Path(second), 2, float_teachers=(first,))
    pupil = saved(run(pathlib.Path(third), 3, float_teachers=(second,), fixed_point_teachers=(first,)))
    lines = earlier_runs.command_lines(pupil)
    assert [f"--run_dir={path} " in line for path, line in zip((first, second), lines, strict=True)] == [True, True]
    assert "--model=ds_cnn_m" in lines[0]
    assert f"--float_teachers={first}" in lines[1]
    known = earlier_runs.identities(pupil)
    assert list(known["float_teachers"]) == [first, second]
    assert known["fixed_point_teachers"] == {first: known["float_teachers"][first]}
    assert known["float_teachers"][second] == earlier_runs.float_sha256(RunFolder(pathlib.Path(second)))
    assert len(set(known["float_teachers"].values())) == 2


def test_a_float_model_that_is_taken_over_keeps_its_teachers(tmp_path: pathlib.Path) -> None:
    first = tmp_path / "first"
    run(first, 1)
    taught = run(tmp_path / "taught", 2, float_teachers=(str(first),))
    known = saved(taught)[run_folder.TEACHERS]
    (first / FLOAT / "model.h5").unlink()
    pupil = saved(run(tmp_path / "pupil", 2, taught, float_teachers=(str(first),)))
    assert pupil[run_folder.TEACHERS] == known
    # What the other run's second stage followed says nothing about its float model.
    assert list(known) == ["float_teachers"]


def test_equal_weights_have_equal_identities(tmp_path: pathlib.Path) -> None:
    same, again, other = (run(tmp_path / name, seed) for name, seed in (("same", 4), ("again", 4), ("other", 5)))
    assert earlier_runs.float_sha256(same) == earlier_runs.float_sha256(again)
    assert earlier_runs.float_sha256(same) != earlier_runs.float_sha256(other)


def test_a_teacher_must_be_finished(tmp_path: pathlib.Path) -> None:
    unfinished = run(tmp_path / "unfinished", 0)
    unfinished.model_path(FLOAT).unlink()
    for flag in earlier_runs.FLAGS:
        with pytest.raises(TrainingError, match=f"{flag}=.* holds no finished float model"):
            earlier_runs.described(dataclasses.replace(CONFIG, **{flag: (str(unfinished.path),)}))
        with pytest.raises(TrainingError, match=f"{flag}=.* holds no run"):
            earlier_runs.described(dataclasses.replace(CONFIG, **{flag: (str(tmp_path / "nobody"),)}))


def test_a_teacher_of_another_version_is_named(tmp_path: pathlib.Path) -> None:
    old = run(tmp_path / "old", 0)
    settings = saved(old)["settings"]
    del settings["float_ema"]
    old.update_json(run_folder.SETTINGS, settings=settings)
    with pytest.raises(TrainingError, match=r"float_teachers=.*/old: the run is of another version.*float_ema"):
        earlier_runs.described(dataclasses.replace(CONFIG, float_teachers=(str(old.path),)))
