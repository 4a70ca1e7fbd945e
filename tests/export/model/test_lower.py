"""A user's own Keras chain, folded and lowered: every implementation gives the interpreter's codes."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

import quant
from export.host.engine import CEngine
from export.model import interpreter, lower
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from export.plan import FAST, PORTABLE, SMALL
from export.source import model_source

Layers = tf.keras.layers
INPUT = quant.QFormat(8, 5)
LABELS = ("yes", "no", "other")
SHAPE = (23, 14, 1)


@pytest.fixture(scope="module")
def own() -> tf.keras.Model:
    """A network without padding, whose layers have names that are no identifiers."""
    x = inputs = tf.keras.Input(SHAPE)
    x = Layers.Conv2D(8, (4, 3), kernel_initializer="zeros", use_bias=False, name="conv.a-b")(x)
    x = Layers.ReLU()(Layers.BatchNormalization(scale=False, center=False)(x))
    x = Layers.DepthwiseConv2D((3, 3), activation="relu", depthwise_initializer="zeros", name="1x1")(x)
    x = Layers.Conv2D(16, (1, 1), activation="relu", kernel_initializer="zeros", name="features")(x)
    x = Layers.DepthwiseConv2D((2, 4), activation="relu", depthwise_initializer="zeros")(x)
    x = Layers.Dense(len(LABELS), kernel_initializer="zeros")(Layers.GlobalAveragePooling2D()(x))
    model = tf.keras.Model(inputs, x)
    rng = np.random.default_rng(1)
    for variable in model.weights:
        values = rng.normal(0, 0.3, variable.shape)
        variable.assign(np.abs(values) if "variance" in variable.name else values)
    return model


def codes_of(seed: int, count: int) -> np.ndarray:
    """Feature codes int8 [count, *SHAPE]."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *SHAPE), dtype=np.int8)


def fixed_point(model: tf.keras.Model, weight_bits: int, activation_bits: int) -> tf.keras.Model:
    layers = quant.equalize(quant.fold(model))
    names = [layer.name for layer in layers]
    widths = {**dict.fromkeys(names, activation_bits), names[-1]: 8}
    features = quant.dequantize(codes_of(0, 64), INPUT)
    method = quant.Method()
    network = quant.calibrate(layers, features, INPUT, dict.fromkeys(names, weight_bits), widths, method)
    return quant.fixed_point_model(network.layers, network.formats, SHAPE, method)


def lowered(graph: tf.keras.Model) -> IntegerModel:
    return lower.lower(graph, "own", LABELS)


@pytest.mark.parametrize(("weight_bits", "activation_bits", "profile"), [(8, 8, FAST), (4, 4, SMALL), (2, 8, PORTABLE)])
def test_a_network_without_padding_has_the_same_codes_everywhere(
    own: tf.keras.Model, weight_bits: int, activation_bits: int, profile: str, tmp_path: pathlib.Path
) -> None:
    graph = fixed_point(own, weight_bits, activation_bits)
    model = lowered(graph)
    assert {layer.padding for layer in model.layers} == {((0, 0), (0, 0))}
    codes = codes_of(2, 40)
    outputs = quant.layer_outputs(graph)(quant.dequantize(codes, INPUT))
    for layer, expected in interpreter.run_layers(model, codes):
        found = outputs[layer.name].reshape(expected.shape) / layer.output_format.lsb
        np.testing.assert_array_equal(found, expected, err_msg=layer.name)
    for name, text in model_source.with_plan(model, profile).items():
        (tmp_path / name).write_text(text)
    with CEngine.build(tmp_path) as engine:
        np.testing.assert_array_equal(engine.run(codes).reshape(len(codes), -1), interpreter.run(model, codes))


def test_a_stream_of_a_network_without_padding_is_the_network_on_each_window(own: tf.keras.Model) -> None:
    model = lowered(fixed_point(own, 8, 8))
    stream = StreamInterpreter(model)
    frames = np.random.default_rng(3).integers(-128, 128, (60, stream.frame_codes), dtype=np.int8)
    logits = stream.run(frames)
    assert stream.delay_frames == 0
    windows = [step for step in range(len(logits)) if stream.window_start(step) >= 0]
    assert len(windows) == 60 - SHAPE[0] + 1
    codes = np.stack([frames[stream.window_start(step) :][: SHAPE[0]] for step in windows]).reshape(-1, *SHAPE)
    np.testing.assert_array_equal(logits[windows], interpreter.run(model, codes))


def test_names_are_identifiers(own: tf.keras.Model) -> None:
    names = [layer.name for layer in lowered(fixed_point(own, 8, 8)).layers]
    assert names[:3] == ["conv_a_b", "layer_1x1", "features_1"]
