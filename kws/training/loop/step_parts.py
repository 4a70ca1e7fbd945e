"""A step whose examples are computed in parts, side by side on a machine's cores.

A network this small keeps one core busy: its operations follow each other, and each is too short to be shared by many
threads. Of a batch in parts there are as many chains of operations, which TensorFlow runs at a time. It is the step of
the whole batch all the same: batch normalization takes its statistics over all parts, and loss and gradients are of all
of them together. What differs is the order of sums, so another number of parts gives other last bits; the number of
cores changes none.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kws.models.in_a_stream import body_and_heads


def in_parts(model: tf.keras.Model, parts: int) -> Callable[[tf.Tensor], Any]:
    """What `model(features, training=True)` gives, computed in so many parts.

    Args:
      model: [n, h, w, c] -> logits, or a tuple of these and other heads' outputs: a chain of layers up to a pooling
        over all rows, whose output each head takes.
      parts: of the batch; it need not divide n. As many as n at most are made.
    """
    body, heads = body_and_heads(model)

    def outputs(features: tf.Tensor) -> Any:
        xs = tf.split(features, _sizes(features.shape[0], parts))
        for layer in body:
            if isinstance(layer, tf.keras.layers.BatchNormalization) and layer.trainable:
                xs = _normalized(layer, xs)
            else:
                xs = [_called(layer, x) for x in xs]
        pooled = tf.concat(xs, 0)
        found = tuple(_called(head, pooled) for head in heads)
        return found if len(found) > 1 else found[0]

    return outputs


def _called(layer: tf.keras.layers.Layer, x: tf.Tensor) -> tf.Tensor:
    """In training: only layers that have such an argument take it."""
    return layer(x, training=True) if "training" in inspect.signature(layer.call).parameters else layer(x)


def _sizes(examples: int, parts: int) -> list[int]:
    """Of the parts, as equal as they can be: _sizes(7, 3) is [3, 2, 2]."""
    parts = min(parts, examples)
    return [examples // parts + (number < examples % parts) for number in range(parts)]


def _normalized(layer: tf.keras.layers.BatchNormalization, xs: list[tf.Tensor]) -> list[tf.Tensor]:
    """Batch normalization [..., c] over all parts, and its moving statistics, as `layer` does it over one.

    Like Keras' fused kernel it divides the moving variance by the number of values less one.
    """
    axes = tuple(range(len(xs[0].shape) - 1))
    count = sum(math.prod(x.shape[:-1]) for x in xs)
    mean = tf.add_n([tf.reduce_sum(x, axes) for x in xs]) / count
    constant_mean = tf.stop_gradient(mean)  # the sum of squares is least at the mean: no gradient goes through it
    squares = [tf.reduce_sum(tf.math.squared_difference(x, constant_mean), axes) for x in xs]
    variance = tf.add_n(squares) / count
    unbiased = variance * (count / max(count - 1, 1))
    for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, unbiased)):
        moving.assign_sub((moving - tf.stop_gradient(now)) * (1 - layer.momentum))
    scale = layer.gamma * tf.math.rsqrt(variance + layer.epsilon)
    shift = layer.beta - mean * scale
    return [x * scale + shift for x in xs]
