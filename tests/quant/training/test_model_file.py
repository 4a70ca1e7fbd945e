"""The file of a model: whole, or not there."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from quant.training import model_file


def model(bias: float) -> tf.keras.Model:
    layer = tf.keras.layers.Dense(2, input_shape=(3,), bias_initializer=tf.keras.initializers.Constant(bias))
    return tf.keras.Sequential([layer])


def test_a_write_that_is_cut_off_leaves_no_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill in its middle does: what is there counts as a finished stage."""

    def half(self: tf.keras.Model, path: str | pathlib.Path, **_: object) -> None:
        pathlib.Path(path).write_bytes(b"half of it")
        raise KeyboardInterrupt

    path = tmp_path / "model.h5"
    with monkeypatch.context() as patched:
        patched.setattr(tf.keras.Model, "save", half)
        with pytest.raises(KeyboardInterrupt):
            model_file.save_model(model(1.0), path)
    assert not path.exists()
    model_file.save_model(model(1.0), path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.h5"]
    with monkeypatch.context() as patched:
        patched.setattr(tf.keras.Model, "save", half)
        with pytest.raises(KeyboardInterrupt):
            model_file.save_model(model(2.0), path)
    np.testing.assert_array_equal(model_file.load_model(path).get_weights()[1], [1.0, 1.0])
