"""What a fixed-point model has been trained to: weights, formats, every layer's outputs."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from quant.folding.layers import FoldedLayers, WeightedLayer, weighted_layers, with_weighted
from quant.formats.network_formats import Formats
from quant.training import learned_thresholds
from quant.training.kernel_regularizer import KernelRegularizer
from quant.training.wrappers import has_weights, variables_of, wrapped_layers


def folded_layers(model: tf.keras.Model, layers: FoldedLayers) -> FoldedLayers:
    """`layers`, from which `model` was built, with the real-valued weights that it was trained to since."""
    trained = {wrapper.layer.name: wrapper for wrapper in wrapped_layers(model)}

    def read(layer: WeightedLayer) -> WeightedLayer:
        variables = variables_of(trained[layer.name])
        kernel = np.asarray(trained[layer.name].quantize_config.kernel.weights_of(variables.kernel))
        return dataclasses.replace(layer, kernel=kernel.reshape(layer.kernel.shape), bias=variables.bias.numpy())

    return with_weighted(layers, map(read, weighted_layers(layers)))


def learned_formats(model: tf.keras.Model, network: Formats) -> Formats:
    """`network`, from which `model` was built, with the output formats that it has learned since."""
    octaves = {}
    for wrapper in filter(has_weights, wrapped_layers(model)):
        variable = variables_of(wrapper).octaves
        if variable is not None:
            octaves[wrapper.layer.name] = float(learned_thresholds.rounded_octaves(variable))
    return learned_thresholds.learned_formats(network, octaves)


def set_cosine_ramp(model: tf.keras.Model, ramp: float) -> None:
    """Sets the ramp (0 to 1) of the absolute cosine regularization in every layer that has it."""
    for wrapper in wrapped_layers(model):
        for name in ("kernel_regularizer", "depthwise_regularizer"):
            regularizer = getattr(wrapper.layer, name, None)
            if isinstance(regularizer, KernelRegularizer):
                regularizer.ramp.assign(ramp)


def layer_outputs(model: tf.keras.Model) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """A function from features to every layer's output in fixed point, as real values `code * 2**-f`, by layer name.

    Its argument is float32 [n, h, w, c] on the input's grid. The graph is built once, for all calls.
    """
    symbolic = {wrapper.layer.name: wrapper.output for wrapper in wrapped_layers(model)}
    # By name: Keras gives a list of one output as that output.
    observed = tf.keras.Model(model.input, symbolic)
    compiled = tf.function(lambda x: observed(x, training=False), autograph=False, reduce_retracing=True)

    def outputs(features: np.ndarray) -> dict[str, np.ndarray]:
        found = compiled(tf.constant(features, tf.float32))
        return {name: found[name].numpy() for name in symbolic}

    return outputs
