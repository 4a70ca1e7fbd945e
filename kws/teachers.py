"""Teachers: trained models whose mean posteriors a student follows (knowledge distillation).

A teacher is asked once about each example of an epoch, as it was before masks and other draws on features: the student
learns that these change nothing. So what teachers say depends on the examples alone, and runs on the same data share
it.
Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", arXiv:1503.02531.
"""

import hashlib
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kws import feature_cache
from kws.inference import predictor
from quant.qformat import QFormat

# Softens teachers' and student's posteriors.
TEMPERATURE = 2.0


class Teachers:
    """Models, and what they say about examples.

    Attributes:
      models: Keras models that give logits [n, classes].
      input_format: of the features' codes; None where features are values.
      cache_dir: where posteriors are kept for other runs, 4 bytes for an example and class; None to keep none.
    """

    def __init__(
        self,
        models: Sequence[tf.keras.Model],
        input_format: QFormat | None,
        cache_dir: str | pathlib.Path | None = None,
    ) -> None:
        """Raises `ValueError` for no models."""
        if not models:
            raise ValueError("no models: expected one teacher or more")
        self.models = tuple(models)
        self.input_format = input_format
        self.cache_dir = cache_dir
        self._predictors = [predictor(model, input_format) for model in self.models]
        weights = b"".join(variable.numpy().tobytes() for model in self.models for variable in model.variables)
        self._identity = hashlib.sha256(weights).hexdigest()

    def posteriors(self, features: np.ndarray) -> np.ndarray:
        """The mean of `softmax(logits / TEMPERATURE)` over the teachers.

        Args:
          features: int8 (or float32 values) [n, h, w, c].

        Returns:
          float32 [n, classes].
        """
        shape = (len(features), self.models[0].output_shape[-1])
        name = self._name(features)
        kept = None if self.cache_dir is None else feature_cache.read(self.cache_dir, name, shape, np.float32)
        if kept is not None:
            return kept
        each = [tf.nn.softmax(logits_of(features) / TEMPERATURE) for logits_of in self._predictors]
        mean = np.mean(np.stack(each), axis=0, dtype=np.float32)
        if self.cache_dir is not None:
            feature_cache.write(self.cache_dir, name, mean)
        return mean

    def _name(self, features: np.ndarray) -> str:
        parts = (self._identity, TEMPERATURE, self.input_format, features.shape)
        digest = hashlib.sha256(" ".join(map(str, parts)).encode())
        digest.update(np.ascontiguousarray(features).data)
        return digest.hexdigest()


def distance(posteriors: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """`T**2 * KL(posteriors || softmax(logits / T))`, the mean over the batch.

    Args:
      posteriors: float32 [n, classes], of `Teachers.posteriors`.
      logits: float32 [n, classes], the student's.
    """
    terms = tf.math.xlogy(posteriors, posteriors) - posteriors * tf.nn.log_softmax(logits / TEMPERATURE)
    return TEMPERATURE**2 * tf.reduce_mean(tf.reduce_sum(terms, axis=1))
