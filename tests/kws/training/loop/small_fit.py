"""A network that trains in a moment, its examples and its settings, for tests of the loop."""

from typing import Any

import numpy as np
import tensorflow as tf

from kws.training.loop.config import FitConfig
from kws.training.loop.inputs import Examples
from kws.training.run_folder import FLOAT
from quant.qformat import QFormat

SHAPE = (9, 6, 1)
CLASSES = 3
EXAMPLES = 24


def examples_of(epoch: int) -> Examples:
    rng = np.random.default_rng(epoch)
    return rng.integers(-128, 128, (EXAMPLES, *SHAPE), dtype=np.int8), rng.integers(0, CLASSES, EXAMPLES)


def network() -> tf.keras.Model:
    """Small: a test's time is that of tracing its graph."""
    layers = (tf.keras.layers.Flatten(), tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(CLASSES))
    model = tf.keras.Sequential([tf.keras.Input(SHAPE), *layers])
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(1, 0.1, variable.shape))
    return model


def settings(**changes: Any) -> FitConfig:
    default = {"stage": FLOAT, "epochs": 3, "first_epoch": 0, "batch_size": 8, "learning_rate": 1e-2}
    default |= {"warmup_epochs": 1.0, "weight_decay": 0.01, "label_smoothing": 0.0, "seed": 0}
    return FitConfig(**{**default, "input_format": QFormat(8, 5), **changes})
