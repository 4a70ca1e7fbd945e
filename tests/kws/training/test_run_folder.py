"""The folder of a run: its files are whole, or not there."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from kws.training import run_folder
from kws.training.run_folder import FLOAT, RunFolder
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
