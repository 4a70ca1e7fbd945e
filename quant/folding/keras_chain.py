"""Folds a float Keras chain into plain layers: batch normalization into kernel and bias, ReLU into the layer.

Average pooling over N positions becomes a sum and a shift by the power of two 2**k at or above N; the ratio
2**k / N goes into the kernel of the dense layer that follows, so that the function stays the same.
"""

import dataclasses
import re
from typing import Any

import numpy as np

from quant.folding import keras_graph
from quant.folding.fold_error import FoldError, attribute_error
from quant.folding.keras_graph import LayerUse
from quant.folding.layers import (
    CONV2D,
    DENSE,
    DEPTHWISE_CONV2D,
    FEATURES,
    INPUT_QUANTIZER,
    SAME,
    VALID,
    FoldedLayer,
    FoldedLayers,
    PoolingLayer,
    Stride,
    WeightedLayer,
    WeightedOp,
)

# Layers that do something in training alone.
_TRAINING_ONLY = ("Dropout", "SpatialDropout2D", "GaussianDropout", "AlphaDropout", "GaussianNoise")
_WEIGHTED: dict[str, WeightedOp] = {"Conv2D": CONV2D, "DepthwiseConv2D": DEPTHWISE_CONV2D, "Dense": DENSE}
_FOLDED = (*_WEIGHTED, "BatchNormalization", "ReLU", "Activation", "GlobalAveragePooling2D")
# The values that an attribute may have; any other one makes another function of the layer.
_CONVOLUTION = {"padding": (SAME, VALID), "data_format": ("channels_last",), "dilation_rate": ((1, 1),)}
_ATTRIBUTES: dict[str, dict[str, tuple]] = {
    "Conv2D": {**_CONVOLUTION, "groups": (1,)},
    "DepthwiseConv2D": {**_CONVOLUTION, "depth_multiplier": (1,)},
    "ReLU": {"max_value": (None,), "negative_slope": (0.0,), "threshold": (0.0,)},
    "GlobalAveragePooling2D": {"data_format": ("channels_last",), "keepdims": (False,)},
}
_ACTIVATIONS = ("linear", "relu")
_ACTIVATION_PACKAGES = ("tf_keras", "keras", "tensorflow")


def fold(model: Any) -> FoldedLayers:
    """The folded layers of a Keras chain, whose function they have.

    Conv2D, DepthwiseConv2D and Dense are layers, with BatchNormalization, ReLU and Activation behind them folded in;
    GlobalAveragePooling2D is one, before Dense; dropout and noise are left out. Names become C identifiers.

    Args:
      model: functional or Sequential, of Keras 2; its output are logits.

    Raises:
      FoldError: a `ValueError` that names the layer and the attribute that fixed point has no counterpart for.
    """
    layers: list[FoldedLayer] = []
    for use in keras_graph.chain(model):
        _check_attributes(use.name, use.layer, use.kind)
        _take(use, layers)
    if not layers:
        raise FoldError(f"model {model.name}: no layer with weights, expected a convolution or a dense layer")
    if isinstance(layers[-1], PoolingLayer):
        raise FoldError(
            f"layer {layers[-1].name}: average pooling must be followed by a dense layer, which carries its ratio"
        )
    return _named(layers)


def fold_batch_normalization(
    kernel: np.ndarray,
    bias: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of `gamma * (conv(x) + bias - mean) / sqrt(variance + epsilon) + beta`.

    Args:
      kernel: float [..., out]; the other arrays are float [out].
    """
    gain = gamma / np.sqrt(variance + epsilon)
    return (kernel * gain).astype(np.float32), ((bias - mean) * gain + beta).astype(np.float32)


def _check_attributes(name: str, layer: Any, kind: str) -> None:
    for attribute, allowed in _ATTRIBUTES.get(kind, {}).items():
        value = getattr(layer, attribute)
        # Keras keeps numbers as float32 of NumPy, of which the shortest text is what the user wrote.
        value = float(str(value)) if isinstance(value, np.ndarray | np.floating) else value
        if value not in allowed:
            raise attribute_error(name, attribute, value, " or ".join(map(repr, allowed)))


def _take(use: LayerUse, layers: list[FoldedLayer]) -> None:
    """Appends a layer's counterpart to `layers`, or folds it into the last one."""
    if use.kind in _TRAINING_ONLY:
        return
    if use.kind in _WEIGHTED:
        layers.append(_weighted(use, layers[-1] if layers else None))
    elif use.kind == "BatchNormalization":
        layers[-1:] = [_normalized(use, layers[-1] if layers else None)]
    elif use.kind == "ReLU":
        layers[-1:] = [_rectified(use, layers[-1] if layers else None)]
    elif use.kind == "Activation":
        if _is_relu(use.name, use.layer.activation):
            layers[-1:] = [_rectified(use, layers[-1] if layers else None)]
    elif use.kind == "GlobalAveragePooling2D":
        height, width, _ = use.input_shape
        layers.append(PoolingLayer(use.name, height * width))
    else:
        raise FoldError(f"layer {use.name}: {use.kind} can't be folded, expected {', '.join(_FOLDED)} or dropout")


def _weighted(use: LayerUse, before: FoldedLayer | None) -> WeightedLayer:
    layer, op = use.layer, _WEIGHTED[use.kind]
    kernel = np.asarray(layer.depthwise_kernel)[..., 0] if op == DEPTHWISE_CONV2D else np.asarray(layer.kernel)
    bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
    relu = _is_relu(use.name, layer.activation)
    if op != DENSE:
        return WeightedLayer(use.name, op, kernel, bias, Stride(*layer.strides), layer.padding, relu)
    if any(length != 1 for length in use.input_shape[:-1]):
        raise FoldError(f"layer {use.name}: Dense on {use.input_shape}, expected one position: pool before it")
    if isinstance(before, PoolingLayer):
        kernel = (kernel * before.ratio).astype(np.float32)
    return WeightedLayer(use.name, op, kernel, bias, relu=relu)


def _normalized(use: LayerUse, before: FoldedLayer | None) -> WeightedLayer:
    if not isinstance(before, WeightedLayer) or before.relu:
        raise FoldError(f"layer {use.name}: batch normalization must follow a layer with weights, before its ReLU")
    layer, channels = use.layer, before.bias.shape
    if list(layer.axis) != [len(use.input_shape)]:
        raise attribute_error(use.name, "axis", list(layer.axis), "the channels' axis, -1")
    kernel, bias = fold_batch_normalization(
        before.kernel,
        before.bias,
        np.asarray(layer.gamma) if layer.scale else np.ones(channels, np.float32),
        np.asarray(layer.beta) if layer.center else np.zeros(channels, np.float32),
        np.asarray(layer.moving_mean),
        np.asarray(layer.moving_variance),
        layer.epsilon,
    )
    return dataclasses.replace(before, kernel=kernel, bias=bias)


def _rectified(use: LayerUse, before: FoldedLayer | None) -> WeightedLayer:
    if not isinstance(before, WeightedLayer):
        raise FoldError(f"layer {use.name}: ReLU must follow a layer with weights or its batch normalization")
    return dataclasses.replace(before, relu=True)


def _is_relu(name: str, activation: Any) -> bool:
    """Whether an activation, a function or a layer, is ReLU. Raises `FoldError` if it is neither ReLU nor none."""
    if type(activation).__name__ == "ReLU":
        _check_attributes(name, activation, "ReLU")
        return True
    called = getattr(activation, "__name__", type(activation).__name__)
    package = getattr(activation, "__module__", type(activation).__module__).split(".")[0]
    if called not in _ACTIVATIONS or package not in _ACTIVATION_PACKAGES:
        raise attribute_error(name, "activation", called, "'relu' or 'linear'; logits need none to be compared")
    return called == "relu"


def _named(layers: list[FoldedLayer]) -> FoldedLayers:
    """The layers with C identifiers for names, all different. Raises `FoldError` for weights that aren't finite."""
    named: list[FoldedLayer] = []
    taken = {FEATURES, INPUT_QUANTIZER}
    for layer in layers:
        if isinstance(layer, WeightedLayer) and not (np.isfinite(layer.kernel).all() and np.isfinite(layer.bias).all()):
            raise FoldError(f"layer {layer.name}: its folded weights hold NaN or infinity, expected finite numbers")
        name = identifier(layer.name, taken)
        taken.add(name)
        named.append(dataclasses.replace(layer, name=name))
    return tuple(named)


def identifier(name: str, taken: set[str]) -> str:
    """`name` as a C identifier that isn't `taken`: other characters become _, a number is appended to what is taken."""
    safe = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not safe or not safe[0].isalpha():
        safe = f"layer_{safe}"
    numbered = safe
    count = 1
    while numbered in taken:
        numbered = f"{safe}_{count}"
        count += 1
    return numbered
