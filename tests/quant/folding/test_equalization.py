"""Equalization leaves the function unchanged and balances the ranges."""

import dataclasses
import itertools

import networks
import numpy as np
import pytest
import tensorflow as tf

from quant.folding import equalization, float_graph, keras_chain
from quant.folding.layers import weighted_layers


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    return networks.small()


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return networks.inputs(1).astype(np.float32) / 32


def test_equalization_keeps_the_function_and_balances_ranges(model: tf.keras.Model, features: np.ndarray) -> None:
    layers = keras_chain.fold(model)
    equal = equalization.equalize(layers)
    np.testing.assert_allclose(
        float_graph.float_model(equal, networks.INPUT_SHAPE)(features), model(features), atol=2e-5
    )
    imbalance = []
    for stage in (layers, equal):
        weighted = weighted_layers(stage)
        ratios = [
            np.log(equalization.output_ranges(this) / equalization.input_ranges(following))
            for this, following in itertools.pairwise(weighted)
        ]
        imbalance.append(max(np.abs(ratio).max() for ratio in ratios))
    assert imbalance[1] < 0.05 < imbalance[0]


def test_a_dead_channel_keeps_its_scale(model: tf.keras.Model) -> None:
    layers = list(keras_chain.fold(model))
    dead = layers[0].kernel.copy()
    dead[..., 2] = 0
    layers[0] = dataclasses.replace(layers[0], kernel=dead)
    equal = equalization.equalize(tuple(layers))
    assert all(np.isfinite(layer.kernel).all() for layer in weighted_layers(equal))
    np.testing.assert_array_equal(equal[0].kernel[..., 2], 0)
