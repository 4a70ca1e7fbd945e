"""Average pooling of planes: a vector's codes are added at once."""

import math

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Kernel, half, requantization
from export.plan.kernels.helium.planes import PLANES, VECTOR, plane_bytes
from export.plan.layout import S8


def _args(layer: Layer) -> dict:
    height, width, channels = layer.input_shape
    size = plane_bytes(layer.input_shape)
    places = dict(positions=height * width, channels=channels, first=1 + width, plane_bytes=size)
    return places | dict(bias=half(layer), requantization=requantization(layer))


KERNEL = Kernel(
    "fxp_average_pool_planes_to_s8_helium",
    AVERAGE_POOL,
    PLANES,
    S8,
    args=_args,
    constants=lambda layer: {},
    instructions=lambda layer: layer.input_shape[2] * (15 + 4 * math.prod(layer.input_shape[:2]) / VECTOR),
)
