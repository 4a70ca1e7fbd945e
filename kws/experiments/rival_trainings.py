"""Other ways to train a network in few bits, whose steps `kws.experiments.step_cost` measures beside this project's."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

QKERAS_REQUIREMENTS = "requirements-rivals.txt"


def tfmot_model(float_model: "tf.keras.Model") -> "tf.keras.Model":
    """The network as TensorFlow's model optimization toolkit trains it by itself: 8 bits, normalization as a layer.

    It takes over `float_model`'s layers.
    """
    import tensorflow_model_optimization as tfmot

    return tfmot.quantization.keras.quantize_model(float_model)


def qkeras_model(float_model: "tf.keras.Model", bits: int) -> "tf.keras.Model":
    """The network in QKeras, weights and activations of so many bits with power-of-two steps, normalization as a layer.

    Raises:
      ModuleNotFoundError: QKeras is not installed.
    """
    import qkeras
    import tensorflow as tf

    weights = f"quantized_bits({bits},0,1,alpha=1)"
    taken_over = ("name", "filters", "kernel_size", "strides", "padding", "use_bias", "units")

    def in_qkeras(layer: Any) -> Any:
        kind = type(layer).__name__
        if kind == "ReLU":
            return qkeras.QActivation(f"quantized_relu({bits})", name=layer.name)
        if kind not in ("Conv2D", "DepthwiseConv2D", "Dense"):
            return type(layer).from_config(layer.get_config())
        prefix = "depthwise" if kind == "DepthwiseConv2D" else "kernel"
        settings = {name: value for name, value in layer.get_config().items() if name in taken_over}
        settings |= {f"{prefix}_quantizer": weights, f"{prefix}_initializer": "zeros"}
        if settings["use_bias"]:
            settings["bias_quantizer"] = weights
        return getattr(qkeras, f"Q{kind}")(**settings)

    model = tf.keras.models.clone_model(float_model, clone_function=in_qkeras)
    model.set_weights(float_model.get_weights())
    return model
