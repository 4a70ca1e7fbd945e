"""The Keras graph in fixed point, built from folded layers through tfmot's annotate and apply."""

from typing import Any

import tensorflow as tf
import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.quantization.keras import quantize_registry

from quant.folding.float_graph import keras_layer
from quant.folding.layers import AVERAGE_POOL, FoldedLayer
from quant.formats.network_formats import Formats
from quant.method import Method
from quant.training import learned_thresholds, quantize_configs, quantizers
from quant.training.bounded_kernels import CodeSumConstraint
from quant.training.kernel_regularizer import KernelRegularizer
from quant.training.model_file import quantize_scope
from quant.training.wrappers import INPUT_LAYER, variables_of, wrapped_layers

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
        config = quantize_configs.OutputConfig(quantizers.FixedPointQuantizer(q))
        x = annotate(tf.keras.layers.Activation("linear", name=INPUT_LAYER), config)(inputs)
        for layer in layers:
            chosen = network.layers[layer.name]
            if chosen.weights is None:
                x = annotate(keras_layer(layer), quantize_configs.unweighted(chosen.output, method))(x)
            else:
                config = quantize_configs.weighted(chosen.weights, q, chosen.output, method)
                x = annotate(keras_layer(layer, *_training_aids(config.kernel, method)), config)(x)
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
        followed = learned_thresholds.learned_variable(wrapper)
        kernel = wrapper.quantize_config.kernel.variable_of(layer.kernel)
        variables["kernel"].assign(kernel.reshape(variables["kernel"].shape))
        variables["bias"].assign(layer.bias)
    return model


def _training_aids(
    kernel: quantizers.KernelQuantizer, method: Method
) -> tuple[KernelRegularizer | None, CodeSumConstraint | None]:
    regularizer = constraint = None
    if method.cosine or method.deviation:
        regularizer = KernelRegularizer(kernel, method.cosine, method.deviation)
    if kernel.code_sum is not None and not kernel.squashed:
        constraint = CodeSumConstraint(kernel.q.lsb, kernel.code_sum)
    return regularizer, constraint
