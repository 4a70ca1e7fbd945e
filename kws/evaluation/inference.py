"""Logits of a Keras model for many examples."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from quant.qformat import QFormat, dequantize

_BATCH_SIZE = 256


def values(features: np.ndarray, q: QFormat | None) -> np.ndarray:
    """What the network reads, float32: of codes in format `q`, or of features that are values already (None)."""
    return features if q is None else dequantize(features, q)


def predictor(model: tf.keras.Model, q: QFormat | None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from features [n, h, w, c], int8 codes in format `q` or float32 values (None), to logits [n, classes].

    Its graph is built once, for all calls.
    """
    compiled = tf.function(lambda batch: model(batch, training=False), autograph=False, reduce_retracing=True)

    def predict_all(features: np.ndarray) -> np.ndarray:
        starts = range(0, len(features), _BATCH_SIZE)
        return np.concatenate([compiled(values(features[i : i + _BATCH_SIZE], q)).numpy() for i in starts])

    return predict_all


def predict(model: tf.keras.Model, features: np.ndarray, q: QFormat | None) -> np.ndarray:
    """Logits float32 [n, classes] of feature codes int8 [n, h, w, c] in format `q`, or of values float32 (None)."""
    return predictor(model, q)(features)
