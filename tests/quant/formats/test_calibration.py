"""Calibration: no output is finer than its accumulator, no accumulator wider than declared."""

import numpy as np
import pytest

from quant.folding.layers import DENSE, PoolingLayer, WeightedLayer
from quant.formats.calibration import calibrate, pool_format
from quant.formats.network_formats import LayerFormats
from quant.method import Method
from quant.qformat import QFormat, activation_format

INPUT = QFormat(8, 5)


def formats_of(kernel: np.ndarray, bias: float, feature: float, method: Method) -> LayerFormats:
    """The formats of a dense layer whose input is `feature` everywhere."""
    layer = WeightedLayer("dense", DENSE, kernel.astype(np.float32), np.full(kernel.shape[1], bias, np.float32))
    features = np.full((2, 1, 1, len(kernel)), feature, np.float32)
    network = calibrate((layer,), features, INPUT, {"dense": 8}, {"dense": 8}, method)
    assert network.layers == (layer,)
    assert network.formats.input == INPUT
    return network.formats.layers["dense"]


@pytest.mark.parametrize("method", [Method(), Method(accumulator_bits=16)])
def test_an_output_is_no_finer_than_its_accumulator(method: Method) -> None:
    # Weights of 1 are exact from 4 fraction bits on, the coarsest that is tried.
    found = formats_of(np.ones((4, 2)), 2**-7 * 1.5, 0.0, method)
    assert found.weights.fraction_bits == 4
    assert found.output.fraction_bits == 4 + INPUT.fraction_bits
    coarser = formats_of(np.ones((4, 2)), 2**-2 * 1.5, 0.0, method)
    assert coarser.output.fraction_bits == 6


@pytest.mark.parametrize(("inputs", "fraction_bits"), [(52, 0), (54, -1)])
def test_weights_are_as_fine_as_the_accumulator_holds(inputs: int, fraction_bits: int) -> None:
    # The output's format has -1 fraction bits, so rounding adds 2**9. An accumulator of 14 bits leaves
    # 8191 - 1023 (bias) - 512 = 52 * 128 for sums of |weight code| * 128: with f = 0, 52 weights of 1.
    found = formats_of(np.ones((inputs, 2)), 0.0, 1.0, Method(accumulator_bits=14))
    assert found.output.fraction_bits == -1
    assert found.weights.fraction_bits == fraction_bits
    assert formats_of(np.ones((inputs, 2)), 0.0, 1.0, Method()).weights.fraction_bits == 4


def test_a_pooled_vector_is_never_finer_than_its_sum() -> None:
    layer = PoolingLayer("pool", positions=7)
    relu = activation_format(4, 2, relu=True)
    tiny = np.array([[1e-3, 2e-3]])
    assert pool_format(layer, tiny, relu).fraction_bits == 2 + 3
    assert pool_format(layer, np.array([[0.1, 60.3]]), relu) == activation_format(8, 1, relu=True)
    assert pool_format(layer, np.array([[-3.9, 3.9]]), QFormat(8, 2)) == QFormat(8, 5)
