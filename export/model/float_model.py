"""The float model that an integer model was trained from: the same layers, with real-valued weights.

Its weights are arrays by name, float32: `<layer>.kernel` and `<layer>.bias` of each layer with weights, shaped as the
integer layer's, batch normalization folded in. What a layer does with them the integer model says: an output whose
codes start at 0 is ReLU's, and pooling is a sum and a shift, whose ratio the next layer's kernel carries.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from export.model import float_interpreter
from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, IntegerModel, Layer
from export.model.model_error import ModelError
from kws_cli import array_file
from quant.folding.layers import FoldedLayers, weighted_layers
from quant.qformat import dequantize

_CLIPS_AT_ONCE = 64
_REMEDY = "write the bundle again with python -m export.convert"


@dataclasses.dataclass(frozen=True)
class FloatModel:
    """Layers and weights that fit each other; raises `ModelError` that names the first that do not.

    Attributes:
      model: the integer model.
      weights: by name, float32.
    """

    model: IntegerModel
    weights: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        expected = {
            f"{layer.name}.{what}": getattr(layer, what).shape
            for layer in self.model.layers
            if layer.op != AVERAGE_POOL
            for what in ("kernel", "bias")
        }
        if self.weights.keys() != expected.keys():
            names = ", ".join(sorted(self.weights.keys() ^ expected.keys()))
            raise ModelError(f"float weights of other layers than the integer model's: {names}")
        for name, shape in expected.items():
            found = self.weights[name]
            if found.shape != shape or found.dtype != np.float32 or not np.isfinite(found).all():
                what = f"{found.dtype} {found.shape}"
                raise ModelError(f"float weights {name} are {what}, expected finite float32 {shape}")


def weights_of(layers: FoldedLayers) -> dict[str, np.ndarray]:
    """The weights of a folded network, by name."""
    weighted = weighted_layers(layers)
    return {f"{layer.name}.{what}": getattr(layer, what) for layer in weighted for what in ("kernel", "bias")}


def save(weights: Mapping[str, np.ndarray], path: pathlib.Path) -> None:
    """Writes weights as .npz, always the same bytes."""
    array_file.write(path, weights)


def load(path: pathlib.Path, model: IntegerModel) -> FloatModel:
    """The float model of `model` whose weights `save` wrote.

    Raises:
      ModelError: a file that isn't whole, or the weights of another model.
    """
    try:
        weights = array_file.read(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} can't be read ({error}): {_REMEDY}") from error
    try:
        return FloatModel(model, weights)
    except ModelError as error:
        raise ModelError(f"{path}: {error}; {_REMEDY}") from error


def run(float_model: FloatModel, codes: np.ndarray) -> np.ndarray:
    """Logits float32 [n, labels] of input codes int8 [n, h, w, c], as training computes them but for last bits."""
    model = float_model.model
    constants = [_constants(layer, float_model.weights) for layer in model.layers]
    logits = np.empty((len(codes), len(model.labels)), np.float32)
    for start in range(0, len(codes), _CLIPS_AT_ONCE):
        x = dequantize(codes[start : start + _CLIPS_AT_ONCE], model.input_format).transpose(3, 1, 2, 0)
        for layer, (kernel, bias) in zip(model.layers, constants, strict=True):
            x = _run_layer(layer, kernel, bias, x)
        logits[start : start + _CLIPS_AT_ONCE] = x.reshape(len(model.labels), -1).T
    return logits


def _constants(layer: Layer, weights: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A layer's kernel (as `float_interpreter.mixing` has it) and bias, float32."""
    if layer.op == AVERAGE_POOL:
        kernel = layer.kernel * 2.0**-layer.weight_format.fraction_bits
        return float_interpreter.mixing(layer, kernel).astype(np.float32), np.zeros(len(layer.bias), np.float32)
    kernel = weights[f"{layer.name}.kernel"]
    return float_interpreter.mixing(layer, kernel).astype(np.float32), weights[f"{layer.name}.bias"]


def _run_layer(layer: Layer, kernel: np.ndarray, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The output of one layer, float32 [channels, height, width, n]; the input is laid out like this, too."""
    height, width, channels = layer.output_shape
    y = np.empty((channels, height, width, x.shape[-1]), np.float32)
    sums = float_interpreter.mixed_sums if layer.op in (CONV2D, DENSE) else float_interpreter.channel_sums
    sums(layer, kernel, np.ascontiguousarray(x), y)
    y += bias[:, None, None, None]
    return np.maximum(y, 0) if layer.output_format.min_code == 0 and layer.op != AVERAGE_POOL else y
