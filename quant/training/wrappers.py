"""The tfmot wrappers of a fixed-point model, and the variables they train."""

from typing import Any

import tensorflow as tf
from tensorflow_model_optimization.python.core.quantization.keras import quantize_wrapper

INPUT_LAYER = "input_quantizer"


def wrapped_layers(model: tf.keras.Model) -> list[Any]:
    """The tfmot wrappers of a fixed-point model in order of execution, without the input's."""
    return [
        layer
        for layer in model.layers
        if isinstance(layer, quantize_wrapper.QuantizeWrapper) and layer.layer.name != INPUT_LAYER
    ]


def variables_of(wrapper: Any) -> dict[str, tf.Variable]:
    """A wrapped layer's trained variables: 'kernel' (whatever the layer calls it) and 'bias'; empty for pooling.

    Where the output's format is learned, also `learned_thresholds.VARIABLE`.
    """
    found = {}
    for variable in wrapper.trainable_weights:
        name = variable.name.split(":")[0].split("/")[-1]
        found["kernel" if name == "depthwise_kernel" else name] = variable
    return found
