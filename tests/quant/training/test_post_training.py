"""From a float Keras model to fixed point in one call."""

import networks
import numpy as np
import pytest

import quant
from quant.training import wrappers

FEATURES = networks.inputs(2, 64).astype(np.float32) / 32


def widths(model) -> tuple[list[int], list[int]]:
    """Of weights and of outputs, layer by layer."""
    configs = [wrapper.quantize_config for wrapper in wrappers.wrapped_layers(model)]
    weights = [config.kernel.q.bits for config in configs if hasattr(config, "kernel")]
    return weights, [config.output.q.bits for config in configs]


def test_it_is_folded_equalized_calibrated_and_in_fixed_point() -> None:
    model = networks.small()
    found = quant.post_training_model(model, FEATURES, 4, 6)
    layers = quant.equalize(quant.fold(model))
    names = [layer.name for layer in layers]
    bits = {**dict.fromkeys(names, 6), names[-1]: 8}
    x = quant.input_format(FEATURES)
    network = quant.calibrate(layers, FEATURES, x, dict.fromkeys(names, 4), bits, quant.Method())
    expected = quant.fixed_point_model(*network, networks.INPUT_SHAPE, quant.Method())
    np.testing.assert_array_equal(found(FEATURES), expected(FEATURES))
    assert x == quant.QFormat(8, 5), "the grid that the features lie on"


def test_8_bits_follow_the_float_model() -> None:
    model = networks.small()
    found = quant.post_training_model(model, FEATURES)(FEATURES).numpy()
    logits = model(FEATURES).numpy()
    assert np.abs(found - logits).max() < 0.1 * np.abs(logits).max()


def test_each_layer_has_its_width_and_logits_have_8_bits() -> None:
    layers = len(quant.fold(networks.small())) - 1
    given = [8, 7, 6, 5, 4, 3][:layers]
    weights, outputs = widths(quant.post_training_model(networks.small(), FEATURES, given, given))
    assert weights == given
    assert outputs == [min(bits, 7) for bits in given[:-1]] + [7, 8], "7 of 8 bits after ReLU, pooling among them"


def test_without_equalization_and_with_bounded_accumulators() -> None:
    method = quant.Method(equalize=False, accumulator_bits=16)
    model = quant.post_training_model(networks.small(), FEATURES, 4, 8, method)
    assert {wrapper.quantize_config.accumulator_bits for wrapper in wrappers.wrapped_layers(model)[:-2]} == {16}


def test_integers_are_features_too() -> None:
    codes = networks.inputs(2, 64)
    float_ones = quant.post_training_model(networks.small(), codes.astype(np.float64))
    x = codes.astype(np.float32)
    np.testing.assert_array_equal(quant.post_training_model(networks.small(), codes)(x), float_ones(x))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (FEATURES[0], r"features of shape \(11, 6, 1\), expected \(n, 11, 6, 1\) with n of 1 or more"),
        (FEATURES[:, :5], r"features of shape \(64, 5, 6, 1\), expected \(n, 11, 6, 1\)"),
        (FEATURES[:0], "with n of 1 or more"),
        (FEATURES.astype(np.complex64), "features of complex64, expected floats or integers"),
        (FEATURES.astype("U4"), "features of <U4"),
        (
            np.where(FEATURES.max() == FEATURES, np.nan, FEATURES),
            r"features\[\d+, \d+, \d+, 0\] is nan, expected",
        ),
        (FEATURES.astype(np.float64) * 1e300, r"features\[.*\] is -?\d.*e\+300, expected finite numbers"),
    ],
)
def test_wrong_features_are_named(features: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quant.post_training_model(networks.small(), features)


def test_wrong_widths_are_named() -> None:
    with pytest.raises(ValueError, match=r"weight_bits=4,4 gives 2 widths, expected one, or \d, one each for .*logits"):
        quant.post_training_model(networks.small(), FEATURES, (4, 4))
    with pytest.raises(ValueError, match="activation_bits=9: 9 is not a width from 2 to 8 bits"):
        quant.post_training_model(networks.small(), FEATURES, 4, 9)
