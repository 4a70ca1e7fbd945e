"""Convolution to planes on vectors: the windows of a band of rows are gathered, then it is as a 1x1 convolution."""

import math

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel
from export.plan.kernels.helium import narrowing, plane_products
from export.plan.kernels.helium.conv2d_s8_helium import gather_args, gather_constants, gather_refusal, padded_size
from export.plan.kernels.helium.matrix_products import vectors
from export.plan.kernels.helium.planes import PLANES, VECTOR
from export.plan.layout import S8


def _band(layer: Layer) -> tuple[int, int]:
    """How windows are gathered: as few bands as take no more memory than the output, but a unit at once.

    Returns:
      Rows of a band; windows in scratch: those of a band and what was left of the one above, less than a unit.
    """
    height, width, _ = layer.output_shape
    fitting = PLANES.size(layer.output_shape) // (VECTOR * vectors(layer))
    if fitting >= height * width:
        return height, height * width
    beside = plane_products.UNIT - 1
    rows = min(height, max((fitting - beside) // width, -(-plane_products.UNIT // width)))
    return rows, rows * width + beside


def _args(layer: Layer) -> dict:
    band, windows = _band(layer)
    return gather_args(layer) | dict(band=band, windows=windows) | plane_products.fields(layer)


def _scratch_bytes(layer: Layer) -> int:
    return VECTOR * vectors(layer) * _band(layer)[1] + math.prod(padded_size(layer)) * layer.input_shape[2]


def _cost(layer: Layer) -> float:
    height, width, _ = layer.output_shape
    gathering = vectors(layer) * height * (5 * width + 12)
    padding = 0.2 * math.prod(padded_size(layer)) * layer.input_shape[2] + 14 * layer.input_shape[0]
    return plane_products.cost(layer, -(-height // _band(layer)[0])) + gathering + padding


KERNEL = Kernel(
    "fxp_conv2d_s8_to_planes_helium",
    CONV2D,
    S8,
    PLANES,
    args=_args,
    constants=lambda layer: {"weights": plane_products.weights(layer)} | gather_constants(layer),
    instances=lambda layer: {"loop": plane_products.loop(layer)},
    instructions=_cost,
    proof=narrowing.proof,
    refusal=lambda layer: gather_refusal(layer) or plane_products.refusal(layer),
    scratch_bytes=_scratch_bytes,
)
