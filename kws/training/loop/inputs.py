"""What an epoch's steps take: masked features, words and what the teachers say of them."""

import numpy as np
import tensorflow as tf

from kws.evaluation.inference import values
from kws.examples import channel_augment, spec_augment
from kws.training.loop.config import FitConfig
from kws.training.teachers import Teachers

Examples = tuple[np.ndarray, np.ndarray]


def inputs(
    examples: Examples, config: FitConfig, epoch: int, steps: int, followed: Teachers | None, rows: slice
) -> tuple[tf.Tensor, ...]:
    """What an epoch's steps take, in their order and on the device: masked features, words, teachers' posteriors.

    Args:
      rows: of each batch.
    """
    features, words = examples
    rng = np.random.default_rng([config.seed, config.first_epoch + epoch])
    order = rng.permutation(len(words))[: steps * config.batch_size]
    seeds = rng.integers(2**31, size=2).tolist()
    coloured = channel_augment.recolour(values(features[order], config.input_format), seeds[0])
    masked = spec_augment.mask(coloured, seeds[1])
    own, own_words = (_rows_of_batches(part, config.batch_size, rows) for part in (masked, words[order]))
    if followed is None:
        return tf.constant(own), tf.constant(own_words)
    return tf.constant(own), tf.constant(own_words), tf.constant(_followed(followed.posteriors(own), own_words, config))


def _followed(posteriors: np.ndarray, words: np.ndarray, config: FitConfig) -> np.ndarray:
    """What distillation follows, float32 [n, classes]: posteriors, and for untaught words the smoothed label."""
    classes = posteriors.shape[1]
    labels = words if config.classes is None else np.take(config.classes, words)
    smoothed = (
        np.eye(classes, dtype=np.float32)[labels] * (1 - config.label_smoothing) + config.label_smoothing / classes
    )
    return np.where(np.isin(words, config.untaught)[:, None], smoothed, posteriors).astype(np.float32)


def _rows_of_batches(part: np.ndarray, batch_size: int, rows: slice) -> np.ndarray:
    """These rows of every batch, one batch after the other."""
    shape = part.shape[1:]
    return part.reshape(-1, batch_size, *shape)[:, rows].reshape(-1, *shape)
