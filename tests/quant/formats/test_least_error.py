"""The choice of Q-formats."""

import json

import numpy as np
import pytest

from quant.formats import least_error
from quant.formats.network_formats import Formats, LayerFormats
from quant.qformat import QFormat, activation_format, weight_format


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
