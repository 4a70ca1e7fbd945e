"""Calibration: no output is finer than its accumulator, no accumulator wider than declared."""

import dataclasses

import networks
import numpy as np
import pytest
import tensorflow as tf

from quant.folding import equalization, float_graph, keras_chain
from quant.folding.layers import DENSE, FoldedLayers, PoolingLayer, WeightedLayer
from quant.formats import least_error
from quant.formats.calibration import calibrate, pool_format
from quant.formats.network_formats import LayerFormats
from quant.method import Method
from quant.qformat import QFormat, activation_format, weight_format

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

    def found(output: list[float], x: QFormat) -> QFormat:
        q = activation_format(8, 0, relu=not x.signed)
        best = least_error.best_fraction_bits(np.array([output]), q)
        return pool_format(layer, dataclasses.replace(q, fraction_bits=best), x)

    assert found([1e-3, 2e-3], relu).fraction_bits == 2 + 3
    assert found([0.1, 60.3], relu) == activation_format(8, 1, relu=True)
    assert found([-3.9, 3.9], QFormat(8, 2)) == QFormat(8, 5)


def test_formats_need_something_to_look_at() -> None:
    layers = keras_chain.fold(networks.small())
    with pytest.raises(ValueError, match="no features"):
        calibrate(layers, np.zeros((0, *networks.INPUT_SHAPE), np.float32), INPUT, {}, {}, Method())


def choices_by_definition(layers: FoldedLayers, features: np.ndarray, widths: dict[str, int]) -> dict[str, QFormat]:
    """Output formats from all outputs of the float network at once, no finer than their accumulators."""
    model = float_graph.float_model(layers, networks.INPUT_SHAPE)
    observed = tf.keras.Model(model.input, {layer.name: model.get_layer(layer.name).output for layer in layers})
    outputs = observed.predict(features, batch_size=256, verbose=0)
    chosen, x = {}, INPUT
    for layer in layers:
        pools = isinstance(layer, PoolingLayer)
        q = activation_format(8 if pools else widths[layer.name], 0, relu=not x.signed if pools else layer.relu)
        weights = layer.shift if pools else least_error.best_fraction_bits(layer.kernel, weight_format(4, 0))
        best = least_error.best_fraction_bits(outputs[layer.name], q)
        x = dataclasses.replace(q, fraction_bits=min(best, weights + x.fraction_bits))
        chosen[layer.name] = x
    return chosen


@pytest.mark.parametrize("bits", [3, 8])
def test_formats_are_those_of_all_outputs_at_once(bits: int) -> None:
    """300 inputs are observed a few at a time."""
    layers = equalization.equalize(keras_chain.fold(networks.small()))
    features = networks.inputs(2, 300).astype(np.float32) / 32
    widths = {**dict.fromkeys((layer.name for layer in layers), bits), "logits": 8}
    network = calibrate(layers, features, INPUT, dict.fromkeys(widths, 4), widths, Method())
    found = {name: formats.output for name, formats in network.formats.layers.items()}
    assert found == choices_by_definition(layers, features, widths)
