"""Chooses the Q-format of every tensor from the folded network and a few hundred real inputs."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from quant.folding.float_graph import float_model
from quant.folding.layers import FoldedLayers, PoolingLayer, WeightedLayer
from quant.formats import accumulator_bound, least_error, uniform_scaling, uniform_shift
from quant.formats.network_formats import Formats, LayerFormats, Network
from quant.method import UNIFORM, UNIFORM_SHIFT, Method
from quant.qformat import MAX_BITS, QFormat, activation_format, weight_format

_BATCH = 64


def calibrate(
    layers: FoldedLayers,
    features: np.ndarray,
    x: QFormat,
    weight_bits: dict[str, int],
    activation_bits: dict[str, int],
    method: Method,
) -> Network:
    """Power-of-two formats of least squared error, and the layers they belong to (scaled unless formats are per layer).

    Args:
      features: float32 [n, h, w, c], inputs to observe; a few hundred suffice.
      x: the input's format.
      weight_bits, activation_bits: width per layer name; logits are signed. Pooling has 8 bits: a mean needs finer
        steps than what it is the mean of. In uniform formats it keeps its input's.

    Raises:
      ValueError: no features.
    """
    if not len(features):
        raise ValueError("no features to choose formats by: give one or more")
    outputs = observe(layers, features)
    if method.qformat == UNIFORM_SHIFT:
        found = uniform_shift.one_shift(layers, outputs, x, weight_bits, activation_bits)
        return Network(found.layers, Formats(x, _one_shift_formats(found, x, weight_bits, activation_bits)))
    if method.qformat == UNIFORM:
        scaled = uniform_scaling.uniform(layers, outputs, x, weight_bits, activation_bits)
        chosen = _uniform_formats(scaled, x, weight_bits, activation_bits)
        return Network(scaled.layers, Formats(x, chosen))
    wanted = output_formats(layers, x, activation_bits)
    best = least_error.best_of_batches(outputs, wanted)
    chosen = {}
    q = x
    for layer in layers:
        output = dataclasses.replace(wanted[layer.name], fraction_bits=best[layer.name])
        if isinstance(layer, PoolingLayer):
            chosen[layer.name] = LayerFormats(None, pool_format(layer, output, q))
        else:
            weights = least_error_weights(layer, weight_bits[layer.name])
            chosen[layer.name] = layer_formats(layer, output, q, weights, method)
        q = chosen[layer.name].output
    return Network(layers, Formats(x, chosen))


def observe(layers: FoldedLayers, features: np.ndarray) -> Callable[[], Iterator[least_error.Tensors]]:
    """A function that gives every layer's outputs, float32 [n, ...] by name, a few inputs at a time."""
    height, width, channels = features.shape[1:]
    model = float_model(layers, (height, width, channels))
    observed = tf.keras.Model(model.input, {layer.name: model.get_layer(layer.name).output for layer in layers})
    compiled = tf.function(lambda batch: observed(batch, training=False), autograph=False, reduce_retracing=True)

    def batches() -> Iterator[least_error.Tensors]:
        for start in range(0, len(features), _BATCH):
            outputs = compiled(features[start : start + _BATCH])
            yield {name: output.numpy() for name, output in outputs.items()}

    return batches


def output_formats(layers: FoldedLayers, x: QFormat, activation_bits: Mapping[str, int]) -> dict[str, QFormat]:
    """The layers' output formats by name, whose fraction bits are to be found; pooling has its input's sign."""
    formats = {}
    signed = x.signed
    for layer in layers:
        if isinstance(layer, PoolingLayer):
            found = activation_format(MAX_BITS, 0, relu=not signed)
        else:
            found = activation_format(activation_bits[layer.name], 0, layer.relu)
        formats[layer.name], signed = found, found.signed
    return formats


def pool_format(layer: PoolingLayer, q: QFormat, x: QFormat) -> QFormat:
    """The format of a pooled vector, no finer than its sum.

    Args:
      q: the 8-bit format of least squared error.
      x: pooling's input format.
    """
    # The sum has x's fraction bits and, read as a mean, those of the shift besides.
    finest = x.fraction_bits + layer.shift
    return dataclasses.replace(q, fraction_bits=min(q.fraction_bits, finest))


def least_error_weights(layer: WeightedLayer, bits: int) -> QFormat:
    """The format of least squared error of a layer's weights."""
    return weight_format(bits, least_error.best_fraction_bits(layer.kernel, weight_format(bits, 0)))


def layer_formats(layer: WeightedLayer, output: QFormat, x: QFormat, weights: QFormat, method: Method) -> LayerFormats:
    """The formats of a layer of which `weights` and `output` are those of least squared error.

    Args:
      x: its input's.
    """
    if method.bounds_accumulators:
        shift = max(weights.fraction_bits + x.fraction_bits - output.fraction_bits, 0)
        code_sum = accumulator_bound.bound(method.accumulator_bits, x, shift).code_sum
        fraction_bits = accumulator_bound.fraction_bits_within(layer.kernel, weights, code_sum)
        weights = weight_format(weights.bits, fraction_bits)
    # Requantization only shifts right: an output can't be finer than its accumulator.
    finest = weights.fraction_bits + x.fraction_bits
    return LayerFormats(weights, dataclasses.replace(output, fraction_bits=min(output.fraction_bits, finest)))


def _one_shift_formats(
    found: uniform_shift.OneShift, x: QFormat, weight_bits: dict[str, int], activation_bits: dict[str, int]
) -> dict[str, LayerFormats]:
    outputs = output_formats(found.layers, x, activation_bits)
    chosen = {}
    q = x
    for layer, fraction_bits in zip(found.layers, found.fraction_bits, strict=True):
        output = dataclasses.replace(outputs[layer.name], fraction_bits=fraction_bits)
        weights = None
        if isinstance(layer, WeightedLayer):
            weights = weight_format(weight_bits[layer.name], found.shift + fraction_bits - q.fraction_bits)
        chosen[layer.name] = LayerFormats(weights, output)
        q = output
    return chosen


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
