"""Uniform Q-formats: scaling keeps the function, one format for all."""

import networks
import numpy as np
import pytest

from quant.folding import equalization, float_graph, keras_chain
from quant.formats.calibration import calibrate
from quant.method import Method
from quant.qformat import QFormat
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
