"""Chooses the Q-format of every tensor from the folded network and a few hundred real inputs."""

import dataclasses

import numpy as np
import tensorflow as tf

from quant.folding.float_graph import float_model
from quant.folding.layers import FoldedLayers, PoolingLayer, WeightedLayer
from quant.formats import accumulator_bound, least_error, uniform_scaling
from quant.formats.network_formats import Formats, LayerFormats, Network
from quant.method import Method
from quant.qformat import MAX_BITS, QFormat, activation_format, weight_format


def calibrate(
    layers: FoldedLayers,
    features: np.ndarray,
    x: QFormat,
    weight_bits: dict[str, int],
    activation_bits: dict[str, int],
    method: Method,
) -> Network:
    """Power-of-two formats of least squared error, and the layers they belong to (scaled where uniform).

    Args:
      features: float32 [n, h, w, c], inputs to observe; a few hundred suffice.
      x: the input's format.
      weight_bits, activation_bits: width per layer name; logits are signed. Pooling has 8 bits: a mean needs finer
        steps than what it is the mean of. In uniform formats it keeps its input's.
    """
    outputs = _observe(layers, features)
    if method.qformat == "uniform":
        scaled = uniform_scaling.uniform(layers, outputs, x, weight_bits, activation_bits)
        chosen = _uniform_formats(scaled, x, weight_bits, activation_bits)
        return Network(scaled.layers, Formats(x, chosen))
    chosen = {}
    q = x
    for layer, output in zip(layers, outputs, strict=True):
        if isinstance(layer, PoolingLayer):
            found = LayerFormats(None, pool_format(layer, output, q))
        else:
            found = _layer_formats(layer, output, q, weight_bits[layer.name], activation_bits[layer.name], method)
        chosen[layer.name] = found
        q = found.output
    return Network(layers, Formats(x, chosen))


def _observe(layers: FoldedLayers, features: np.ndarray) -> list[np.ndarray]:
    height, width, channels = features.shape[1:]
    model = float_model(layers, (height, width, channels))
    # By name: Keras gives a list of one output as that output.
    observed = tf.keras.Model(model.input, {layer.name: model.get_layer(layer.name).output for layer in layers})
    outputs = observed.predict(features, batch_size=256, verbose=0)
    return [outputs[layer.name] for layer in layers]


def pool_format(layer: PoolingLayer, output: np.ndarray, x: QFormat) -> QFormat:
    """The 8-bit format of a pooled vector of least squared error, no finer than its sum.

    Args:
      output: float [n, channels], observed.
      x: pooling's input format, whose sign the output has.
    """
    q = activation_format(MAX_BITS, 0, relu=not x.signed)
    # The sum has x's fraction bits and, read as a mean, those of the shift besides.
    finest = x.fraction_bits + layer.shift
    return dataclasses.replace(q, fraction_bits=min(least_error.best_fraction_bits(output, q), finest))


def _layer_formats(
    layer: WeightedLayer, output: np.ndarray, x: QFormat, weight_bits: int, activation_bits: int, method: Method
) -> LayerFormats:
    weights = weight_format(weight_bits, 0)
    weights = weight_format(weight_bits, least_error.best_fraction_bits(layer.kernel, weights))
    out = activation_format(activation_bits, 0, layer.relu)
    fraction_bits = least_error.best_fraction_bits(output, out)
    if method.bounds_accumulators:
        shift = max(weights.fraction_bits + x.fraction_bits - fraction_bits, 0)
        code_sum = accumulator_bound.bound(method.accumulator_bits, x, shift).code_sum
        weights = weight_format(weight_bits, accumulator_bound.fraction_bits_within(layer.kernel, weights, code_sum))
    # Requantization only shifts right: an output can't be finer than its accumulator.
    fraction_bits = min(fraction_bits, weights.fraction_bits + x.fraction_bits)
    return LayerFormats(weights, activation_format(activation_bits, fraction_bits, layer.relu))


def _uniform_formats(
    scaled: uniform_scaling.Uniform, x: QFormat, weight_bits: dict[str, int], activation_bits: dict[str, int]
) -> dict[str, LayerFormats]:
    chosen = {}
    q = x
    for layer in scaled.layers:
        weights = None
        if isinstance(layer, WeightedLayer):
            weights = weight_format(weight_bits[layer.name], scaled.weight_fraction_bits)
            q = activation_format(activation_bits[layer.name], x.fraction_bits, layer.relu)
        chosen[layer.name] = LayerFormats(weights, q)
    return chosen
