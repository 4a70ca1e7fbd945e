"""The choice of Q-formats."""

import dataclasses
import json
import tracemalloc

import numpy as np
import pytest

from quant import qformat
from quant.formats import least_error
from quant.formats.network_formats import Formats, LayerFormats
from quant.qformat import QFormat, activation_format, weight_format

FORMATS = [
    *(
        make(bits)
        for bits in range(2, 9)
        for make in (lambda bits: weight_format(bits, 0), lambda bits: QFormat(bits, 0))
    ),
    *(activation_format(bits, 0, relu=True) for bits in range(2, 9)),
]


def error_by_definition(values: np.ndarray, q: QFormat) -> float:
    return float(np.mean(np.square(qformat.quantize(values, q) * q.lsb - values)))


def best_by_definition(values: np.ndarray, q: QFormat) -> int:
    """Every candidate's error on all values at once; the first of least error."""
    start = int(np.floor(np.log2(q.max_code / np.abs(values).max())))
    return min(
        range(start - 2, start + 7),
        key=lambda f: error_by_definition(values, dataclasses.replace(q, fraction_bits=f)),
    )


def tensors(seed: int) -> list[np.ndarray]:
    """Values of many distributions and scales, with and without zeros, ties and outliers."""
    rng = np.random.default_rng(seed)
    scale = float(np.exp(rng.uniform(-12, 12)))
    normal = rng.normal(0, scale, (40, 5, 7))
    found = [
        normal,
        np.maximum(normal, 0),
        np.append(normal, 30 * scale),
        rng.laplace(0, scale, 1000),
        rng.uniform(-scale, 0, 3),
        # On grids of a few bits, where errors of several formats are equal and values lie in the middle of codes.
        np.ldexp(rng.integers(-8, 9, 200).astype(float), rng.integers(-9, 9)),
        np.ldexp(rng.integers(-3, 4, 6).astype(float), rng.integers(-9, 9)),
        np.ldexp(rng.integers(1, 40, 1).astype(float), rng.integers(-9, 9)),
    ]
    return [values for tensor in found for values in (tensor, tensor.astype(np.float32)) if values.any()]


@pytest.mark.parametrize("q", FORMATS, ids=str)
def test_the_choice_is_that_of_the_definition(q: QFormat) -> None:
    for seed in range(6):
        for values in tensors(seed):
            assert least_error.best_fraction_bits(values, q) == best_by_definition(values, q), (seed, values)


@pytest.mark.parametrize("q", FORMATS, ids=str)
def test_the_error_is_that_of_the_definition_to_the_bit(q: QFormat) -> None:
    for values in tensors(q.bits):
        for fraction_bits in (-4, 0, 3, 9):
            found = dataclasses.replace(q, fraction_bits=fraction_bits)
            assert least_error.squared_error(values, found) == error_by_definition(values, found)


@pytest.mark.parametrize("q", [weight_format(3, 0), QFormat(8, 0), activation_format(4, 0, relu=True)], ids=str)
def test_every_error_of_a_search_is_that_of_the_definition(q: QFormat) -> None:
    for values in tensors(9):
        peak = float(np.abs(values).max())
        errors = least_error.SquaredErrors(peak, q)
        errors.add(values)
        start = int(np.floor(np.log2(q.max_code / peak)))
        for f in range(start - 2, start + 7):
            expected = error_by_definition(values, dataclasses.replace(q, fraction_bits=f)) * values.size
            assert errors.total(f) * 4.0 ** -(start + 7) == pytest.approx(expected, rel=1e-12)


def test_tensors_may_come_in_parts() -> None:
    """A peak that comes late counts from the first part on, and one tensor's parts are no other's."""
    rng = np.random.default_rng(3)
    formats = {"narrow": weight_format(3, 0), "wide": QFormat(8, 0), "zeros": activation_format(4, 0, relu=True)}
    whole = {"narrow": rng.normal(0, 1, 1000), "wide": np.append(rng.normal(0, 1, 1999), 700.0), "zeros": np.zeros(8)}
    parts = [{name: values[i::4] for name, values in whole.items()} for i in range(4)]
    found = least_error.best_of_batches(lambda: iter(parts), formats)
    expected = {name: best_by_definition(whole[name], formats[name]) for name in ("narrow", "wide")}
    assert found == {**expected, "zeros": 3}


def test_a_search_takes_little_memory_beside_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """And any division into chunks gives one choice."""
    values = np.random.default_rng(4).normal(0, 1, 2_000_000).astype(np.float32)
    q = activation_format(8, 0, relu=False)
    tracemalloc.start()
    found = least_error.best_fraction_bits(values, q)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000
    assert found == best_by_definition(values, q)
    monkeypatch.setattr(least_error, "_CHUNK", 999)
    assert least_error.best_fraction_bits(values[:20000], q) == best_by_definition(values[:20000], q)


def test_values_that_are_no_numbers_are_refused() -> None:
    for values in ([1.0, np.nan], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="NaN"):
            least_error.best_fraction_bits(np.array(values), QFormat(8, 0))


@pytest.mark.parametrize("bits", range(2, 9))
def test_best_fraction_bits_has_the_least_error_of_all(bits: int) -> None:
    values = np.random.default_rng(bits).normal(0, 0.3, 2000)
    found = least_error.best_fraction_bits(values, weight_format(bits, 0))
    errors = {f: least_error.squared_error(values, weight_format(bits, f)) for f in range(-10, 20)}
    assert errors[found] == min(errors.values())


def test_low_widths_choose_to_saturate_rather_than_to_be_coarse() -> None:
    values = np.append(np.random.default_rng(0).normal(0, 0.1, 5000), 4.0)
    assert weight_format(4, least_error.best_fraction_bits(values, weight_format(4, 0))).max_value < 4.0


def test_the_search_ends_two_octaves_coarser_and_six_finer_than_what_avoids_saturation() -> None:
    exact = np.array([4.0])  # 127 * 2**-4 is above 4, and 4 is exact at 2 to 4 fraction bits
    assert least_error.best_fraction_bits(exact, weight_format(8, 0)) == 2
    ternary = weight_format(2, 0)
    one = np.ones(1)
    assert least_error.best_fraction_bits(np.append(one, np.full(5000, 2.0**-6)), ternary) == 6
    assert least_error.best_fraction_bits(np.append(one, np.full(20000, 2.0**-7)), ternary) == 0


def test_the_error_by_hand() -> None:
    values = np.array([0.0, 0.25, 1.0, 100.0])  # codes 0, 1 (rounded half up), 2, 7 in steps of a half
    assert least_error.squared_error(values, weight_format(4, 1)) == (0 + 0.25**2 + 0 + 96.5**2) / 4


def test_zeros_have_a_format_too() -> None:
    assert least_error.best_fraction_bits(np.zeros(5), QFormat(8, 0)) == 7


def test_formats_survive_json() -> None:
    layers = {
        "conv": LayerFormats(weight_format(4, 3), activation_format(8, 5, relu=True)),
        "pool": LayerFormats(None, activation_format(8, 5, relu=True)),
    }
    network = Formats(QFormat(8, 5), layers)
    assert Formats.from_json(json.loads(json.dumps(network.to_json()))) == network
