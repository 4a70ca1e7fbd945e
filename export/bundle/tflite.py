"""Writes the integer model as a fully integer .tflite, directly: no converter, no float tensor, no QUANTIZE op.

Every scale is a power of two, so the file says what the integer model says. Differences of dialect:

- An unsigned format of b < 7 bits is stored with zero point 127 - (2**b - 1): saturation to int8 is then the upper
  clamp and fused ReLU the lower one. All other tensors have zero point 0.
- Average pooling is a depthwise convolution with the constant code 1 and scale 2**-shift: AVERAGE_POOL_2D would
  divide by the number of positions and round on its own grid.
- Runtimes round twice (gemmlowp's arithmetic): TensorFlow Lite Micro equals `export.model.interpreter` with rounding
  'double', code by code. tf.lite.Interpreter rounds in a third way and is no reference.
- They double the accumulator of a layer without a shift: one that may reach 30 bits is refused.

Labels, in the order of the logits, are the metadata block `labels` (UTF-8, one per line).
"""

import numpy as np

from export.bundle.flatbuffer import FlatbufferWriter, schema
from export.model import accumulator
from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, IntegerModel, Layer, same_padding
from export.model.model_error import ModelError
from quant.qformat import QFormat

INPUT = "features"
FLATTENED = "_flattened"
LABELS_METADATA = "labels"
HASH_METADATA = "integer_model_sha256"
_INT8_MAX = 127
_NO_PADDING = ((0, 0), (0, 0))
_INT4_BITS = 4
_LARGEST_DOUBLED = 2**30 - 1


def zero_point(q: QFormat) -> int:
    """The stored int8 that means code 0: 0, or 127 - max_code for an unsigned format of fewer than 7 bits."""
    return 0 if q.signed else _INT8_MAX - q.max_code


def to_tflite(model: IntegerModel, *, packed_int4: bool = False) -> bytes:
    """The flatbuffer: input int8 [1, h, w, c], output int8 [1, labels]; a tensor per layer carries its name.

    Args:
      packed_int4: stores weights of at most 4 bits as INT4, two per byte (half the flash; slower in most runtimes).

    Raises:
      ModelError: a layer whose padding or output format .tflite can't express; it is named.
    """
    writer = FlatbufferWriter()
    source = _activation(writer, INPUT, model.input_shape, model.input_format)
    first = source
    for layer in model.layers:
        _check_sums(layer)
        if layer.op == DENSE:
            source = _dense(writer, layer, source, packed_int4)
        else:
            source = _convolution(writer, layer, source, packed_int4)
    writer.add_metadata(LABELS_METADATA, "\n".join(model.labels).encode())
    writer.add_metadata(HASH_METADATA, model.sha256.encode())
    description = f"{model.name}: logits in the order {', '.join(model.labels)}"
    return writer.finish(model.name, description, [first], [source])


def _check_sums(layer: Layer) -> None:
    """A scale of 1 is for runtimes the multiplier 1/2 and a shift to the left, which is of 32 bits."""
    largest = int(accumulator.worst_case(layer).max())
    if layer.shift == 0 and largest > _LARGEST_DOUBLED:
        raise ModelError(
            f"layer {layer.name}: its shift is 0 and its accumulator can reach {largest}, which runtimes of .tflite "
            "double in 32 bits; lower the output's fraction bits, or the biases"
        )


def _activation(
    writer: FlatbufferWriter, name: str, shape: tuple[int, ...], q: QFormat, rank: tuple[int, ...] | None = None
) -> int:
    return writer.add_tensor(name, rank or (1, *shape), scale=q.lsb, zero_point=zero_point(q))


def _fused_activation(layer: Layer) -> int:
    """ReLU for unsigned outputs; nothing where saturation to int8 is the output format's own."""
    q = layer.output_format
    if not q.signed:
        return schema.ActivationFunctionType.RELU
    if (q.bits < 8 or q.symmetric) and not _stays_inside(layer):
        raise ModelError(
            f"layer {layer.name}: .tflite can't clamp to {q} ({q.min_code} .. {q.max_code}); "
            "give outputs without ReLU 8 bits"
        )
    return schema.ActivationFunctionType.NONE


def _stays_inside(layer: Layer) -> bool:
    """Whether outputs need no clamp: of pooling, where the mean of the largest codes, in either rounding, is a code."""
    if layer.op != AVERAGE_POOL:
        return False
    positions, x, y = layer.kernel[..., 0].size, layer.input_format, layer.output_format
    largest, smallest = (positions * code for code in (x.max_code, x.min_code))
    return -(-largest >> layer.shift) <= y.max_code and smallest >> layer.shift >= y.min_code


def _padding(layer: Layer) -> int:
    if layer.padding == _NO_PADDING:
        return schema.Padding.VALID
    expected = same_padding(layer.input_shape[:2], layer.kernel_size, layer.stride)
    if layer.padding != expected:
        raise ModelError(
            f"layer {layer.name}: .tflite can't express padding {layer.padding}; use none, or {expected} (SAME)"
        )
    return schema.Padding.SAME


def _parameters(writer: FlatbufferWriter, layer: Layer, kernel: np.ndarray, packed_int4: bool) -> list[int]:
    """Kernel and bias, each with one scale for the whole tensor: one per channel would only repeat it."""
    int4 = packed_int4 and layer.weight_format.bits <= _INT4_BITS
    lsb = layer.weight_format.lsb
    return [
        writer.add_tensor(f"{layer.name}_kernel", kernel.shape, scale=lsb, data=kernel, int4=int4),
        writer.add_tensor(f"{layer.name}_bias", layer.bias.shape, scale=lsb * layer.input_format.lsb, data=layer.bias),
    ]


def _convolution(writer: FlatbufferWriter, layer: Layer, source: int, packed_int4: bool) -> int:
    if layer.op == CONV2D:
        kernel = layer.kernel.transpose(3, 0, 1, 2)
        builtin, version, options = schema.BuiltinOperator.CONV_2D, 3, schema.Conv2DOptionsT()
    else:
        kernel = layer.kernel[None]
        builtin, version, options = schema.BuiltinOperator.DEPTHWISE_CONV_2D, 3, schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = 1
    options.padding = _padding(layer)
    options.strideH, options.strideW = layer.stride
    options.fusedActivationFunction = _fused_activation(layer)
    parameters = _parameters(writer, layer, kernel, packed_int4)
    output = _activation(writer, layer.name, layer.output_shape, layer.output_format)
    writer.add_operator(builtin, version, [source, *parameters], output, options)
    return output


def _dense(writer: FlatbufferWriter, layer: Layer, source: int, packed_int4: bool) -> int:
    inputs, outputs = layer.kernel.shape
    flat = _activation(writer, f"{layer.name}{FLATTENED}", (), layer.input_format, (1, inputs))
    reshape = schema.ReshapeOptionsT()
    reshape.newShape = [1, inputs]
    shape = writer.add_tensor(f"{layer.name}_shape", (2,), data=np.array([1, inputs], np.int32))
    writer.add_operator(schema.BuiltinOperator.RESHAPE, 1, [source, shape], flat, reshape)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = _fused_activation(layer)
    parameters = _parameters(writer, layer, layer.kernel.T, packed_int4)
    output = _activation(writer, layer.name, (), layer.output_format, (1, outputs))
    writer.add_operator(schema.BuiltinOperator.FULLY_CONNECTED, 4, [flat, *parameters], output, options)
    return output
