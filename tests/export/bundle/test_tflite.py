"""The .tflite: what is in the file, and that it is fully integer with power-of-two scales."""

import dataclasses
import math

import numpy as np
import pytest

from export.bundle import flatbuffer, tflite
from export.bundle.flatbuffer import schema
from export.model import interpreter, random_model
from export.model.integer_model import DENSE, IntegerModel, Layer, average_pool
from export.model.model_error import ModelError
from export.proof.tflm import TflmModel
from quant.qformat import QFormat, weight_format

WIDTHS = [(8, 8), (4, 8), (4, 4), (2, 8)]


def parse(contents: bytes) -> tuple:
    """The subgraph, its tensors by name, and the constants (numpy, stored shape) by name."""
    model = flatbuffer.read(contents)
    graph = model.subgraphs[0]
    tensors = {tensor.name.decode(): tensor for tensor in graph.tensors}
    dtypes = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}
    constants = {
        name: np.frombuffer(bytes(model.buffers[tensor.buffer].data), dtypes[tensor.type]).reshape(tensor.shape)
        for name, tensor in tensors.items()
        if tensor.buffer and tensor.type in dtypes
    }
    return graph, tensors, constants


@pytest.mark.parametrize(("weight_bits", "activation_bits"), WIDTHS)
def test_every_tensor_is_integer_with_a_power_of_two_scale(weight_bits: int, activation_bits: int) -> None:
    model = random_model.ds_cnn(0, weight_bits=weight_bits, activation_bits=activation_bits)
    graph, tensors, _ = parse(tflite.to_tflite(model))
    for name, tensor in tensors.items():
        assert tensor.type in (schema.TensorType.INT8, schema.TensorType.INT32), name
        if tensor.quantization is None:
            assert name.endswith("_shape")
            continue
        assert len(tensor.quantization.scale) == 1
        assert math.frexp(tensor.quantization.scale[0])[0] == 0.5, f"{name}: a power of two"
    assert tuple(tensors["features"].shape) == (1, 49, 10, 1)
    assert tensors["features"].quantization.scale[0] == 2.0**-5
    assert [graph.tensors[i].name for i in graph.inputs] == [b"features"]
    output = graph.tensors[graph.outputs[0]]
    assert tuple(output.shape) == (1, 12) and output.quantization.zeroPoint[0] == 0
    names = {value: key for key, value in vars(schema.BuiltinOperator).items()}
    codes = flatbuffer.read(tflite.to_tflite(model)).operatorCodes
    used = {names[code.builtinCode] for code in codes}
    assert used == {"CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "FULLY_CONNECTED"}


def test_codes_and_scales_are_the_models(small_model: IntegerModel) -> None:
    _, tensors, constants = parse(tflite.to_tflite(small_model))
    for layer in small_model.layers:
        stored = constants[f"{layer.name}_kernel"]
        if layer.op == DENSE:
            assert np.array_equal(stored.T, layer.kernel)
        elif layer.op == "conv2d":
            assert np.array_equal(stored.transpose(1, 2, 3, 0), layer.kernel)
        else:
            assert np.array_equal(stored[0], layer.kernel)
        assert np.array_equal(constants[f"{layer.name}_bias"], layer.bias)
        assert tensors[f"{layer.name}_kernel"].quantization.scale[0] == layer.weight_format.lsb
        assert tensors[f"{layer.name}_bias"].quantization.scale[0] == layer.weight_format.lsb * layer.input_format.lsb
        assert tensors[layer.name].quantization.scale[0] == layer.output_format.lsb


def test_narrow_unsigned_outputs_saturate_at_127(small_model: IntegerModel) -> None:
    _, tensors, _ = parse(tflite.to_tflite(small_model))
    assert tensors["layer0_conv2d"].quantization.zeroPoint[0] == 112, "0 .. 15 is stored as 112 .. 127"
    assert tflite.zero_point(QFormat(7, 0, signed=False)) == 0
    assert tflite.zero_point(QFormat(2, 0, signed=False)) == 124
    assert tflite.zero_point(QFormat(8, 3)) == 0


def test_labels_and_hash_are_in_the_metadata(small_model: IntegerModel) -> None:
    labelled = dataclasses.replace(small_model, labels=("ja", "nein", "größer"))
    model = flatbuffer.read(tflite.to_tflite(labelled))
    blocks = {entry.name.decode(): bytes(model.buffers[entry.buffer].data).decode() for entry in model.metadata}
    assert blocks["labels"].split("\n") == ["ja", "nein", "größer"]
    assert blocks["integer_model_sha256"] == labelled.sha256
    assert b"ja, nein" in model.description


def test_no_buffer_is_shared_and_the_first_is_empty(small_model: IntegerModel) -> None:
    model = flatbuffer.read(tflite.to_tflite(small_model))
    used = [tensor.buffer for tensor in model.subgraphs[0].tensors if tensor.buffer]
    assert len(used) == len(set(used))
    assert model.buffers[0].data is None or len(model.buffers[0].data) == 0


def test_packed_int4_is_smaller_and_holds_the_same_codes() -> None:
    model = random_model.ds_cnn(0, weight_bits=4)
    assert len(tflite.to_tflite(model, packed_int4=True)) < 0.7 * len(tflite.to_tflite(model))
    packed = flatbuffer.pack_int4(np.array([[-8, 7], [-1, 1], [3, -3]], np.int8))
    assert packed == bytes([0x78, 0x1F, 0xD3])
    assert flatbuffer.pack_int4(np.array([5], np.int8)) == bytes([0x05])


def test_one_model_gives_one_file(small_model: IntegerModel) -> None:
    assert tflite.to_tflite(small_model) == tflite.to_tflite(small_model)


def test_padding_that_tflite_cannot_express_names_the_layer(small_model: IntegerModel) -> None:
    layer = small_model.layers[0]
    (top, bottom), sides = layer.padding
    layers = (dataclasses.replace(layer, padding=((top + 1, bottom - 1), sides)), *small_model.layers[1:])
    with pytest.raises(
        ModelError, match=r"layer layer0_conv2d: \.tflite can't express padding \(\(5, 3\), .* or \(\(4, 4\)"
    ):
        tflite.to_tflite(dataclasses.replace(small_model, layers=layers))


@pytest.mark.parametrize("output", [QFormat(6, 4), weight_format(8, 4)], ids=str)
def test_a_clamp_that_tflite_cannot_express_names_the_layer(output: QFormat) -> None:
    layer = Layer(
        "logits",
        DENSE,
        (1, 1, 2),
        (1, 1, 2),
        np.ones((2, 2), np.int8),
        np.zeros(2, np.int32),
        (1, 1),
        ((0, 0), (0, 0)),
        QFormat(8, 5),
        weight_format(8, 7),
        output,
    )
    with pytest.raises(ModelError, match=r"layer logits: \.tflite can't clamp to s"):
        tflite.to_tflite(IntegerModel("tiny", ("a", "b"), (layer,)))


def test_a_scale_that_float32_cannot_hold_is_refused() -> None:
    writer = flatbuffer.FlatbufferWriter()
    for scale in (0.1, 2.0**-200, 0.0, -1.0):
        with pytest.raises(ValueError, match="tensor t: scale"):
            writer.add_tensor("t", (1,), scale=scale)


def test_bytes_that_are_no_flatbuffer_are_refused(small_model: IntegerModel) -> None:
    whole = tflite.to_tflite(small_model)
    with pytest.raises(ValueError, match=r"not a \.tflite file"):
        flatbuffer.read(b"PK\x03\x04 something else")
    with pytest.raises(ValueError, match=r"damaged \.tflite file"):
        flatbuffer.read(whole[: len(whole) // 2])


def pooled(x: QFormat, y: QFormat, size: tuple[int, int] = (2, 2)) -> IntegerModel:
    pool = average_pool("pool", (*size, 1), x, y)
    no_padding = ((0, 0), (0, 0))
    kernel, bias = np.array([[1, 2]], np.int8), np.zeros(2, np.int32)
    dense = Layer(
        "dense", DENSE, (1, 1, 1), (1, 1, 2), kernel, bias, (1, 1), no_padding, y, weight_format(4, 0), QFormat(8, 3)
    )
    return IntegerModel("pooled", ("a", "b"), (pool, dense))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (QFormat(4, 5, signed=False), QFormat(4, 5)),
        (QFormat(4, 5), QFormat(4, 6)),
        (QFormat(8, 5), QFormat(8, 5, symmetric=True)),
        (QFormat(5, 5), QFormat(4, 5)),
        (QFormat(4, 5, signed=False), QFormat(4, 4)),
    ],
)
def test_a_pool_whose_output_is_narrower_than_its_means_is_refused(x: QFormat, y: QFormat) -> None:
    with pytest.raises(ModelError, match=r"^layer pool: \.tflite can't clamp to "):
        tflite.to_tflite(pooled(x, y))


@pytest.mark.parametrize(
    ("x", "y", "size"),
    [
        (QFormat(4, 5), QFormat(4, 5), (2, 2)),
        (QFormat(4, 5), QFormat(4, 5), (3, 5)),
        (QFormat(4, 5, signed=False), QFormat(5, 5), (2, 2)),
        (QFormat(4, 5, signed=False), QFormat(4, 3), (2, 2)),
        (QFormat(4, 5), QFormat(8, 7), (5, 5)),
        (QFormat(3, 5, signed=False), QFormat(3, 5, signed=False), (5, 5)),
        (QFormat(7, 5, signed=False), QFormat(4, 5, signed=False), (2, 2)),
    ],
)
def test_other_pools_are_the_interpreters_in_tflm(x: QFormat, y: QFormat, size: tuple[int, int]) -> None:
    model = pooled(x, y, size)
    codes = np.arange(x.min_code, x.max_code + 1, dtype=np.int8)
    rng = np.random.default_rng(0)
    inputs = np.concatenate([np.tile(codes[:, None], size[0] * size[1]), rng.choice(codes, (50, size[0] * size[1]))])
    inputs = inputs.reshape(-1, *size, 1)
    found = TflmModel(tflite.to_tflite(model)).run_layers(inputs)
    for layer, expected in interpreter.run_layers(model, inputs, "double"):
        np.testing.assert_array_equal(found[layer.name].reshape(expected.shape), expected)
