"""The float model beside an integer model: Keras' function, from arrays and the integer model alone."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import quant
from export.model import float_model, lower, random_model
from export.model.float_model import FloatModel
from export.model.integer_model import IntegerModel
from export.model.model_error import ModelError
from kws.models.ds_cnn import DsCnnSpec
from quant.qformat import dequantize
from quant.training.post_training import post_training_model

SHAPE = (15, 10, 1)


@pytest.fixture(scope="module")
def trained() -> tf.keras.Model:
    """A DS-CNN whose batch normalization has seen something."""
    # TensorFlow has a depthwise kernel of unequal strides on some machines alone: where oneDNN serves.
    model = DsCnnSpec(8, (2, 2), ((2, 2), (1, 1))).build(SHAPE, 4, seed=0)
    rng = np.random.default_rng(1)
    for variable in model.weights:
        if "_bn" in variable.name or "bias" in variable.name:
            values = rng.normal(0.2, 0.5, variable.shape)
            variable.assign(np.abs(values) + 0.1 if "variance" in variable.name else values)
    return model


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    return np.random.default_rng(2).integers(-128, 128, (100, *SHAPE), dtype=np.int8)


@pytest.fixture(scope="module")
def lowered(trained: tf.keras.Model, codes: np.ndarray) -> IntegerModel:
    fixed = post_training_model(trained, dequantize(codes, quant.QFormat(8, 5)), 4, 4)
    return lower.lower(fixed, "own", ("a", "b", "c", "d"))


def test_logits_are_keras(trained: tf.keras.Model, lowered: IntegerModel, codes: np.ndarray) -> None:
    found = float_model.run(FloatModel(lowered, float_model.weights_of(quant.fold(trained))), codes)
    expected = trained(dequantize(codes, lowered.input_format), training=False).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_a_layer_without_relu_keeps_its_sign(trained: tf.keras.Model, codes: np.ndarray) -> None:
    linear = tf.keras.Model(trained.input, tf.keras.layers.Dense(4)(trained.layers[-2].output))
    cut = trained.get_layer("pointwise1_bn").output
    linear = tf.keras.Model(trained.input, linear.layers[-1](trained.layers[-2](cut)))
    fixed = post_training_model(linear, dequantize(codes, quant.QFormat(8, 5)))
    own = lower.lower(fixed, "own", ("a", "b", "c", "d"))
    found = float_model.run(FloatModel(own, float_model.weights_of(quant.fold(linear))), codes)
    expected = linear(dequantize(codes, own.input_format), training=False).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def test_what_was_saved_is_loaded(trained: tf.keras.Model, lowered: IntegerModel, tmp_path: pathlib.Path) -> None:
    weights = float_model.weights_of(quant.fold(trained))
    paths = [tmp_path / name for name in ("one.npz", "two.npz")]
    for path in paths:
        float_model.save(weights, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    loaded = float_model.load(paths[0], lowered)
    assert loaded.weights.keys() == weights.keys()
    assert all(np.array_equal(loaded.weights[name], weights[name]) for name in weights)


def test_weights_that_do_not_fit_are_one_line(tmp_path: pathlib.Path) -> None:
    model = random_model.ds_cnn(0, channels=4, blocks=1, classes=3)
    weights = {
        f"{layer.name}.{what}": np.zeros(getattr(layer, what).shape, np.float32)
        for layer in model.layers
        if layer.op != "average_pool"
        for what in ("kernel", "bias")
    }
    FloatModel(model, weights)
    first = next(iter(weights))
    for wrong in (weights[first].astype(np.float64), weights[first][:1], weights[first] + np.float32(np.nan)):
        with pytest.raises(ModelError, match=f"float weights {first} are .*, expected finite float32"):
            FloatModel(model, {**weights, first: wrong})
    fewer = dataclasses.replace(model, layers=model.layers[-1:])
    float_model.save(weights, tmp_path / "weights.npz")
    with pytest.raises(ModelError, match=f"weights.npz: float weights of other layers .*{first}.*export.convert"):
        float_model.load(tmp_path / "weights.npz", fewer)
    (tmp_path / "weights.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:-30])
    with pytest.raises(ModelError, match=r"weights\.npz can't be read"):
        float_model.load(tmp_path / "weights.npz", model)
    np.savez(tmp_path / "code.npz", **{first: np.array([object()])})
    with pytest.raises(ModelError, match=r"code\.npz can't be read"):
        float_model.load(tmp_path / "code.npz", model)
