"""What teachers say about examples, and how far a student is from it."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from kws.training import teachers
from kws.training.teachers import TEMPERATURE, Teachers

SHAPE = (3, 2, 1)
CLASSES = 4


def model(seed: int) -> tf.keras.Model:
    layers = (tf.keras.Input(SHAPE), tf.keras.layers.Flatten(), tf.keras.layers.Dense(CLASSES))
    made = tf.keras.Sequential(layers)
    rng = np.random.default_rng(seed)
    made.set_weights([rng.normal(size=weights.shape) for weights in made.get_weights()])
    return made


def examples(seed: int = 0, count: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *SHAPE)).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_posteriors_are_the_mean_of_the_softened_ones() -> None:
    models = (model(1), model(2))
    flat = examples().reshape(300, -1)
    logits = [flat @ m.get_weights()[0] + m.get_weights()[1] for m in models]
    expected = np.mean([softmax(each / TEMPERATURE) for each in logits], axis=0)
    found = Teachers(models).posteriors(examples())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_was_said_is_kept_for_the_same_teachers_and_examples(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Teachers((model(1),), tmp_path).posteriors(examples())
    Teachers((model(2),), tmp_path).posteriors(examples())
    Teachers((model(1),), tmp_path).posteriors(examples(seed=1))
    assert len(list(tmp_path.iterdir())) == 3
    again = Teachers((model(1),), tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(again, "_predictors", [])
        np.testing.assert_array_equal(again.posteriors(examples()), first)
    # Code that may say something else is asked anew.
    monkeypatch.setattr(teachers, "code_sha256", lambda functions, libraries: "edited")
    again.posteriors(examples())
    assert len(list(tmp_path.iterdir())) == 4


def test_the_distance_is_zero_at_the_teachers_own_logits_alone() -> None:
    logits = tf.constant([[1.0, -2.0, 0.5, 3.0], [0.0, 0.0, 4.0, -1.0]])
    said = tf.nn.softmax(logits / TEMPERATURE)
    assert abs(float(teachers.distance(said, logits))) < 1e-6
    other = tf.constant([[1.0, -2.0, 0.5, 2.0], [0.0, 0.0, 4.0, -1.0]])
    student = tf.nn.softmax(other / TEMPERATURE)
    expected = TEMPERATURE**2 * np.mean(np.sum(said * np.log(said / student), axis=1))
    assert float(teachers.distance(said, other)) == pytest.approx(expected, rel=1e-5)


def test_teachers_are_one_at_least() -> None:
    with pytest.raises(ValueError, match="no models"):
        Teachers(())
