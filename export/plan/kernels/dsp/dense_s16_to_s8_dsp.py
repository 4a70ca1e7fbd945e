"""Dense layer on int16 activations, two products per instruction."""

import numpy as np

from export.model.integer_model import DENSE, Layer
from export.plan.kernel import Constant, Kernel, half, requantization
from export.plan.kernels.dsp.matrix_loops import halfwords
from export.plan.layout import S8, S16, padded


def _constants(layer: Layer) -> dict[str, Constant]:
    weights = np.zeros((layer.kernel.shape[1], padded(layer.kernel.shape[0])), np.int64)
    weights[:, : layer.kernel.shape[0]] = layer.kernel.T
    bias = (layer.bias.astype(np.int64) + half(layer)).astype(np.int32)
    return {
        "weights": Constant(halfwords(weights).ravel(), "[output][channel pair of the input]"),
        "bias": Constant(bias, "[output], rounding half included"),
    }


KERNEL = Kernel(
    "fxp_dense_s16_to_s8_dsp",
    DENSE,
    S16,
    S8,
    args=lambda layer: dict(
        words=padded(layer.input_shape[2]) // 2, outputs=layer.output_shape[2], requantization=requantization(layer)
    ),
    constants=_constants,
    instructions=lambda layer: layer.output_shape[2] * (padded(layer.input_shape[2]) + 41.0),
    cycles=lambda layer: layer.output_shape[2] * (2.25 * padded(layer.input_shape[2]) + 54),
)
