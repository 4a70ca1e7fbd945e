"""Stage 1 from a bundle: the new network computes what the bundle's does, and learns its last layer first."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from export.bundle import folder as bundles
from export.model import float_model
from kws.models import MODELS
from kws.training.training_error import TrainingError
from kws.training.transfer import bundle_start
from quant.qformat import dequantize

BUNDLE = pathlib.Path(__file__).resolve().parents[4] / "models" / "w4a4"
POSITIONS = 25 * 5


@pytest.fixture(scope="module")
def bundle() -> bundles.Bundle:
    return bundles.load(BUNDLE)


@pytest.fixture(scope="module")
def features(bundle: bundles.Bundle) -> np.ndarray:
    return dequantize(bundle.golden.features[:64], bundle.model.input_format)


@pytest.fixture(scope="module")
def network(bundle: bundles.Bundle, features: np.ndarray) -> tf.keras.Model:
    """The bundle's layers, and its last one, too, whose kernel carries the ratio of a sum that is shifted."""
    model = MODELS["ds_cnn_mlperf"].build(features.shape[1:], len(bundle.labels), 0)
    start = bundle_start.read(BUNDLE, "ds_cnn_mlperf")
    bundle_start.take(start, model, features)
    kernel = start.weights["logits.kernel"] * POSITIONS / 128
    model.get_layer("logits").set_weights([kernel, start.weights["logits.bias"]])
    return model


@pytest.mark.slow
def test_the_network_computes_what_the_bundles_float_model_does(
    bundle: bundles.Bundle, features: np.ndarray, network: tf.keras.Model
) -> None:
    expected = float_model.run(bundle.float_model, bundle.golden.features[:64])
    np.testing.assert_allclose(network(features).numpy(), expected, atol=2e-3)
    # On the examples that it was measured on, a batch's own mean and variance are these.
    np.testing.assert_allclose(network(features, training=True).numpy(), expected, atol=2e-2)


@pytest.mark.slow
def test_the_last_layer_alone_learns_while_the_others_are_frozen(network: tf.keras.Model) -> None:
    every = len(network.trainable_variables)
    bundle_start.freeze(network, frozen=True)
    assert [variable.name.split("/")[0] for variable in network.trainable_variables] == ["logits", "logits"]
    bundle_start.freeze(network, frozen=False)
    assert len(network.trainable_variables) == every > 2


def test_what_cannot_be_started_from_is_one_line(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TrainingError, match=r"^init=.*nowhere can't be started from: bundle=.* is not a folder"):
        bundle_start.read(tmp_path / "nowhere", "ds_cnn_mlperf")
    for model in ("ds_cnn_l", "ds_cnn_m"):
        wrong = f"is of another architecture than model={model}: give model=ds_cnn_mlperf$"
        with pytest.raises(TrainingError, match=wrong):
            bundle_start.read(BUNDLE, model)
    with pytest.raises(TrainingError, match=r"model=ds_cnn_mlperf: give model=ds_cnn_m$"):
        bundle_start.read(BUNDLE.parent / "ds_cnn_m_w8a8", "ds_cnn_mlperf")
    start = dataclasses.replace(bundle_start.read(BUNDLE, "ds_cnn_mlperf"), weights={"conv0.kernel": np.zeros((3, 3))})
    with pytest.raises(TrainingError, match=r"its layer conv0 has a kernel \(3, 3\), expected \(10, 4, 1, 64\)$"):
        bundle_start.take(start, MODELS["ds_cnn_s"].build((49, 10, 1), 12, 0), np.zeros((1, 49, 10, 1), np.float32))
