"""Weights of kernels in plain C: int8 codes in the order of their loops, and biases."""

from collections.abc import Callable

import numpy as np

from export.model.integer_model import Layer
from export.plan.kernel import Constant, half

_BIAS = "[output channel], rounding half included"


def in_order(layout: str, *order: int) -> Callable[[Layer], dict[str, Constant]]:
    """Constants of a layer whose weights lie in `order` of its kernel's axes, which `layout` names."""

    def constants(layer: Layer) -> dict[str, Constant]:
        weights = np.ascontiguousarray(layer.kernel.transpose(order)).ravel()
        bias = (layer.bias.astype(np.int64) + half(layer)).astype(np.int32)
        return {"weights": Constant(weights, layout), "bias": Constant(bias, _BIAS)}

    return constants
