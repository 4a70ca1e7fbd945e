"""Builds Keras graphs from folded layers: float, or in fixed point through tfmot's annotate and apply."""

import contextlib
import dataclasses
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.quantization.keras import quantize_registry, quantize_wrapper

from quant import configs, quantizers, threshold
from quant.accumulator import CodeSumConstraint
from quant.fold import AVERAGE_POOL, CONV2D, DEPTHWISE_CONV2D, FoldedLayer
from quant.formats import Formats
from quant.method import Method
from quant.pool import SumShiftPool2D
from quant.regularizer import KernelRegularizer

INPUT_LAYER = "input_quantizer"
_PREFIX = "fxp_"


class _NothingElse(quantize_registry.QuantizeRegistry):
    """Every layer is annotated here: the registry has nothing to add."""

    def supports(self, layer: Any) -> bool:
        return False

    def get_quantize_config(self, layer: Any) -> None:
        return None


class _AsItStands:
    """A layout transformer that leaves the graph alone: there is no batch normalization left to move."""

    def apply(self, model: Any, layer_quantize_map: dict) -> tuple[Any, dict]:
        return model, layer_quantize_map


class FixedPointScheme(tfmot.quantization.keras.QuantizeScheme):
    """The quantize scheme of this project: the annotations, nothing more."""

    def get_layout_transformer(self) -> _AsItStands:
        return _AsItStands()

    def get_quantize_registry(self) -> _NothingElse:
        return _NothingElse()


def quantize_scope() -> contextlib.AbstractContextManager:
    """Names this project's classes for Keras' deserialization."""
    classes = (
        configs.OutputConfig,
        configs.WeightedConfig,
        quantizers.FixedPointQuantizer,
        quantizers.BiasQuantizer,
        quantizers.KernelQuantizer,
        threshold.LearnedQuantizer,
        threshold.FollowingQuantizer,
        KernelRegularizer,
        CodeSumConstraint,
        SumShiftPool2D,
    )
    return tfmot.quantization.keras.quantize_scope({cls.__name__: cls for cls in classes})


def _keras_layer(
    layer: FoldedLayer, regularizer: KernelRegularizer | None = None, constraint: CodeSumConstraint | None = None
) -> tf.keras.layers.Layer:
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
        x = _keras_layer(layer)(x)
    model = tf.keras.Model(inputs, x)
    _set_weights(model, layers)
    return model


def fixed_point_model(
    layers: tuple[FoldedLayer, ...], network: Formats, input_shape: tuple[int, int, int], method: Method
) -> tf.keras.Model:
    """The folded network with every variable in its Q-format, ready for quantization aware training.

    Built with tfmot's `quantize_annotate_layer` and `quantize_apply`. Inputs are rounded to `network.input` first.
    With `method.learn_formats` it is for training alone: what comes after it is built from `folded_layers` and
    `learned_formats` of the trained model, without.
    """
    annotate = tfmot.quantization.keras.quantize_annotate_layer
    inputs = tf.keras.Input(input_shape, name="features")
    with quantize_scope():
        q = network.input
        config = configs.OutputConfig(quantizers.FixedPointQuantizer(q))
        x = annotate(tf.keras.layers.Activation("linear", name=INPUT_LAYER), config)(inputs)
        for layer in layers:
            chosen = network.layers[layer.name]
            if chosen.weights is None:
                x = annotate(_keras_layer(layer), configs.unweighted(chosen.output, method))(x)
            else:
                config = configs.weighted(chosen.weights, q, chosen.output, method)
                x = annotate(_keras_layer(layer, *_training_aids(config.kernel, method)), config)(x)
            q = chosen.output
        annotated = tf.keras.Model(inputs, x)
        model = tfmot.quantization.keras.quantize_apply(annotated, FixedPointScheme(), _PREFIX)
    by_name = {layer.name: layer for layer in layers}
    followed = None
    for wrapper in wrapped_layers(model):
        layer, variables = by_name[wrapper.layer.name], variables_of(wrapper)
        if layer.op == AVERAGE_POOL:
            if method.learn_formats:
                wrapper.quantize_config.output.variable = followed
            continue
        followed = threshold.learned_variable(wrapper)
        kernel = wrapper.quantize_config.kernel.variable_of(layer.kernel)
        variables["kernel"].assign(kernel.reshape(variables["kernel"].shape))
        variables["bias"].assign(layer.bias)
    return model


def folded_layers(model: tf.keras.Model, layers: tuple[FoldedLayer, ...]) -> tuple[FoldedLayer, ...]:
    """`layers`, from which `model` was built, with the real-valued weights that it was trained to since."""
    trained = {wrapper.layer.name: wrapper for wrapper in wrapped_layers(model)}

    def read(layer: FoldedLayer) -> FoldedLayer:
        variables = variables_of(trained[layer.name])
        kernel = np.asarray(trained[layer.name].quantize_config.kernel.weights_of(variables["kernel"]))
        return dataclasses.replace(layer, kernel=kernel.reshape(layer.kernel.shape), bias=variables["bias"].numpy())

    return tuple(layer if layer.op == AVERAGE_POOL else read(layer) for layer in layers)


def learned_formats(model: tf.keras.Model, network: Formats) -> Formats:
    """`network`, from which `model` was built, with the output formats that it has learned since."""
    octaves = {}
    for wrapper in wrapped_layers(model):
        variable = threshold.learned_variable(wrapper)
        if variable is not None:
            octaves[wrapper.layer.name] = float(threshold.rounded_octaves(variable))
    return threshold.learned_formats(network, octaves)


def _training_aids(
    kernel: quantizers.KernelQuantizer, method: Method
) -> tuple[KernelRegularizer | None, CodeSumConstraint | None]:
    regularizer = constraint = None
    if method.cosine or method.deviation:
        regularizer = KernelRegularizer(kernel, method.cosine, method.deviation)
    if kernel.code_sum is not None and not kernel.squashed:
        constraint = CodeSumConstraint(kernel.q.lsb, kernel.code_sum)
    return regularizer, constraint


def set_cosine_ramp(model: tf.keras.Model, ramp: float) -> None:
    """Sets the ramp (0 to 1) of the absolute cosine regularization in every layer that has it."""
    for wrapper in wrapped_layers(model):
        for name in ("kernel_regularizer", "depthwise_regularizer"):
            regularizer = getattr(wrapper.layer, name, None)
            if isinstance(regularizer, KernelRegularizer):
                regularizer.ramp.assign(ramp)


def wrapped_layers(model: tf.keras.Model) -> list[Any]:
    """The tfmot wrappers of a fixed-point model in order of execution, without the input's."""
    return [
        layer
        for layer in model.layers
        if isinstance(layer, quantize_wrapper.QuantizeWrapper) and layer.layer.name != INPUT_LAYER
    ]


def variables_of(wrapper: Any) -> dict[str, tf.Variable]:
    """A wrapped layer's trained variables: 'kernel' (whatever the layer calls it) and 'bias'; empty for pooling.

    Where the output's format is learned, also `threshold.VARIABLE`.
    """
    found = {}
    for variable in wrapper.trainable_weights:
        name = variable.name.split(":")[0].split("/")[-1]
        found["kernel" if name == "depthwise_kernel" else name] = variable
    return found


def save_model(model: tf.keras.Model, path: str | pathlib.Path) -> None:
    """Writes a fixed-point model (graph, formats and weights) as .h5."""
    with warnings.catch_warnings():
        # tfmot's wrappers list a variable twice, which only the HDF5 format reads back.
        warnings.filterwarnings("ignore", message="You are saving your model as an HDF5 file")
        model.save(path, save_format="h5", include_optimizer=False)


def load_model(path: str | pathlib.Path) -> tf.keras.Model:
    """Reads what `save_model` wrote. Raises `OSError` where the file is missing or damaged."""
    with quantize_scope():
        return tf.keras.models.load_model(path, compile=False)


def layer_outputs(model: tf.keras.Model) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """A function from features to every layer's output in fixed point, as real values `code * 2**-f`, by layer name.

    Its argument is float32 [n, h, w, c] on the input's grid. The graph is built once, for all calls.
    """
    names = [wrapper.layer.name for wrapper in wrapped_layers(model)]
    observed = tf.keras.Model(model.input, [wrapper.output for wrapper in wrapped_layers(model)])
    compiled = tf.function(lambda features: observed(features, training=False), reduce_retracing=True)

    def outputs(features: np.ndarray) -> dict[str, np.ndarray]:
        found = compiled(tf.constant(features, tf.float32))
        return {name: output.numpy() for name, output in zip(names, found, strict=True)}

    return outputs
