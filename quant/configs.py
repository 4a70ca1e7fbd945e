"""tfmot `QuantizeConfig`s: which quantizer meets which variable of a layer.

Weights and biases are quantized as variables; activations (transient variables) at the layer's output, after ReLU.
"""

from typing import Any

import tensorflow_model_optimization as tfmot

from quant.qformat import QFormat
from quant.quantizers import BiasQuantizer, FixedPointQuantizer

_KERNELS = ("depthwise_kernel", "kernel")


def kernel_name(layer: Any) -> str:
    """The attribute that holds a Keras layer's kernel: 'kernel' or 'depthwise_kernel'."""
    return next(name for name in _KERNELS if hasattr(layer, name))


class _FixedPointConfig(tfmot.quantization.keras.QuantizeConfig):
    def get_weights_and_quantizers(self, layer: Any) -> list:
        return []

    def get_activations_and_quantizers(self, layer: Any) -> list:
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list) -> None:
        pass

    def set_quantize_activations(self, layer: Any, quantize_activations: list) -> None:
        pass


class OutputConfig(_FixedPointConfig):
    """A layer without weights (the input, pooling): its output is rounded to `output`."""

    def __init__(self, output: FixedPointQuantizer) -> None:
        self.output = output

    def get_output_quantizers(self, layer: Any) -> list:
        return [self.output]

    def get_config(self) -> dict[str, Any]:
        return {"output": self.output.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OutputConfig":
        return cls(FixedPointQuantizer.from_config(config["output"]))


class WeightedConfig(OutputConfig):
    """A convolution or dense layer: kernel, bias and output, each with its quantizer."""

    def __init__(self, kernel: FixedPointQuantizer, bias: BiasQuantizer, output: FixedPointQuantizer) -> None:
        super().__init__(output)
        self.kernel = kernel
        self.bias = bias

    def get_weights_and_quantizers(self, layer: Any) -> list:
        return [(getattr(layer, kernel_name(layer)), self.kernel), (layer.bias, self.bias)]

    def set_quantize_weights(self, layer: Any, quantize_weights: list) -> None:
        setattr(layer, kernel_name(layer), quantize_weights[0])
        layer.bias = quantize_weights[1]

    def get_config(self) -> dict[str, Any]:
        own = {"kernel": self.kernel.get_config(), "bias": self.bias.get_config()}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WeightedConfig":
        kernel = FixedPointQuantizer.from_config(config["kernel"])
        return cls(kernel, BiasQuantizer(**config["bias"]), FixedPointQuantizer.from_config(config["output"]))


def weighted(weights: QFormat, input_format: QFormat, output: QFormat) -> WeightedConfig:
    """The config of a layer with these Q-formats; its bias lies on the grid of w * x."""
    bias = BiasQuantizer(weights.fraction_bits + input_format.fraction_bits)
    return WeightedConfig(FixedPointQuantizer(weights), bias, FixedPointQuantizer(output))
