"""Losses of single layers, against networks in which that layer alone is quantized."""

import dataclasses

import numpy as np
import pytest
import small_network

from kws.bits import sensitivity
from kws.bits.networks import Widths
from quant.folding.float_graph import float_model
from quant.folding.layers import weighted_layers, with_weighted


def kl(logits: np.ndarray, others: np.ndarray) -> float:
    """By its definition."""
    p, q = (
        np.exp(each.astype(np.float64)) / np.exp(each.astype(np.float64)).sum(1, keepdims=True)
        for each in (logits, others)
    )
    return float(np.mean(np.sum(p * np.log(p / q), axis=1)))


def test_weights_alone_are_quantized() -> None:
    networks, features = small_network.networks(), small_network.features(2, 150)
    found = sensitivity.measure(networks, features)
    exact = sensitivity.float_logits(networks, features)
    for index, layer in enumerate(weighted_layers(networks.layers)):
        for bits in networks.bits:
            layers = weighted_layers(networks.layers)
            kernel = sensitivity.on_grid(layer.kernel, networks.weights[layer.name, bits])
            layers[index] = dataclasses.replace(layer, kernel=kernel)
            other = float_model(with_weighted(networks.layers, layers), small_network.SHAPE)
            expected = kl(exact, other.predict(features, verbose=0))
            assert found.weights[layer.name, bits] == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_outputs_alone_are_quantized() -> None:
    import tensorflow as tf

    networks, features = small_network.networks(), small_network.features(2, 150)
    found = sensitivity.measure(networks, features)
    model = float_model(networks.layers, small_network.SHAPE)
    exact = model.predict(features, verbose=0)
    for name in networks.names[:-1]:
        place = [layer.name for layer in model.layers].index(name)
        seen = tf.keras.Model(model.input, model.layers[place].output).predict(features, verbose=0)
        for bits in networks.bits:
            values = sensitivity.on_grid(seen, networks.outputs[bits][name])
            for layer in model.layers[place + 1 :]:
                values = layer(values)
            expected = kl(exact, np.asarray(values))
            assert found.outputs[name, bits] == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert (networks.names[-1], 4) not in found.outputs


def test_losses_add_up() -> None:
    weights = {("a", 4): 1.0, ("a", 8): 2.0, ("b", 4): 4.0, ("b", 8): 8.0}
    found = sensitivity.Sensitivity(weights, {("a", 2): 16.0, ("a", 8): 32.0})
    assert found.total(["a", "b"], Widths((4, 8), (2, 8))) == 1 + 8 + 16
    assert found.to_json()["outputs"] == {"a": {"2": 16.0, "8": 32.0}}
