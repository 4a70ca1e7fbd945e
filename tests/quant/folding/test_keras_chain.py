"""Folding leaves the function unchanged."""

import networks
import numpy as np
import pytest
import tensorflow as tf

from quant.folding import float_graph, keras_chain
from quant.folding.layers import pool_shift


def test_folding_keeps_the_function(model: tf.keras.Model, features: np.ndarray) -> None:
    folded = float_graph.float_model(keras_chain.fold(model), networks.INPUT_SHAPE)
    np.testing.assert_allclose(folded(features), model(features), atol=2e-5)


def test_pooling_moves_its_ratio_into_the_dense_layer(model: tf.keras.Model) -> None:
    layers = {layer.name: layer for layer in keras_chain.fold(model)}
    assert layers["pool"].shift == 4  # 3 x 3 = 9 positions, 16 the power of two above
    dense = model.get_layer("logits").kernel.numpy()
    np.testing.assert_allclose(layers["logits"].kernel, dense * 16 / 9, rtol=1e-6)


@pytest.mark.parametrize(("positions", "shift"), [(1, 0), (2, 1), (64, 6), (65, 7), (125, 7), (128, 7)])
def test_pool_shift(positions: int, shift: int) -> None:
    assert pool_shift(positions) == shift
