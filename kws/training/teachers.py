"""Teachers: trained models whose mean posteriors a student follows (knowledge distillation).

Teachers hear what the student hears, masks and all: asked about the example as it was before, they would say more than
the student can know. They are asked about a whole epoch at once: what they say depends on the examples alone, so runs
with the same draws share it.
Sources: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", arXiv:1503.02531; Beyer et al.,
"Knowledge distillation: A good teacher is patient and consistent", CVPR 2022, arXiv:2106.05237.
"""

import hashlib
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kws.evaluation.inference import predictor
from kws.examples import feature_cache
from kws.stores.code_identity import code_sha256

_LIBRARIES = ("numpy", "tensorflow", "tf_keras")
# Softens teachers' and student's posteriors.
TEMPERATURE = 2.0


class Teachers:
    """Models, and what they say about examples.

    Attributes:
      models: Keras models that give logits [n, classes].
      cache_dir: where posteriors are kept for other runs, 4 bytes for an example and class; None to keep none.
    """

    def __init__(self, models: Sequence[tf.keras.Model], cache_dir: str | pathlib.Path | None = None) -> None:
        """Raises `ValueError` for no models."""
        if not models:
            raise ValueError("no models: expected one teacher or more")
        self.models = tuple(models)
        self.cache_dir = cache_dir
        self._predictors = [predictor(model, None) for model in self.models]
        self._identity = identity(self.models)

    def posteriors(self, features: np.ndarray) -> np.ndarray:
        """The mean of `softmax(logits / TEMPERATURE)` over the teachers.

        Args:
          features: float32 values [n, h, w, c].

        Returns:
          float32 [n, classes].
        """
        if self.cache_dir is None:
            return self._computed(features)
        name, shape = self._name(features), (len(features), self.models[0].output_shape[-1])
        return feature_cache.kept_or_made(self.cache_dir, name, shape, np.float32, lambda: self._computed(features))

    def _computed(self, features: np.ndarray) -> np.ndarray:
        each = [tf.nn.softmax(logits_of(features) / TEMPERATURE) for logits_of in self._predictors]
        return np.mean(np.stack(each), axis=0, dtype=np.float32)

    def _name(self, features: np.ndarray) -> str:
        code = code_sha256([Teachers.posteriors], _LIBRARIES)
        parts = (code, self._identity, features.shape, features.dtype.str)
        digest = hashlib.sha256(" ".join(map(str, parts)).encode())
        digest.update(np.ascontiguousarray(features).data)
        return digest.hexdigest()


def identity(models: Sequence[tf.keras.Model]) -> str:
    """SHA-256 of the models' variables, one after the other."""
    digest = hashlib.sha256()
    for model in models:
        for variable in model.variables:
            digest.update(variable.numpy().tobytes())
    return digest.hexdigest()


def distance(posteriors: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """`T**2 * KL(posteriors || softmax(logits / T))`, the mean over the batch.

    Args:
      posteriors: float32 [n, classes], of `Teachers.posteriors`.
      logits: float32 [n, classes], the student's.
    """
    terms = tf.math.xlogy(posteriors, posteriors) - posteriors * tf.nn.log_softmax(logits / TEMPERATURE)
    return TEMPERATURE**2 * tf.reduce_mean(tf.reduce_sum(terms, axis=1))
