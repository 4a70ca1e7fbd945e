"""The tfmot wrappers of a fixed-point model, and the variables they train."""

import dataclasses
from typing import Any

import tensorflow as tf

from quant.folding.layers import INPUT_QUANTIZER
from quant.optimization_toolkit import quantize_wrapper
from quant.training.learned_thresholds import OCTAVES
from quant.training.quantize_configs import WeightedConfig, kernel_name


def wrapped_layers(model: tf.keras.Model) -> list[Any]:
    """The tfmot wrappers of a fixed-point model in order of execution, without the input's."""
    return [
        layer
        for layer in model.layers
        if isinstance(layer, quantize_wrapper.QuantizeWrapper) and layer.layer.name != INPUT_QUANTIZER
    ]


def has_weights(wrapper: Any) -> bool:
    """Whether a wrapped layer is a convolution or dense, and no pooling."""
    return isinstance(wrapper.quantize_config, WeightedConfig)


@dataclasses.dataclass(frozen=True)
class LayerVariables:
    """What is trained of a layer with weights.

    Attributes:
      kernel, bias: of the layer, whatever Keras calls its kernel.
      octaves: the scalar of its output's `learned_thresholds.LearnedQuantizer`; None where the format is fixed.
    """

    kernel: tf.Variable
    bias: tf.Variable
    octaves: tf.Variable | None


def variables_of(wrapper: Any) -> LayerVariables:
    """The trained variables of a wrapped layer with weights. Raises `KeyError` for another one."""
    found = {variable.name.split(":")[0].split("/")[-1]: variable for variable in wrapper.trainable_weights}
    return LayerVariables(found[kernel_name(wrapper.layer)], found["bias"], found.get(OCTAVES))
