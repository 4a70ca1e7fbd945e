"""The float32 MFCC in TensorFlow is the float64 one within float32's precision, and so are the integers' codes."""

import numpy as np
import pytest
import tensorflow as tf
from signals import adversarial, speech_like

from kws.experiments.graph_frontend import difference
from kws.frontend import FrontEndConfig, calibrate, features, mfcc
from kws.frontend.float_mfcc import float_features
from kws.frontend.graph_mfcc import graph_features


@pytest.fixture(scope="module")
def config() -> FrontEndConfig:
    return calibrate(mfcc(speech_like(), FrontEndConfig()), FrontEndConfig())


def test_speech_is_within_a_thousandth_of_a_code_of_float64(config: FrontEndConfig) -> None:
    found = graph_features(tf.constant(speech_like()), config).numpy()
    assert (found.dtype, found.shape) == (np.float32, (40, 49, 10, 1))
    exact = float_features(speech_like(), config)
    assert 32 * np.abs(found - exact).max() < 1e-3
    measured = difference(found, features(speech_like(), config))
    assert measured["equal"] > 0.98
    assert 0.25 < measured["rms"] < 0.33
    assert measured["largest"] < 1


def test_any_signal_is_within_a_tenth_of_a_code_of_float64(config: FrontEndConfig) -> None:
    """Silence, full scale, square waves: bands of almost no power beside the loudest there is."""
    clips = adversarial()
    found = graph_features(tf.constant(clips), config).numpy()
    assert 32 * np.abs(found - float_features(clips, config)).max() < 0.1


def test_a_difference_is_told_in_codes() -> None:
    codes = np.array([10, -20, 127, -128], np.int8).reshape(1, 2, 2, 1)
    values = np.array([10.5, -20.0, 140.0, -128.2], np.float32).reshape(codes.shape) / 32
    found = difference(values, codes)
    assert found == {"rms": pytest.approx(0.5**0.5 / 2), "largest": 0.5, "equal": 0.75}


def test_an_uncalibrated_front_end_is_refused() -> None:
    with pytest.raises(ValueError, match="calibrate"):
        graph_features(tf.constant(speech_like()[:1]), FrontEndConfig())
