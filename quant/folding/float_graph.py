"""Folded layers as a Keras graph in float32."""

from typing import Any

import tensorflow as tf

from quant.folding.layers import (
    CONV2D,
    DEPTHWISE_CONV2D,
    FEATURES,
    FoldedLayer,
    FoldedLayers,
    PoolingLayer,
    WeightedLayer,
    weighted_layers,
)
from quant.folding.sum_shift_pool import SumShiftPool2D


def keras_layer(layer: FoldedLayer, regularizer: Any = None, constraint: Any = None) -> tf.keras.layers.Layer:
    """The layer without its weights: zeros, as an unseeded draw after `set_random_seed` fails on Python 3.12."""
    if isinstance(layer, PoolingLayer):
        return SumShiftPool2D(layer.shift, name=layer.name)
    return _weighted(layer, regularizer, constraint)


def _weighted(layer: WeightedLayer, regularizer: Any, constraint: Any) -> tf.keras.layers.Layer:
    prefix = "depthwise" if layer.op == DEPTHWISE_CONV2D else "kernel"
    settings = {
        "activation": "relu" if layer.relu else "linear",
        "name": layer.name,
        f"{prefix}_initializer": "zeros",
        f"{prefix}_regularizer": regularizer,
        f"{prefix}_constraint": constraint,
    }
    size = layer.kernel.shape[:2]
    if layer.op == CONV2D:
        return tf.keras.layers.Conv2D(layer.kernel.shape[3], size, layer.stride, layer.padding, **settings)
    if layer.op == DEPTHWISE_CONV2D:
        return tf.keras.layers.DepthwiseConv2D(size, layer.stride, layer.padding, **settings)
    return tf.keras.layers.Dense(layer.kernel.shape[1], **settings)


def _set_weights(model: tf.keras.Model, layers: FoldedLayers) -> None:
    by_name = {keras_layer.name: keras_layer for keras_layer in model.layers}
    for layer in weighted_layers(layers):
        kernel = layer.kernel[..., None] if layer.op == DEPTHWISE_CONV2D else layer.kernel
        by_name[layer.name].set_weights([kernel, layer.bias])


def float_model(layers: FoldedLayers, input_shape: tuple[int, int, int]) -> tf.keras.Model:
    """The folded network in float32: [n, *input_shape] -> logits [n, classes]."""
    inputs = tf.keras.Input(input_shape, name=FEATURES)
    x = inputs
    for layer in layers:
        x = keras_layer(layer)(x)
    model = tf.keras.Model(inputs, x)
    _set_weights(model, layers)
    return model
