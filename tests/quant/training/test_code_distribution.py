"""Statistics of weight codes."""

import networks
import numpy as np
import pytest

from quant.folding import keras_chain
from quant.formats.calibration import calibrate
from quant.method import Method
from quant.qformat import QFormat
from quant.training import code_distribution, fixed_point_graph


def test_entropy_of_even_and_single_codes() -> None:
    assert code_distribution.code_entropy(np.arange(16).repeat(5)) == pytest.approx(4)
    assert code_distribution.code_entropy(np.zeros(7)) == 0


def test_kurtosis_of_known_distributions() -> None:
    rng = np.random.default_rng(0)
    assert code_distribution.kurtosis(rng.normal(size=200_000)) == pytest.approx(3, abs=0.05)
    assert code_distribution.kurtosis(rng.uniform(size=200_000)) == pytest.approx(1.8, abs=0.02)
    assert code_distribution.kurtosis(np.ones(4)) == 0


def test_every_weighted_layer_is_described() -> None:
    layers = keras_chain.fold(networks.small())
    names = [layer.name for layer in layers]
    features = networks.inputs(1).astype(np.float32) / 32
    method = Method(squash=True)
    widths = dict.fromkeys(names, 4)
    layers, formats = calibrate(layers, features, QFormat(8, 5), widths, {**widths, "logits": 8}, method)
    found = code_distribution.describe(
        fixed_point_graph.fixed_point_model(layers, formats, networks.INPUT_SHAPE, method)
    )
    assert list(found) == [name for name in names if name != "pool"]
    for row in found.values():
        assert 0 < row.code_entropy <= 4
        assert 0 <= row.grid_distance <= 0.5
