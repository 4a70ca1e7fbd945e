"""Planes: int8 tensors in which the codes of a depthwise window lie side by side; fxp_helium.h draws them."""

import math

from export.plan.layout import ActivationLayout, Shape

VECTOR = 16
"""Codes of a vector; FXP_VECTOR of fxp_helium.h."""
BLOCK = 4
"""Planes come in multiples of it; FXP_PLANE_BLOCK of fxp_helium.h."""
SLACK = 16
"""Bytes behind the last plane; FXP_PLANE_SLACK of fxp_helium.h."""
MAX_OFFSET = 2**16 - 1
"""What a scatter of halfword lanes can address."""


def plane_bytes(shape: Shape) -> int:
    """Bytes from plane to plane: a plane and the row of zeros below it."""
    height, width, _ = shape
    return (height + 1) * width


def blocks(channels: int) -> int:
    """Blocks of `BLOCK` channels, the last one filled up."""
    return -(-channels // BLOCK)


PLANES = ActivationLayout(
    "int8 [c][y][x]",
    lambda shape: 1 + shape[1] + BLOCK * blocks(shape[2]) * plane_bytes(shape) + SLACK,
    unpack="fxp_unpack_planes",
    unpack_cost=math.inf,  # it can't work in place, as conversions between layers do
)
