"""What a fixed-point model gives layer by layer."""

import numpy as np

import quant
from quant.folding.layers import DENSE, WeightedLayer


def test_a_network_of_one_layer_has_its_output() -> None:
    x, y = quant.QFormat(8, 2), quant.QFormat(8, 1)
    layer = WeightedLayer("only", DENSE, np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    formats = quant.Formats(x, {"only": quant.LayerFormats(quant.weight_format(8, 4), y)})
    model = quant.fixed_point_model((layer,), formats, (1, 1, 3), quant.Method())
    features = np.array([[[[0.25, -0.5, 7.75]]]], np.float32)
    outputs = quant.layer_outputs(model)(features)
    assert list(outputs) == ["only"]
    np.testing.assert_array_equal(outputs["only"].ravel(), [0.5, -0.5, 8.0])
