"""Windows as a stream hears them: no padding reaches what is pooled, and the layers are the model's own."""

import numpy as np
import pytest
import tensorflow as tf

from kws.models import MODELS
from kws.models.in_a_stream import in_a_stream
from kws.models.word_head import with_word_head

SHAPE = (25, 10, 1)
CLASSES, WORDS = 4, 6


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    return MODELS["ds_cnn_mlperf"].build(SHAPE, CLASSES, 0)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)


def _rows_of_a_stream(model: tf.keras.Model, features: np.ndarray) -> np.ndarray:
    """What is pooled of the middle of three windows, each the mirror image of the one before."""
    long = np.concatenate([features[:, ::-1], features, features[:, ::-1]], axis=1)[:, 1:]
    x = tf.constant(long)
    for layer in model.layers[1:-2]:
        x = layer(x)
    rows = -(-SHAPE[0] // 2)
    first = (SHAPE[0] - 1) // 2
    return x.numpy()[:, first : first + rows]


def test_what_is_pooled_is_what_a_stream_computes(model: tf.keras.Model, features: np.ndarray) -> None:
    pooled = _rows_of_a_stream(model, features).mean((1, 2))
    expected = model.get_layer("logits")(tf.constant(pooled)).numpy()
    np.testing.assert_allclose(in_a_stream(model)(features).numpy(), expected, rtol=1e-5, atol=1e-7)
    assert np.abs(model(features).numpy() - expected).max() > 1e-4 * np.abs(expected).max()


def test_both_heads_and_all_weights_are_the_models_own(model: tf.keras.Model, features: np.ndarray) -> None:
    whole = with_word_head(model, "pool", WORDS, 0)
    twin = in_a_stream(whole)
    assert [output.shape for output in twin(features)] == [(2, CLASSES), (2, WORDS)]
    assert {id(each) for each in twin.trainable_variables} == {id(each) for each in whole.trainable_variables}
