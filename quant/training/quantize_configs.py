"""tfmot `QuantizeConfig`s: which quantizer meets which variable of a layer.

Weights and biases are quantized as variables; activations (transient variables) at the layer's output, after ReLU.
"""

from typing import Any

from quant.formats import accumulator_bound
from quant.method import ACCUMULATOR_BITS, Method
from quant.optimization_toolkit import tfmot
from quant.qformat import QFormat
from quant.training.learned_thresholds import FollowingQuantizer, LearnedQuantizer
from quant.training.quantizers import BiasQuantizer, FixedPointQuantizer, KernelQuantizer

_KERNELS = ("depthwise_kernel", "kernel")
_OUTPUTS = {cls.__name__: cls for cls in (FixedPointQuantizer, LearnedQuantizer, FollowingQuantizer)}


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
        return {"output": self.output.get_config(), "output_class": type(self.output).__name__}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OutputConfig":
        return cls(_output(config))


class WeightedConfig(OutputConfig):
    """A convolution or dense layer: kernel, bias and output with their quantizers, and the accumulator's width."""

    def __init__(
        self,
        kernel: KernelQuantizer,
        bias: BiasQuantizer,
        output: FixedPointQuantizer,
        accumulator_bits: int = ACCUMULATOR_BITS,
    ) -> None:
        super().__init__(output)
        self.kernel = kernel
        self.bias = bias
        self.accumulator_bits = accumulator_bits

    def get_weights_and_quantizers(self, layer: Any) -> list:
        return [(getattr(layer, kernel_name(layer)), self.kernel), (layer.bias, self.bias)]

    def set_quantize_weights(self, layer: Any, quantize_weights: list) -> None:
        setattr(layer, kernel_name(layer), quantize_weights[0])
        layer.bias = quantize_weights[1]

    def get_config(self) -> dict[str, Any]:
        quantizers = {"kernel": self.kernel.get_config(), "bias": self.bias.get_config()}
        return {**super().get_config(), **quantizers, "accumulator_bits": self.accumulator_bits}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WeightedConfig":
        kernel = KernelQuantizer.from_config(config["kernel"])
        return cls(kernel, BiasQuantizer(**config["bias"]), _output(config), config["accumulator_bits"])


def _output(config: dict[str, Any]) -> FixedPointQuantizer:
    # A model saved without the class has formats fixed before training.
    return _OUTPUTS[config.get("output_class", FixedPointQuantizer.__name__)](QFormat(**config["output"]))


def unweighted(output: QFormat, method: Method) -> OutputConfig:
    """The config of a pooling layer. While formats are learned, its output's moves with its input's."""
    return OutputConfig(FollowingQuantizer(output) if method.learn_formats else FixedPointQuantizer(output))


def weighted(weights: QFormat, x: QFormat, output: QFormat, method: Method) -> WeightedConfig:
    """The config of a layer with these Q-formats: its bias lies on the grid of w * x, its accumulator is bounded."""
    grid = weights.fraction_bits + x.fraction_bits
    code_sum = bias_code = None
    if method.bounds_accumulators:
        limits = accumulator_bound.bound(method.accumulator_bits, x, grid - output.fraction_bits)
        code_sum, bias_code = limits.code_sum, limits.bias_code
    return WeightedConfig(
        KernelQuantizer(weights, method.squash, code_sum),
        BiasQuantizer(grid, bias_code),
        LearnedQuantizer(output) if method.learn_formats else FixedPointQuantizer(output),
        method.accumulator_bits,
    )
