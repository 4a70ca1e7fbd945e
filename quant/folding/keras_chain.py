"""Folds a float Keras chain into plain layers: batch normalization into kernel and bias, ReLU into the layer.

Average pooling over N positions becomes a sum and a shift by the power of two 2**k at or above N; the ratio
2**k / N goes into the kernel of the dense layer that follows, so that the function stays the same.
"""

import dataclasses
from typing import Any

import numpy as np

from quant.folding.layers import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, FoldedLayer, pool_shift


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


def fold(model: Any) -> tuple[FoldedLayer, ...]:
    """The folded layers of a Keras chain of Conv2D, DepthwiseConv2D, BatchNormalization, ReLU, Dropout, pooling, Dense.

    Raises:
      ValueError: a layer that can't be folded, or one that stands where it can't be folded.
    """
    layers: list[FoldedLayer] = []
    positions = 1
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("InputLayer", "Dropout"):
            continue
        if kind in ("Conv2D", "DepthwiseConv2D", "Dense"):
            layers.append(_weighted(layer, kind))
            if positions > 1 and kind == "Dense":
                ratio = 2.0 ** pool_shift(positions) / positions
                layers[-1] = dataclasses.replace(layers[-1], kernel=(layers[-1].kernel * ratio).astype(np.float32))
                positions = 1
        elif kind == "BatchNormalization":
            if not layers or layers[-1].kernel is None or layers[-1].relu:
                raise ValueError(f"layer {layer.name}: batch normalization must follow a layer with weights")
            last = layers[-1]
            kernel, bias = fold_batch_normalization(
                last.kernel,
                last.bias,
                layer.gamma.numpy(),
                layer.beta.numpy(),
                layer.moving_mean.numpy(),
                layer.moving_variance.numpy(),
                layer.epsilon,
            )
            layers[-1] = dataclasses.replace(last, kernel=kernel, bias=bias)
        elif kind == "ReLU":
            layers[-1] = dataclasses.replace(layers[-1], relu=True)
        elif kind == "GlobalAveragePooling2D":
            positions = layer.input_shape[1] * layer.input_shape[2]
            layers.append(FoldedLayer(layer.name, AVERAGE_POOL, pool_shift=pool_shift(positions)))
        else:
            raise ValueError(f"layer {layer.name}: {kind} can't be folded into a fixed-point chain")
    if positions > 1:
        raise ValueError("average pooling must be followed by a dense layer, which carries its ratio")
    return tuple(layers)


def _weighted(layer: Any, kind: str) -> FoldedLayer:
    if kind != "Dense" and layer.padding != "same":
        raise ValueError(f"layer {layer.name}: padding={layer.padding!r}, expected 'same'")
    if kind == "DepthwiseConv2D":
        kernel = layer.depthwise_kernel.numpy()
        if kernel.shape[3] != 1:
            raise ValueError(f"layer {layer.name}: depth_multiplier={kernel.shape[3]}, expected 1")
        kernel = kernel[..., 0]
    else:
        kernel = layer.kernel.numpy()
    bias = layer.bias.numpy() if layer.use_bias else np.zeros(kernel.shape[-1], np.float32)
    activation = getattr(layer.activation, "__name__", str(layer.activation))
    if activation not in ("linear", "relu"):
        raise ValueError(f"layer {layer.name}: activation {activation!r}, expected 'relu' or 'linear'")
    op = {"Conv2D": CONV2D, "DepthwiseConv2D": DEPTHWISE_CONV2D, "Dense": DENSE}[kind]
    stride = (1, 1) if kind == "Dense" else tuple(layer.strides)
    return FoldedLayer(layer.name, op, kernel, bias, stride, activation == "relu")
