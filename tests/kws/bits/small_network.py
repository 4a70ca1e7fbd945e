"""A small network with five layers, and inputs of it."""

import functools

import numpy as np
import tensorflow as tf

from kws.bits.networks import Networks
from kws.models.ds_cnn import DsCnnSpec
from quant.folding import equalization, keras_chain
from quant.qformat import QFormat

SHAPE = (11, 6, 1)
INPUT = QFormat(8, 5)
LABELS = ("a", "b", "c")


def features(seed: int = 0, count: int = 60) -> np.ndarray:
    """float32 [count, *SHAPE] on the input's grid."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *SHAPE)).astype(np.float32) / 32


def float_model() -> tf.keras.Model:
    model = DsCnnSpec(6, (2, 1), ((2, 2),), (4, 3)).build(SHAPE, len(LABELS), 0)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            drawn = rng.uniform(0.5, 2, 6), rng.normal(0, 0.3, 6), rng.normal(0, 0.3, 6), rng.uniform(0.2, 3, 6)
            layer.set_weights(list(drawn))
    return model


@functools.cache
def networks(bits: tuple[int, ...] = (2, 4, 8)) -> Networks:
    layers = equalization.equalize(keras_chain.fold(float_model()))
    return Networks(layers, features(), INPUT, LABELS, bits)
