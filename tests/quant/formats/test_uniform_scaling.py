"""Uniform Q-formats: scaling keeps the function, one format for all."""

import networks
import numpy as np
import pytest

from quant.folding import equalization, float_graph, keras_chain
from quant.formats import uniform_scaling
from quant.formats.calibration import calibrate
from quant.formats.uniform_scaling import Scalable
from quant.method import Method
from quant.qformat import QFormat, activation_format, dequantize, quantize, weight_format
from quant.training import fixed_point_graph


@pytest.mark.parametrize("weight_bits", [8, 4])
def test_scaling_keeps_the_function_up_to_the_scale_of_the_logits(weight_bits: int) -> None:
    layers = equalization.equalize(keras_chain.fold(networks.small()))
    features = networks.inputs(1, 100).astype(np.float32) / 32
    names = [layer.name for layer in layers]
    widths = dict.fromkeys(names, 8)
    method = Method(qformat="uniform")
    scaled, formats = calibrate(layers, features, QFormat(8, 5), dict.fromkeys(names, weight_bits), widths, method)
    before = float_graph.float_model(layers, networks.INPUT_SHAPE)(features).numpy()
    after = float_graph.float_model(scaled, networks.INPUT_SHAPE)(features).numpy()
    ratio = float((after * before).sum() / (before * before).sum())
    assert ratio > 0
    np.testing.assert_allclose(after, before * ratio, rtol=1e-3, atol=1e-3 * np.abs(after).max())
    outputs = {formats.layers[name].output.fraction_bits for name in names}
    assert outputs == {5}
    fixed = fixed_point_graph.fixed_point_model(scaled, formats, networks.INPUT_SHAPE, method)(features).numpy()
    agreement = np.mean(fixed.argmax(axis=1) == before.argmax(axis=1))
    assert agreement > (0.9 if weight_bits == 8 else 0.6)


def test_outputs_are_sampled_as_from_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniform_scaling, "_SAMPLES", 50)
    rng = np.random.default_rng(0)
    whole = {
        "many": rng.normal(0, 1, (13, 4, 5)).astype(np.float32),
        "few": rng.normal(0, 1, (13, 2)).astype(np.float32),
    }
    batches = [{name: values[start : start + 3] for name, values in whole.items()} for start in range(0, 13, 3)]
    found = uniform_scaling.samples(list(whole), lambda: iter(batches))
    drawn = np.random.default_rng(0)
    for name, values in whole.items():
        expected = drawn.choice(values.ravel(), min(50, values.size), replace=False)
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == np.float32


def relative(values: np.ndarray, q: QFormat) -> float:
    """Mean squared error of quantizing, by the mean square."""
    return float(np.mean((dequantize(quantize(values, q), q) - values) ** 2) / np.mean(values**2))


def scalables(seed: int) -> list[Scalable]:
    """Three layers of other scales, widths and distributions."""
    rng = np.random.default_rng(seed)
    return [
        Scalable(rng.normal(0, 0.2, 50), np.abs(rng.normal(0, 3, 80)), 4, activation_format(4, 3, relu=True)),
        Scalable(rng.uniform(-2, 2, 60), np.abs(rng.normal(0, 1, 70)), 3, activation_format(5, 3, relu=True)),
        Scalable(rng.laplace(0, 0.7, 40), rng.normal(0, 9, 60), 4, QFormat(8, 3)),
    ]


def total_by_hand(layers: list[Scalable], alphas: np.ndarray, fraction_bits: int) -> float:
    found = 0.0
    before = 1.0
    for layer, alpha in zip(layers, alphas, strict=True):
        found += relative(layer.kernel * (alpha / before), weight_format(layer.weight_bits, fraction_bits))
        found += relative(layer.seen * alpha, layer.output)
        before = alpha
    return found


def test_the_error_is_that_of_weights_and_of_outputs() -> None:
    layers = scalables(0)
    for alphas in ([1.0, 1.0, 1.0], [0.5, 2.0, 0.1], [3.0, 0.3, 7.0]):
        for fraction_bits in (0, 2, 5):
            found = uniform_scaling.total_error(layers, np.array(alphas), fraction_bits)
            assert found == pytest.approx(total_by_hand(layers, np.array(alphas), fraction_bits), rel=1e-5)


def test_zeros_have_no_error() -> None:
    q = activation_format(4, 3, relu=True)
    assert Scalable(np.zeros(3), np.zeros(4), 4, q).error(1.0, 1.0, 3) == 0
    assert np.isfinite(uniform_scaling.search([Scalable(np.zeros(3), np.zeros(4), 4, q)], 3)).all()


def search_by_hand(layers: list[Scalable], fraction_bits: int) -> np.ndarray:
    """Six rounds of one factor after the other, each by quarter octaves of at most four, all errors looked at."""
    alphas = np.array([layer.output.max_value / np.quantile(np.abs(layer.seen), 0.999) for layer in layers])
    for _ in range(6):
        for index in range(len(layers)):
            tried = [alphas * np.where(np.arange(len(layers)) == index, 2 ** (q / 4), 1) for q in range(-16, 17)]
            alphas = min(tried, key=lambda factors: total_by_hand(layers, factors, fraction_bits))
    return alphas


@pytest.mark.parametrize("fraction_bits", [0, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_the_search_takes_the_factor_of_least_total_error(seed: int, fraction_bits: int) -> None:
    layers = scalables(seed)
    expected = search_by_hand(layers, fraction_bits)
    np.testing.assert_allclose(uniform_scaling.search(layers, fraction_bits), expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_the_fraction_bits_are_those_of_least_error(seed: int) -> None:
    layers = scalables(seed)
    found, alphas = uniform_scaling.least_total(layers)
    totals = {f: total_by_hand(layers, uniform_scaling.search(layers, f), f) for f in range(3 - 2, 4 + 3 + 1)}
    assert totals[found] == min(totals.values())
    np.testing.assert_array_equal(alphas, uniform_scaling.search(layers, found))


@pytest.mark.parametrize(("octaves", "fraction_bits"), [(2, 4 - 2), (-10, 4 + 3)])
def test_the_fraction_bits_stay_near_the_width(octaves: int, fraction_bits: int) -> None:
    """Weights of 1 to 7 times 2**octaves are exact at -octaves fraction bits, beyond what is tried."""
    layer = Scalable(np.arange(1.0, 8.0) * 2.0**octaves, np.full(9, 15.0), 4, activation_format(4, 0, relu=True))
    assert uniform_scaling.least_total([layer])[0] == fraction_bits
