"""Folding and equalization leave the function unchanged."""

import dataclasses
import itertools

import networks
import numpy as np
import pytest
import tensorflow as tf

from quant import apply, equalize, fold


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    return networks.small()


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return networks.inputs(1).astype(np.float32) / 32


def test_folding_keeps_the_function(model: tf.keras.Model, features: np.ndarray) -> None:
    folded = apply.float_model(fold.fold(model), networks.INPUT_SHAPE)
    np.testing.assert_allclose(folded(features), model(features), atol=2e-5)


def test_equalization_keeps_the_function_and_balances_ranges(model: tf.keras.Model, features: np.ndarray) -> None:
    layers = fold.fold(model)
    equal = equalize.equalize(layers)
    np.testing.assert_allclose(apply.float_model(equal, networks.INPUT_SHAPE)(features), model(features), atol=2e-5)
    imbalance = []
    for stage in (layers, equal):
        weighted = [layer for layer in stage if layer.op != fold.AVERAGE_POOL]
        ratios = [
            np.log(equalize.output_ranges(this) / equalize.input_ranges(following))
            for this, following in itertools.pairwise(weighted)
        ]
        imbalance.append(max(np.abs(ratio).max() for ratio in ratios))
    assert imbalance[1] < 0.05 < imbalance[0]


def test_a_dead_channel_keeps_its_scale(model: tf.keras.Model) -> None:
    layers = list(fold.fold(model))
    dead = layers[0].kernel.copy()
    dead[..., 2] = 0
    layers[0] = dataclasses.replace(layers[0], kernel=dead)
    equal = equalize.equalize(tuple(layers))
    assert all(np.isfinite(layer.kernel).all() for layer in equal if layer.kernel is not None)
    np.testing.assert_array_equal(equal[0].kernel[..., 2], 0)


def test_pooling_moves_its_ratio_into_the_dense_layer(model: tf.keras.Model) -> None:
    layers = {layer.name: layer for layer in fold.fold(model)}
    assert layers["pool"].pool_shift == 4  # 3 x 3 = 9 positions, 16 the power of two above
    dense = model.get_layer("logits").kernel.numpy()
    np.testing.assert_allclose(layers["logits"].kernel, dense * 16 / 9, rtol=1e-6)


@pytest.mark.parametrize(("positions", "shift"), [(1, 0), (2, 1), (64, 6), (65, 7), (125, 7), (128, 7)])
def test_pool_shift(positions: int, shift: int) -> None:
    assert fold.pool_shift(positions) == shift


def test_what_can_not_be_folded_is_named() -> None:
    x = tf.keras.Input((4, 4, 2))
    strange = tf.keras.Model(x, tf.keras.layers.Softmax(name="odd")(x))
    with pytest.raises(ValueError, match="odd: Softmax"):
        fold.fold(strange)
    valid = tf.keras.Model(x, tf.keras.layers.Conv2D(3, 3, padding="valid", name="narrow")(x))
    with pytest.raises(ValueError, match="narrow: padding='valid'"):
        fold.fold(valid)
    pooled = tf.keras.Model(x, tf.keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(ValueError, match="must be followed by a dense layer"):
        fold.fold(pooled)
    odd = tf.keras.Model(x, tf.keras.layers.BatchNormalization(name="first")(x))
    with pytest.raises(ValueError, match="first: batch normalization must follow"):
        fold.fold(odd)
