"""Activation layouts: how a tensor lies in memory between two layers."""

import dataclasses
import math
from collections.abc import Callable

Shape = tuple[int, int, int]

CHANNEL_BLOCK = 4
"""Channels of an int16 tensor come in multiples of it; FXP_CHANNEL_BLOCK of fxp_engine.h."""


@dataclasses.dataclass(frozen=True)
class ActivationLayout:
    """An order and a width of codes.

    Attributes:
      name: what the plan's table prints.
      size: bytes of a tensor of a shape.
      unpack: the engine function that writes it as int8 [height][width][channels], in place if need be; empty for
        the layout that is just that.
      pack: the engine function that writes it from int8 [height][width][channels], in place if need be; empty where
        there is none.
      unpack_cost, pack_cost: instructions per code, roughly, for choosing.
    """

    name: str
    size: Callable[[Shape], int]
    unpack: str = ""
    pack: str = ""
    unpack_cost: float = 0.0
    pack_cost: float = 0.0


def padded(channels: int) -> int:
    """Channels that an int16 tensor holds: rounded up to `CHANNEL_BLOCK`, the added ones are 0."""
    return -(-channels // CHANNEL_BLOCK) * CHANNEL_BLOCK


S8 = ActivationLayout("int8 [y][x][c]", math.prod)
S16 = ActivationLayout(
    "int16 [y][x][c]",
    lambda shape: 2 * shape[0] * shape[1] * padded(shape[2]),
    unpack="fxp_unpack_s16",
    pack="fxp_pack_s16",
    unpack_cost=2.3,
    pack_cost=2.3,
)
