"""Folded layers as a Keras graph in float32."""

from typing import Any

import tensorflow as tf

from quant.folding.layers import AVERAGE_POOL, CONV2D, DEPTHWISE_CONV2D, FoldedLayer
from quant.folding.sum_shift_pool import SumShiftPool2D


def keras_layer(layer: FoldedLayer, regularizer: Any = None, constraint: Any = None) -> tf.keras.layers.Layer:
    """The layer without its weights: zeros, as an unseeded draw after `set_random_seed` fails on Python 3.12."""
    if layer.op == AVERAGE_POOL:
        return SumShiftPool2D(layer.pool_shift, name=layer.name)
    prefix = "depthwise" if layer.op == DEPTHWISE_CONV2D else "kernel"
    settings = {
        "activation": "relu" if layer.relu else "linear",
        "name": layer.name,
        f"{prefix}_initializer": "zeros",
        f"{prefix}_regularizer": regularizer,
        f"{prefix}_constraint": constraint,
    }
    if layer.op == CONV2D:
        filters, size = layer.kernel.shape[3], layer.kernel.shape[:2]
        return tf.keras.layers.Conv2D(filters, size, layer.stride, "same", **settings)
    if layer.op == DEPTHWISE_CONV2D:
        size = layer.kernel.shape[:2]
        return tf.keras.layers.DepthwiseConv2D(size, layer.stride, "same", **settings)
    return tf.keras.layers.Dense(layer.kernel.shape[1], **settings)


def _set_weights(model: tf.keras.Model, layers: tuple[FoldedLayer, ...]) -> None:
    by_name = {keras_layer.name: keras_layer for keras_layer in model.layers}
    for layer in layers:
        if layer.op != AVERAGE_POOL:
            kernel = layer.kernel[..., None] if layer.op == DEPTHWISE_CONV2D else layer.kernel
            by_name[layer.name].set_weights([kernel, layer.bias])


def float_model(layers: tuple[FoldedLayer, ...], input_shape: tuple[int, int, int]) -> tf.keras.Model:
    """The folded network in float32: [n, *input_shape] -> logits [n, classes]."""
    inputs = tf.keras.Input(input_shape, name="features")
    x = inputs
    for layer in layers:
        x = keras_layer(layer)(x)
    model = tf.keras.Model(inputs, x)
    _set_weights(model, layers)
    return model
