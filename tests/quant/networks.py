"""Small Keras networks with lived-in batch normalization, for the tests of this folder."""

import numpy as np
import tensorflow as tf

from kws.models.ds_cnn import DsCnnSpec

INPUT_SHAPE = (11, 6, 1)
CLASSES = 4


def small(seed: int = 0, channels: int = 5) -> tf.keras.Model:
    """A float DS-CNN of `channels` channels and two blocks, one of them strided; batch statistics are random."""
    spec = DsCnnSpec(channels, (2, 1), ((2, 2), (1, 1)), (4, 3))
    model = spec.build(INPUT_SHAPE, CLASSES, seed)
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            gamma, variance = rng.uniform(0.5, 2, channels), rng.uniform(0.2, 3, channels)
            layer.set_weights([gamma, rng.normal(0, 0.3, channels), rng.normal(0, 0.3, channels), variance])
    return model


def inputs(seed: int, count: int = 40) -> np.ndarray:
    """Feature codes int8 [count, *INPUT_SHAPE], extremes included."""
    codes = np.random.default_rng(seed).integers(-128, 128, (count, *INPUT_SHAPE), dtype=np.int8)
    codes[0], codes[1] = -128, 127
    return codes
