"""One shift: the least error of all choices, the same function, the same shift in every layer of the integer model."""

import itertools

import networks
import numpy as np
import pytest

from export.model import interpreter, lower
from quant.folding import equalization, float_graph, keras_chain
from quant.folding.layers import FoldedLayers, weighted_layers
from quant.formats import uniform_shift
from quant.formats.calibration import calibrate
from quant.formats.network_formats import Network
from quant.formats.uniform_shift import Errors, Link
from quant.method import Method
from quant.qformat import QFormat, activation_format, dequantize, quantize, weight_format
from quant.training import fixed_point_graph, trained_network

INPUT = QFormat(8, 5)
METHOD = Method(qformat="uniform_shift")
LABELS = tuple(f"label{i}" for i in range(networks.CLASSES))


def calibrated(weight_bits: int, activation_bits: int) -> tuple[FoldedLayers, Network]:
    layers = equalization.equalize(keras_chain.fold(networks.small()))
    features = networks.inputs(1, 100).astype(np.float32) / 32
    names = [layer.name for layer in weighted_layers(layers)]
    outputs = {**dict.fromkeys(names, activation_bits), "logits": 8}
    return layers, calibrate(layers, features, INPUT, dict.fromkeys(names, weight_bits), outputs, METHOD)


@pytest.mark.parametrize("bits", [(8, 8), (4, 8), (4, 4)])
def test_every_layer_has_one_shift_and_equals_the_interpreter(bits: tuple[int, int]) -> None:
    _, network = calibrated(*bits)
    model = fixed_point_graph.fixed_point_model(*network, networks.INPUT_SHAPE, METHOD)
    lowered = lower.lower(model, "small", LABELS)
    assert lowered.one_shift is not None
    assert {layer.shift for layer in lowered.layers} == {lowered.one_shift}
    codes = networks.inputs(2, 100)
    outputs = trained_network.layer_outputs(model)(codes.astype(np.float32) / 32)
    for layer, expected in interpreter.run_layers(lowered, codes):
        found = outputs[layer.name].reshape(expected.shape) * 2.0**layer.output_format.fraction_bits
        np.testing.assert_array_equal(found, expected, err_msg=layer.name)


def test_formats_differ_and_the_function_is_the_same_to_the_scale_of_its_logits() -> None:
    layers, network = calibrated(8, 8)
    assert len({f.output.fraction_bits for f in network.formats.layers.values()}) > 1
    assert len({f.weights.fraction_bits for f in network.formats.layers.values() if f.weights}) > 1
    features = networks.inputs(3, 50).astype(np.float32) / 32
    before = float_graph.float_model(layers, networks.INPUT_SHAPE)(features).numpy()
    after = float_graph.float_model(network.layers, networks.INPUT_SHAPE)(features).numpy()
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4 * np.abs(before).max())
    for old, new in zip(weighted_layers(layers), weighted_layers(network.layers), strict=True):
        ratios = new.bias[old.bias != 0] / old.bias[old.bias != 0]
        assert np.all((ratios > 2**-0.51) & (ratios < 2**0.51))


def relative(values: np.ndarray, q: QFormat, scale: float) -> float:
    found = dequantize(quantize(values * scale, q), q) / scale
    return float(np.mean((found - values) ** 2) / np.mean(values**2))


def test_errors_are_relative_and_lie_around_the_scale_that_just_fits() -> None:
    values = np.random.default_rng(0).laplace(0, 0.3, 500)
    found = uniform_shift.errors(values, weight_format(4, 0))
    for index in found.indices:
        assert found.of(index) == pytest.approx(relative(values, weight_format(4, 0), 2 ** (index / 4)), rel=1e-5)
    fits = np.floor(4 * np.log2(7 / np.abs(values).max()))
    assert (found.indices[0], found.indices[-1]) == (fits - 8, fits + 24)
    assert np.isinf(found.of(np.array([found.first - 1, found.first + 33]))).all()


def test_zeros_have_no_error() -> None:
    assert not uniform_shift.errors(np.zeros(5), activation_format(4, 0, relu=True)).at.any()


def chain(seed: int) -> list[Link]:
    """Two layers, pooling and a last one, each with six scales for its weights and for its outputs."""
    rng = np.random.default_rng(seed)

    def errors(first: int, count: int = 6) -> Errors:
        return Errors(first, rng.uniform(0, 1, count))

    return [
        Link(errors(3), errors(4)),
        Link(errors(2), errors(8)),
        Link(errors(8, 20), None, pool_octaves=4),
        Link(errors(5, 9), errors(0, 12), keeps_scale=True),
    ]


def by_hand(links: list[Link], start: int, shift: int) -> float:
    """The least total over all scales of the layers with weights."""
    first, second, pool, last = links
    best = float("inf")
    for a, b, c in itertools.product(first.outputs.indices, second.outputs.indices, last.outputs.indices):
        mean = b + 4 * (pool.pool_octaves - shift)
        scales = [(first, start, a), (second, a, b), (last, mean, c)]
        total = sum(float(at.outputs.of(out) + at.weights.of(out - into + 4 * shift)) for at, into, out in scales)
        if c % 4 == 0:
            best = min(best, total + float(pool.outputs.of(mean)))
    return best


@pytest.mark.parametrize("shift", range(5))
@pytest.mark.parametrize("seed", range(4))
def test_the_path_has_the_least_error_of_all(seed: int, shift: int) -> None:
    links = chain(seed)
    error, indices = uniform_shift.path(links, 4, shift)
    expected = by_hand(links, 4, shift)
    assert error == pytest.approx(expected)
    assert bool(indices) == np.isfinite(expected)
    if indices:
        assert indices[2] == indices[1] + 4 * (4 - shift)
        assert indices[3] % 4 == 0


def test_no_shift_for_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniform_shift, "LARGEST_SHIFT", 0)
    with pytest.raises(ValueError, match="no shift of 0 to 0 serves all layers: choose qformat=per_layer"):
        calibrated(8, 8)
