"""The folder of a run: its files are whole, or not there."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from cli import held_folder
from kws.training import run_folder
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.training_error import TrainingError


def model(bias: float) -> tf.keras.Model:
    layer = tf.keras.layers.Dense(2, input_shape=(3,), bias_initializer=tf.keras.initializers.Constant(bias))
    return tf.keras.Sequential([layer])


def test_a_write_that_is_cut_off_leaves_no_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill in its middle does: what is there counts as a finished stage."""

    def half(self: tf.keras.Model, path: str | pathlib.Path, **_: object) -> None:
        pathlib.Path(path).write_bytes(b"half of it")
        raise KeyboardInterrupt

    folder = RunFolder(tmp_path)
    path = folder.model_path(FLOAT)
    with monkeypatch.context() as patched:
        patched.setattr(tf.keras.Model, "save", half)
        with pytest.raises(KeyboardInterrupt):
            run_folder.save_model(folder, FLOAT, model(1.0))
    assert not path.exists()
    run_folder.save_model(folder, FLOAT, model(1.0))
    assert [file.name for file in path.parent.iterdir()] == ["model.h5"]
    with monkeypatch.context() as patched:
        patched.setattr(tf.keras.Model, "save", half)
        with pytest.raises(KeyboardInterrupt):
            run_folder.save_model(folder, FLOAT, model(2.0))
    np.testing.assert_array_equal(run_folder.load_model(folder, FLOAT).get_weights()[1], [1.0, 1.0])


@pytest.mark.parametrize("text", ["{}", "[]", '{"settings": []}', "{", ""])
def test_a_run_whose_settings_are_damaged_is_refused(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / run_folder.SETTINGS).write_text(text)
    with pytest.raises(TrainingError, match=r"run\.json is damaged \(.*: train the run again"):
        run_folder.open_run(tmp_path)


def test_a_start_that_was_killed_can_be_started_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run"
    for stage in (FLOAT, FIXED_POINT):
        (path / stage).mkdir(parents=True)
    (path / run_folder.CLIPS).write_text("{}")
    (path / ".run.json-abcdefgh").mkdir()
    (path / ".run.json-abcdefgh" / held_folder.HELD).touch()
    folder = run_folder.create(path, {"seed": 0})
    assert run_folder.open_run(path)[1]["settings"] == {"seed": 0}
    assert sorted(entry.name for entry in path.iterdir()) == ["clips.json", FIXED_POINT, FLOAT, "run.json"]
    with pytest.raises(TrainingError, match="holds a run"):
        run_folder.check_new(path)
    folder.file(run_folder.SETTINGS).unlink()
    for other in ("thesis.txt", "float/model.h5"):
        (path / other).touch()
        with pytest.raises(TrainingError, match="exists and is not a run: choose another folder"):
            run_folder.check_new(path)
        (path / other).unlink()
