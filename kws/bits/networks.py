"""The integer network of any widths: what `quant.calibrate` and `export.lower` make of a float network, layer by layer.

A layer's codes depend on its own widths and on its input's format alone, so that a search can ask for single layers.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from export.model import integer_model
from export.model.integer_model import DENSE, IntegerModel, Layer, Padding, Shape, Size
from quant.folding.layers import SAME, FoldedLayer, FoldedLayers, PoolingLayer, WeightedLayer, weighted_layers
from quant.formats import calibration, least_error
from quant.formats.network_formats import LayerFormats
from quant.method import Method
from quant.qformat import MAX_BITS, QFormat, quantize

_METHOD = Method()


@dataclasses.dataclass(frozen=True)
class Widths:
    """Bits of each layer with weights, in order: of its weights and of its outputs. Logits have 8."""

    weights: tuple[int, ...]
    outputs: tuple[int, ...]

    def flags(self) -> str:
        """As `kws.train` takes them."""
        return f"--weight_bits={_joined(self.weights)} --activation_bits={_joined(self.outputs)}"


def _joined(bits: Sequence[int]) -> str:
    return ",".join(map(str, bits))


class Networks:
    """The networks of all widths.

    Attributes:
      layers: folded and equalized.
      x: the input's format.
      input_shape: (height, width, channels).
      labels: one per logit.
      bits: the widths that it knows, ascending.
    """

    def __init__(
        self,
        layers: FoldedLayers,
        features: np.ndarray,
        x: QFormat,
        labels: tuple[str, ...],
        bits: Sequence[int],
        name: str = "network",
    ) -> None:
        """Chooses every tensor's format at every width.

        Args:
          features: float32 [n, h, w, c], inputs to observe.
          name: of the integer models.
        """
        height, width, channels = features.shape[1:]
        self.layers, self.x, self.labels, self.bits, self._name = layers, x, labels, tuple(sorted(bits)), name
        self.input_shape = (height, width, channels)
        outputs = calibration.observe(layers, features)
        self.outputs = {each: self._output_formats(outputs, each) for each in sorted({*self.bits, MAX_BITS})}
        self.weights = {
            (layer.name, each): calibration.least_error_weights(layer, each)
            for layer in weighted_layers(layers)
            for each in self.bits
        }
        self.layer = functools.cache(self._layer)

    @property
    def names(self) -> list[str]:
        """Of the layers with weights."""
        return [layer.name for layer in weighted_layers(self.layers)]

    def _output_formats(self, outputs: Callable[[], Iterable[least_error.Tensors]], bits: int) -> dict[str, QFormat]:
        """Of least error, by layer name."""
        names = self.names
        formats = calibration.output_formats(self.layers, self.x, {**dict.fromkeys(names, bits), names[-1]: MAX_BITS})
        found = least_error.best_of_batches(outputs, formats)
        return {name: dataclasses.replace(q, fraction_bits=found[name]) for name, q in formats.items()}

    def _layer(self, index: int, x: QFormat, weight_bits: int, output_bits: int) -> Layer:
        """A layer, by its number among all, with an input format and widths; pooling's are not looked at."""
        folded = self.layers[index]
        if isinstance(folded, PoolingLayer):
            output = calibration.pool_format(folded, self.outputs[MAX_BITS][folded.name], x)
            return integer_model.average_pool(folded.name, self.shapes[index], x, output)
        wanted = self.outputs[output_bits][folded.name]
        formats = calibration.layer_formats(folded, wanted, x, self.weights[folded.name, weight_bits], _METHOD)
        return lowered(folded, self.shapes[index], x, formats)

    @functools.cached_property
    def shapes(self) -> list[Shape]:
        """Of every layer's input."""
        shapes = [self.input_shape]
        for layer in self.layers:
            shapes.append(_output_shape(layer, shapes[-1]))
        return shapes

    def model(self, widths: Widths) -> IntegerModel:
        """The whole network.

        Raises:
          ValueError: it is none, such as one whose shift is above 30.
        """
        layers = []
        x = self.x
        each = iter(zip(widths.weights, widths.outputs, strict=True))
        for index, folded in enumerate(self.layers):
            weight_bits, output_bits = (0, 0) if isinstance(folded, PoolingLayer) else next(each)
            layers.append(self.layer(index, x, weight_bits, output_bits))
            x = layers[-1].output_format
        return IntegerModel(self._name, self.labels, tuple(layers))


def lowered(folded: WeightedLayer, shape: Shape, x: QFormat, formats: LayerFormats) -> Layer:
    """A layer's codes in these formats, as `export.lower` reads them off a graph that was not trained since.

    Args:
      shape: of its input.
      x: the input's format.
    """
    if formats.weights is None:
        raise ValueError(f"layer {folded.name}: no format for its weights")
    bias = quantize_bias(folded.bias, formats.weights.fraction_bits + x.fraction_bits)
    return Layer(
        name=folded.name,
        op=folded.op,
        input_shape=shape,
        output_shape=_output_shape(folded, shape),
        kernel=np.ascontiguousarray(quantize(folded.kernel, formats.weights).astype(np.int8)),
        bias=bias,
        stride=(folded.stride.vertical, folded.stride.horizontal),
        padding=_padding(folded, shape),
        input_format=x,
        weight_format=formats.weights,
        output_format=formats.output,
    )


def quantize_bias(bias: np.ndarray, fraction_bits: int) -> np.ndarray:
    """Biases on the accumulator's grid, int32, as `quant.training.quantizers.BiasQuantizer` rounds them."""
    return np.floor(bias.astype(np.float32) * np.float32(2.0**fraction_bits) + np.float32(0.5)).astype(np.int32)


def _window(folded: WeightedLayer) -> Size:
    if folded.op == DENSE:
        return 1, 1
    height, width = folded.kernel.shape[:2]
    return height, width


def _padding(folded: WeightedLayer, shape: Shape) -> Padding:
    if folded.op == DENSE or folded.padding != SAME:
        return (0, 0), (0, 0)
    return integer_model.same_padding(shape[:2], _window(folded), folded.stride)


def _output_shape(folded: FoldedLayer, shape: Shape) -> Shape:
    if isinstance(folded, PoolingLayer):
        return 1, 1, shape[2]
    size = integer_model.output_size(shape[:2], _window(folded), folded.stride, _padding(folded, shape))
    return *size, len(folded.bias)
