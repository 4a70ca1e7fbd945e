"""Lowers a trained fixed-point Keras graph to the integer model.

The codes are what the graph's own quantizers give, divided by their LSB: nothing is rounded here that was not
rounded in training.
"""

from typing import Any

import numpy as np

from export.model import accumulator, integer_model
from export.model.integer_model import (
    AVERAGE_POOL,
    CONV2D,
    DENSE,
    DEPTHWISE_CONV2D,
    IntegerModel,
    Layer,
    Padding,
    Shape,
    Size,
)
from quant.folding.layers import INPUT_QUANTIZER, SAME
from quant.qformat import QFormat
from quant.training import wrappers

# Training computes in float32, whose integers are exact up to here.
_LARGEST_EXACT_CODE = 2**24
_OPS = {"Conv2D": CONV2D, "DepthwiseConv2D": DEPTHWISE_CONV2D, "Dense": DENSE, "SumShiftPool2D": AVERAGE_POOL}


def lower(model: Any, name: str, labels: tuple[str, ...]) -> IntegerModel:
    """The integer model of a Keras model built by `quant.fixed_point_model`.

    Args:
      name: a C identifier.
      labels: one per logit.

    Raises:
      ValueError: a quantized value is off its grid, or an accumulator can overflow its declared width.
    """
    shape = tuple(model.input_shape[1:])
    q = _input_format(model)
    layers = []
    for wrapper in wrappers.wrapped_layers(model):
        layer = _lower_layer(wrapper, shape, q)
        shape, q = layer.output_shape, layer.output_format
        layers.append(layer)
    lowered = IntegerModel(name, labels, tuple(layers))
    accumulator.prove(lowered)
    return lowered


def _input_format(model: Any) -> QFormat:
    wrapper = next(
        layer for layer in model.layers if getattr(layer, "layer", None) and layer.layer.name == INPUT_QUANTIZER
    )
    return wrapper.quantize_config.output.q


def _lower_layer(wrapper: Any, shape: Shape, q: QFormat) -> Layer:
    keras_layer, config = wrapper.layer, wrapper.quantize_config
    op = _OPS[type(keras_layer).__name__]
    if op == AVERAGE_POOL:
        return integer_model.average_pool(keras_layer.name, shape, q, config.output.q)
    variables = wrappers.variables_of(wrapper)
    kernel = _codes(keras_layer.name, config.kernel(variables.kernel), config.kernel.q.fraction_bits)
    bias = _codes(keras_layer.name, config.bias(variables.bias), config.bias.fraction_bits)
    if op == DEPTHWISE_CONV2D:
        kernel = kernel[..., 0]
    window: Size = (1, 1)
    stride: Size = (1, 1)
    padding: Padding = ((0, 0), (0, 0))
    if op != DENSE:
        (kernel_height, kernel_width), (down, right) = kernel.shape[:2], keras_layer.strides
        window, stride = (kernel_height, kernel_width), (down, right)
        if keras_layer.padding == SAME:
            padding = integer_model.same_padding(shape[:2], window, stride)
    return Layer(
        name=keras_layer.name,
        op=op,
        input_shape=shape,
        output_shape=(*integer_model.output_size(shape[:2], window, stride, padding), len(bias)),
        kernel=np.ascontiguousarray(kernel.astype(np.int8)),
        bias=bias.astype(np.int32),
        stride=stride,
        padding=padding,
        input_format=q,
        weight_format=config.kernel.q,
        output_format=config.output.q,
        accumulator_bits=config.accumulator_bits,
    )


def _codes(name: str, quantized: Any, fraction_bits: int) -> np.ndarray:
    codes = np.asarray(quantized, np.float64) * 2.0**fraction_bits
    if not np.array_equal(codes, np.rint(codes)):
        raise ValueError(f"layer {name}: a quantized variable is off its grid 2**-{fraction_bits}")
    if codes.size and np.abs(codes).max() > _LARGEST_EXACT_CODE:
        raise ValueError(f"layer {name}: code {np.abs(codes).max():.0f} is beyond what float32 training holds exactly")
    return codes.astype(np.int64)
