"""Learned Q-formats: values, gradients, what training does to a format, and the frozen model's parity."""

import networks
import numpy as np
import pytest
import tensorflow as tf

from export.model import interpreter, lower
from quant import qformat
from quant.folding import equalization, keras_chain
from quant.folding.layers import FoldedLayer
from quant.formats import least_error
from quant.formats.calibration import calibrate
from quant.formats.network_formats import Formats, LayerFormats
from quant.method import Method
from quant.qformat import QFormat, activation_format, weight_format
from quant.training import fixed_point_graph, learned_thresholds, trained_network, wrappers

INPUT = QFormat(8, 5)
LABELS = tuple(f"label{i}" for i in range(networks.CLASSES))
LEARNING = Method(learn_formats=True)


@pytest.mark.parametrize("exponent", [-126, -13, -1, 0, 1, 5, 127])
def test_powers_of_two_are_exact(exponent: int) -> None:
    assert float(learned_thresholds.power_of_two(tf.constant(float(exponent)))) == 2.0**exponent


@pytest.mark.parametrize("q", [QFormat(8, 5), activation_format(4, 2, relu=True)])
def test_at_zero_it_is_the_format_it_starts_from(q: QFormat) -> None:
    values = tf.constant(np.random.default_rng(0).normal(0, 4, (40, 5)), tf.float32)
    learned = learned_thresholds.learned_fake_quantize(values, tf.constant(0.0), q)
    np.testing.assert_array_equal(learned, qformat.fake_quantize(values, q))
    coarser = qformat.fake_quantize(values, QFormat(q.bits, q.fraction_bits - 2, q.signed))
    np.testing.assert_array_equal(
        learned_thresholds.learned_fake_quantize(values, tf.constant(2 / learned_thresholds.RATE), q), coarser
    )


def test_gradients_are_those_of_the_source() -> None:
    q = activation_format(3, 1, relu=True)
    # Inside, rounded down; inside, rounded up; saturated; zero.
    values, variable = tf.constant([1.1, 1.4, 9.0, 0.0]), tf.constant(0.0)
    for index, (by_value, in_lsb) in enumerate([(1, 2 - 2.2), (1, 3 - 2.8), (0, 7), (1, 0)]):
        with tf.GradientTape() as tape:
            tape.watch([values, variable])
            quantized = learned_thresholds.learned_fake_quantize(values, variable, q)[index]
        values_gradient, variable_gradient = tape.gradient(quantized, [values, variable])
        assert values_gradient.numpy()[index] == by_value
        assert float(variable_gradient) == pytest.approx(learned_thresholds.RATE * np.log(2) * 0.5 * in_lsb, abs=1e-6)


@pytest.mark.parametrize("start", [7, 0])
def test_the_squared_error_leads_to_its_best_format_or_next_to_it(start: int) -> None:
    q = activation_format(4, start, relu=True)
    values = tf.constant(np.abs(np.random.default_rng(0).normal(0, 0.7, 1000)), tf.float32)
    variable = tf.Variable(0.0)
    optimizer = tf.keras.optimizers.Adam(2e-2)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(learned_thresholds.learned_fake_quantize(values, variable, q) - values))
        optimizer.apply_gradients([(tape.gradient(loss, variable), variable)])

    optimizer.build([variable])
    for _ in range(120):
        step()
    # Training swings about the boundary between two formats, which is what freezing is for.
    found = start - int(learned_thresholds.rounded_octaves(variable))
    assert abs(found - least_error.best_fraction_bits(values.numpy(), q)) <= 1


def network(method: Method) -> tuple[tf.keras.Model, tuple[FoldedLayer, ...], Formats]:
    layers = equalization.equalize(keras_chain.fold(networks.small()))
    features = networks.inputs(1).astype(np.float32) / 32
    names = [layer.name for layer in layers]
    widths = {**dict.fromkeys(names, 4), "logits": 8}
    layers, chosen = calibrate(layers, features, INPUT, dict.fromkeys(names, 4), widths, method)
    return fixed_point_graph.fixed_point_model(layers, chosen, networks.INPUT_SHAPE, method), layers, chosen


@pytest.mark.parametrize("squash", [False, True])
def test_a_frozen_model_has_the_learned_formats_and_equals_the_interpreter(squash: bool) -> None:
    method = Method(learn_formats=True, squash=squash)
    model, layers, start = network(method)
    features = tf.constant(networks.inputs(3, 32).astype(np.float32) / 32)
    optimizer = tf.keras.optimizers.Adam(2e-2)
    outputs_move = []
    for _ in range(12):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(features, training=True) - 8))
        gradients = tape.gradient(loss, model.trainable_variables)
        assert all(gradient is not None for gradient in gradients)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        outputs_move.append(trained_network.learned_formats(model, start) != start)
    assert outputs_move[-1]
    learned = trained_network.learned_formats(model, start)
    frozen_layers = trained_network.folded_layers(model, layers)
    frozen = fixed_point_graph.fixed_point_model(frozen_layers, learned, networks.INPUT_SHAPE, Method(squash=squash))
    lowered = lower.lower(frozen, "small", LABELS)
    found = {layer.name: layer.output_format for layer in lowered.layers}
    assert found == {name: layer.output for name, layer in learned.layers.items()}
    finer = [
        f["pool"].output.fraction_bits - f["pointwise2"].output.fraction_bits for f in (start.layers, learned.layers)
    ]
    assert finer[0] == finer[1] > 0 and found["pool"].bits == 7
    codes = networks.inputs(2, 100)
    outputs = trained_network.layer_outputs(frozen)(codes.astype(np.float32) / 32)
    for layer, expected in interpreter.run_layers(lowered, codes):
        real = outputs[layer.name].reshape(expected.shape) * 2.0**layer.output_format.fraction_bits
        np.testing.assert_array_equal(real, expected, err_msg=layer.name)
    # The graph that learned gives the same values, its biases' grid aside.
    learning = trained_network.layer_outputs(model)(codes.astype(np.float32) / 32)
    for name, step_of in (("conv0", "conv0"), ("pool", "pointwise2")):
        difference = np.abs(learning[name] - outputs[name]) / learned.layers[step_of].output.lsb
        assert (difference > 0.5).mean() < 0.02, name


def test_pooling_follows_the_layer_before_it() -> None:
    model, _, start = network(LEARNING)
    by_name = {wrapper.layer.name: wrapper for wrapper in wrappers.wrapped_layers(model)}
    wrappers.variables_of(by_name["pointwise2"]).octaves.assign(2 / learned_thresholds.RATE)
    lsb = start.layers["pool"].output.lsb * 4
    pooled = trained_network.layer_outputs(model)(networks.inputs(2).astype(np.float32) / 32)["pool"] / lsb
    np.testing.assert_array_equal(pooled, np.rint(pooled))
    assert pooled.max() >= 1
    assert not wrappers.has_weights(by_name["pool"])


def test_an_output_is_never_finer_than_its_accumulator() -> None:
    weights, relu = weight_format(4, 3), activation_format(4, 4, relu=True)
    start = Formats(INPUT, {"a": LayerFormats(weights, relu), "pool": LayerFormats(None, relu)})
    learned = learned_thresholds.learned_formats(start, {"a": -9.0})
    assert learned.layers["a"].output.fraction_bits == learned.layers["pool"].output.fraction_bits == 3 + 5
    assert learned_thresholds.learned_formats(start, {"a": 1.0}).layers["a"].output.fraction_bits == 3
    assert learned_thresholds.learned_formats(start, {}) == start


def test_uniform_formats_are_not_learned() -> None:
    with pytest.raises(ValueError, match="learn_formats gives each layer its own format"):
        Method(learn_formats=True, qformat="uniform")
