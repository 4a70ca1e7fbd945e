"""The fixed-point Keras graph: on its grids, trainable, saved and loaded, equal to the exact interpreter."""

import dataclasses
import pathlib

import networks
import numpy as np
import pytest
import tensorflow as tf

from export.model import accumulator, interpreter, lower
from quant.folding import equalization, keras_chain
from quant.formats.calibration import calibrate
from quant.formats.network_formats import Formats
from quant.method import Method
from quant.qformat import QFormat
from quant.training import fixed_point_graph, model_file, trained_network, wrappers

INPUT = QFormat(8, 5)
LABELS = tuple(f"label{i}" for i in range(networks.CLASSES))


def build(weight_bits: int, activation_bits: int, method: Method | None = None) -> tuple[tf.keras.Model, Formats]:
    method = method or Method()
    layers = equalization.equalize(keras_chain.fold(networks.small()))
    features = networks.inputs(1).astype(np.float32) / 32
    names = [layer.name for layer in layers]
    widths = {**dict.fromkeys(names, activation_bits), "logits": 8}
    layers, formats = calibrate(layers, features, INPUT, dict.fromkeys(names, weight_bits), widths, method)
    return fixed_point_graph.fixed_point_model(layers, formats, networks.INPUT_SHAPE, method), formats


METHODS = {
    "squash": Method(squash=True, deviation=0.1),
    "cosine": Method(cosine=0.01),
    "both": Method(squash=True, cosine=0.01),
    "accumulators": Method(accumulator_bits=14),
    "squashed accumulators": Method(squash=True, accumulator_bits=14),
    "uniform": Method(qformat="uniform"),
    "uniform accumulators": Method(qformat="uniform", accumulator_bits=16),
    "one shift": Method(qformat="uniform_shift"),
    "one shift, accumulators": Method(qformat="uniform_shift", accumulator_bits=16),
}
CASES = [(bits, Method()) for bits in [(8, 8), (4, 8), (4, 4), (3, 4), (2, 8), (2, 2)]]
CASES += [((4, 8), method) for method in METHODS.values()]


@pytest.mark.parametrize(("bits", "method"), CASES)
def test_every_layer_equals_the_interpreter(bits: tuple[int, int], method: Method) -> None:
    model, _ = build(*bits, method)
    lowered = lower.lower(model, "small", LABELS)
    codes = networks.inputs(2, 200)
    outputs = trained_network.layer_outputs(model)(codes.astype(np.float32) / 32)
    for layer, expected in interpreter.run_layers(lowered, codes):
        found = outputs[layer.name].reshape(expected.shape) * 2.0**layer.output_format.fraction_bits
        np.testing.assert_array_equal(found, expected, err_msg=layer.name)


def test_widths_are_those_asked_for() -> None:
    _, formats = build(4, 4)
    assert {f.weights.bits for f in formats.layers.values() if f.weights} == {4}
    assert formats.layers["conv0"].output.bits == 4
    assert formats.layers["logits"].output == QFormat(8, formats.layers["logits"].output.fraction_bits)
    pooled, before = formats.layers["pool"].output, formats.layers["pointwise2"].output
    assert (pooled.bits, pooled.signed) == (7, False)
    assert pooled.fraction_bits > before.fraction_bits


def test_a_saved_model_is_the_same_model(tmp_path: pathlib.Path) -> None:
    model, _ = build(4, 8)
    model_file.save_model(model, tmp_path / "model.h5")
    again = model_file.load_model(tmp_path / "model.h5")
    first, second = lower.lower(model, "small", LABELS), lower.lower(again, "small", LABELS)
    assert first.sha256 == second.sha256


def test_training_moves_the_codes_and_lowers_the_loss() -> None:
    model, _ = build(4, 4)
    before = lower.lower(model, "small", LABELS)
    features = tf.constant(networks.inputs(3, 64).astype(np.float32) / 32)
    targets = tf.constant(np.arange(64) % networks.CLASSES)
    optimizer = tf.keras.optimizers.Adam(5e-3)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = []
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(features, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        assert all(gradient is not None for gradient in gradients)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    assert lower.lower(model, "small", LABELS).sha256 != before.sha256


def test_only_this_projects_variables_are_trained() -> None:
    model, _ = build(8, 8)
    weighted = [w for w in wrappers.wrapped_layers(model) if wrappers.has_weights(w)]
    found = [wrappers.variables_of(w) for w in weighted]
    expected = {id(variable) for variables in found for variable in (variables.kernel, variables.bias)}
    assert {id(variable) for variable in model.trainable_variables} == expected
    assert len(expected) == 2 * len(weighted)
    assert all(variables.octaves is None for variables in found)


@pytest.mark.parametrize("name", METHODS)
def test_every_part_of_the_method_trains_and_survives_saving(name: str, tmp_path: pathlib.Path) -> None:
    model, _ = build(4, 8, METHODS[name])
    features = tf.constant(networks.inputs(3, 16).astype(np.float32) / 32)
    optimizer = tf.keras.optimizers.Adam(1e-2)
    before = lower.lower(model, "small", LABELS)
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(features, training=True) - 1)) + sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    trained = lower.lower(model, "small", LABELS)
    assert trained.sha256 != before.sha256
    assert {layer.accumulator_bits for layer in trained.layers if layer.macs} == {METHODS[name].accumulator_bits}
    model_file.save_model(model, tmp_path / "model.h5")
    assert lower.lower(model_file.load_model(tmp_path / "model.h5"), "small", LABELS).sha256 == trained.sha256


def test_uniform_formats_give_every_layer_the_same_shift() -> None:
    model, formats = build(4, 8, METHODS["uniform"])
    lowered = lower.lower(model, "small", LABELS)
    assert len({layer.shift for layer in lowered.layers if layer.macs}) == 1
    assert len({f.weights for f in formats.layers.values() if f.weights}) == 1


def test_a_bias_beyond_what_training_holds_exactly_is_refused() -> None:
    model, _ = build(8, 8)
    bias = wrappers.variables_of(wrappers.wrapped_layers(model)[0]).bias
    bias.assign(tf.fill(bias.shape, 1e6))
    with pytest.raises(ValueError, match=r"conv0: code .* beyond what float32"):
        lower.lower(model, "small", LABELS)


def test_an_accumulator_that_can_overflow_is_refused() -> None:
    model, _ = build(8, 8)
    narrow = lower.lower(model, "small", LABELS)
    narrow = dataclasses.replace(
        narrow, layers=tuple(dataclasses.replace(layer, accumulator_bits=12) for layer in narrow.layers)
    )
    with pytest.raises(ValueError, match=r"layer \w+, channel \d+: the accumulator can reach \d+, \d+ more than 12"):
        accumulator.prove(narrow)


def test_the_cosine_ramp_scales_the_regularization() -> None:
    model, _ = build(4, 8, METHODS["cosine"])
    full = float(sum(model.losses))
    trained_network.set_cosine_ramp(model, 0.5)
    assert float(sum(model.losses)) == pytest.approx(full / 2)
    trained_network.set_cosine_ramp(model, 0.0)
    assert float(sum(model.losses)) == 0
