"""TensorFlow Lite Micro itself on our .tflite equals the interpreter with double rounding, code by code."""

import dataclasses

import numpy as np
import pytest

from export.bundle import tflite
from export.model import interpreter, random_model
from export.model.integer_model import IntegerModel
from export.model.probes import probes
from export.proof.tflm import TflmModel
from quant.qformat import QFormat

WIDTHS = [(8, 8), (4, 8), (4, 4), (2, 8), (3, 5), (8, 2)]
SHAPES = [
    {"input_shape": (12, 6, 1), "channels": 5, "blocks": 2},
    {"input_shape": (7, 9, 3), "channels": 17, "blocks": 1, "first_kernel": (3, 5), "first_stride": (1, 3)},
    {"input_shape": (6, 5, 2), "channels": 3, "blocks": 0, "classes": 2},
]


def assert_equal(model: IntegerModel, codes: np.ndarray, **options: bool) -> None:
    tflm = TflmModel(tflite.to_tflite(model, **options))
    got = tflm.run_layers(codes)
    assert list(got) == [layer.name for layer in model.layers]
    for layer, expected in interpreter.run_layers(model, codes, "double"):
        assert got[layer.name].dtype == np.int8
        assert np.array_equal(got[layer.name], expected), layer.name
    assert np.array_equal(tflm.run(codes), interpreter.run(model, codes, "double"))


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@pytest.mark.parametrize(("weight_bits", "activation_bits"), WIDTHS)
def test_small_models_of_every_width(weight_bits: int, activation_bits: int, shape: int) -> None:
    for seed in range(3):
        model = random_model.ds_cnn(seed, weight_bits=weight_bits, activation_bits=activation_bits, **SHAPES[shape])
        assert_equal(model, probes(seed, model, 40))


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(8, 8), (4, 8), (4, 4), (2, 8)])
def test_the_whole_network(weight_bits: int, activation_bits: int) -> None:
    model = random_model.ds_cnn(5, weight_bits=weight_bits, activation_bits=activation_bits)
    assert_equal(model, probes(5, model, 40))


@pytest.mark.parametrize("weight_bits", [2, 4])
def test_packed_int4_weights_give_the_same_codes(weight_bits: int) -> None:
    model = random_model.ds_cnn(1, weight_bits=weight_bits, **SHAPES[0])
    assert_equal(model, probes(1, model, 20), packed_int4=True)


def test_extreme_weights(small_model: IntegerModel) -> None:
    """Every weight at its most negative or most positive code."""
    for sign in (-1, 1):
        layers = tuple(
            layer
            if layer.op == "average_pool"
            else dataclasses.replace(layer, kernel=np.full_like(layer.kernel, sign * layer.weight_format.max_code))
            for layer in small_model.layers
        )
        model = dataclasses.replace(small_model, layers=layers)
        assert_equal(model, probes(0, model, 20))


def test_shift_zero_and_a_hidden_layer_without_relu(small_model: IntegerModel) -> None:
    signed = QFormat(8, small_model.layers[0].output_format.fraction_bits)
    first = dataclasses.replace(small_model.layers[0], output_format=signed)
    last = small_model.layers[-1]
    fraction_bits = last.weight_format.fraction_bits + last.input_format.fraction_bits
    last = dataclasses.replace(last, output_format=QFormat(8, fraction_bits))
    assert last.shift == 0
    second = dataclasses.replace(small_model.layers[1], input_format=signed)
    model = dataclasses.replace(small_model, layers=(first, second, *small_model.layers[2:-1], last))
    assert_equal(model, probes(0, model, 30))


def test_one_changed_weight_is_seen(small_model: IntegerModel) -> None:
    codes = probes(0, small_model, 10)
    kernel = small_model.layers[2].kernel.copy()
    kernel[0, 0, 0, 0] += 1 if kernel[0, 0, 0, 0] < 0 else -1
    layers = list(small_model.layers)
    layers[2] = dataclasses.replace(layers[2], kernel=kernel)
    got = TflmModel(tflite.to_tflite(dataclasses.replace(small_model, layers=tuple(layers)))).run_layers(codes)
    different = [
        layer.name
        for layer, expected in interpreter.run_layers(small_model, codes, "double")
        if not np.array_equal(got[layer.name], expected)
    ]
    assert different[0] == "layer2_conv2d"


def test_a_wrong_input_and_a_wrong_file_are_named(small_model: IntegerModel) -> None:
    tflm = TflmModel(tflite.to_tflite(small_model))
    with pytest.raises(ValueError, match=r"input float64 \(2, 12, 6, 1\), expected int8 \(n, 12, 6, 1\)"):
        tflm.run(np.zeros((2, 12, 6, 1)))
    with pytest.raises(ValueError, match="expected int8"):
        tflm.run_layers(np.zeros((2, 6, 12, 1), np.int8))
    assert tflm.run(np.zeros((0, 12, 6, 1), np.int8)).shape == (0, 3)
    with pytest.raises(ValueError, match=r"not a \.tflite file"):
        TflmModel(b"nothing of the kind")
