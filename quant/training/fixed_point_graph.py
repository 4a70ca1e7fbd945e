"""The Keras graph in fixed point, built from folded layers through tfmot's annotate and apply."""

from typing import Any

import tensorflow as tf

from quant.folding.float_graph import keras_layer
from quant.folding.layers import FEATURES, INPUT_QUANTIZER, FoldedLayers, PoolingLayer, weighted_layers
from quant.formats.network_formats import Formats
from quant.method import Method
from quant.optimization_toolkit import quantize_registry, tfmot
from quant.training import quantize_configs, quantizers
from quant.training.bounded_kernels import CodeSumConstraint
from quant.training.kernel_regularizer import KernelRegularizer
from quant.training.model_file import quantize_scope
from quant.training.wrappers import has_weights, variables_of, wrapped_layers

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


@tf.autograph.experimental.do_not_convert  # nothing in it depends on a tensor, and its layers build faster
def fixed_point_model(
    layers: FoldedLayers, network: Formats, input_shape: tuple[int, int, int], method: Method
) -> tf.keras.Model:
    """The folded network with every variable in its Q-format, ready for quantization aware training.

    Built with tfmot's `quantize_annotate_layer` and `quantize_apply`. Inputs are rounded to `network.input` first.
    With `method.learn_formats` it is for training alone: what comes after it is built from `folded_layers` and
    `learned_formats` of the trained model, without.

    Args:
      layers, network: of `quant.calibrate`.
      input_shape: (height, width, channels).

    Raises:
      ValueError: a layer with weights that has no format for them, or an accumulator too narrow for one product.
    """
    with quantize_scope():
        annotated = _annotated(layers, network, input_shape, method)
        model = tfmot.quantization.keras.quantize_apply(annotated, FixedPointScheme(), _PREFIX)
    _set_variables(model, layers)
    if method.learn_formats:
        _follow(model)
    return model


def _annotated(
    layers: FoldedLayers, network: Formats, input_shape: tuple[int, int, int], method: Method
) -> tf.keras.Model:
    annotate = tfmot.quantization.keras.quantize_annotate_layer
    inputs = tf.keras.Input(input_shape, name=FEATURES)
    q = network.input
    config = quantize_configs.OutputConfig(quantizers.FixedPointQuantizer(q))
    x = annotate(tf.keras.layers.Activation("linear", name=INPUT_QUANTIZER), config)(inputs)
    for layer in layers:
        output = network.layers[layer.name].output
        if isinstance(layer, PoolingLayer):
            x = annotate(keras_layer(layer), quantize_configs.unweighted(output, method))(x)
        else:
            weighted = quantize_configs.weighted(network.weights_of(layer.name), q, output, method)
            x = annotate(keras_layer(layer, *_training_aids(weighted.kernel, method)), weighted)(x)
        q = output
    return tf.keras.Model(inputs, x)


def _set_variables(model: tf.keras.Model, layers: FoldedLayers) -> None:
    wrapped = {wrapper.layer.name: wrapper for wrapper in wrapped_layers(model)}
    for layer in weighted_layers(layers):
        wrapper = wrapped[layer.name]
        variables = variables_of(wrapper)
        kernel = wrapper.quantize_config.kernel.variable_of(layer.kernel)
        variables.kernel.assign(kernel.reshape(variables.kernel.shape))
        variables.bias.assign(layer.bias)


def _follow(model: tf.keras.Model) -> None:
    """Ties the output format of pooling to the learned one of the layer before it."""
    followed = None
    for wrapper in wrapped_layers(model):
        if has_weights(wrapper):
            followed = variables_of(wrapper).octaves
        else:
            wrapper.quantize_config.output.variable = followed


def _training_aids(
    kernel: quantizers.KernelQuantizer, method: Method
) -> tuple[KernelRegularizer | None, CodeSumConstraint | None]:
    regularizer = constraint = None
    if method.cosine or method.deviation:
        regularizer = KernelRegularizer(kernel, method.cosine, method.deviation)
    if kernel.code_sum is not None and not kernel.squashed:
        constraint = CodeSumConstraint(kernel.q.lsb, kernel.code_sum)
    return regularizer, constraint
