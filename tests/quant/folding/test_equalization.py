"""Equalization leaves the function unchanged and balances the ranges."""

import dataclasses
import itertools

import networks
import numpy as np
import tensorflow as tf

from quant.folding import equalization, float_graph, keras_chain
from quant.folding.layers import CONV2D, DENSE, DEPTHWISE_CONV2D, WeightedLayer, weighted_layers


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


def scales(out: list[float], into: list[float], relu: bool = True) -> np.ndarray:
    """What one sweep divides the channels between two layers by, of these largest weights on either side."""
    first = WeightedLayer("first", DENSE, np.array([out, np.negative(out) / 2]), np.ones(len(out)), relu=relu)
    second = WeightedLayer("second", DENSE, np.array([into, np.zeros(len(into))]).T, np.zeros(2))
    this, following = weighted_layers(equalization.equalize((first, second), sweeps=1))
    np.testing.assert_allclose(this.kernel * following.kernel[:, 0], first.kernel * second.kernel[:, 0])
    np.testing.assert_allclose(this.kernel, first.kernel * this.bias)
    return 1 / this.bias


def test_scales_make_both_sides_alike() -> None:
    np.testing.assert_allclose(scales([4, 1, 2], [1, 4, 2]), [2, 0.5, 1])
    np.testing.assert_array_equal(scales([4, 1, 2], [1, 4, 2], relu=False), 1)


def test_a_constant_channel_does_not_decide_the_output_s_format() -> None:
    kernel = np.array([[1.0, 1e-3], [0.5, -1e-3]])
    first = WeightedLayer("first", DENSE, kernel, np.array([0.1, 1.0]), relu=True)
    second = WeightedLayer("second", DENSE, np.array([[1.0], [2.0]]), np.zeros(1))
    this, following = weighted_layers(equalization.equalize((first, second)))
    np.testing.assert_allclose(this.kernel * following.kernel[:, 0], kernel * second.kernel[:, 0])
    assert abs(this.bias[1]) < 8 * np.abs(this.kernel).max()
    assert abs(this.bias[1]) / 8 == equalization.output_ranges(this)[1] > np.abs(this.kernel[:, 1]).max()


def test_a_channel_of_a_millionth_is_dead() -> None:
    np.testing.assert_array_equal(scales([1e-6, 0, 4, 4], [4, 4, 1e-6, 0]), 1)
    assert (scales([1.01e-6, 4], [4, 1.01e-6]) != 1).all()


def test_ranges_by_hand() -> None:
    conv = WeightedLayer("conv", CONV2D, np.array([[[[1, -5, 3], [-2, 4, 0]]]]), np.zeros(3))
    assert equalization.input_ranges(conv).tolist() == [5, 4]
    assert equalization.output_ranges(conv).tolist() == [2, 5, 3]
    depthwise = WeightedLayer("depthwise", DEPTHWISE_CONV2D, np.array([[[1, -5]], [[-3, 2]]]), np.zeros(2))
    assert equalization.input_ranges(depthwise).tolist() == equalization.output_ranges(depthwise).tolist() == [3, 5]
    dense = WeightedLayer("dense", DENSE, np.array([[1, -5], [-3, 2], [0, 0]]), np.zeros(2))
    assert equalization.input_ranges(dense).tolist() == [5, 3, 0]
    assert equalization.output_ranges(dense).tolist() == [3, 5]
