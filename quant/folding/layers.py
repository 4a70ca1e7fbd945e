"""The layers of a folded network, with real-valued weights and nothing left to fold."""

import dataclasses
import math

import numpy as np

CONV2D = "conv2d"
DEPTHWISE_CONV2D = "depthwise_conv2d"
AVERAGE_POOL = "average_pool"
DENSE = "dense"


@dataclasses.dataclass(frozen=True)
class FoldedLayer:
    """A layer with real-valued weights and nothing left to fold.

    Attributes:
      name: the Keras layer's name.
      op: CONV2D, DEPTHWISE_CONV2D, AVERAGE_POOL or DENSE.
      kernel: float32 [kh, kw, in, out], [kh, kw, channels] for depthwise, [in, out] for dense; None for pooling.
      bias: float32 [out]; None for pooling.
      stride: (vertical, horizontal).
      relu: whether max(0, .) follows.
      pool_shift: k of the sum and shift; 0 for other ops.
    """

    name: str
    op: str
    kernel: np.ndarray | None = None
    bias: np.ndarray | None = None
    stride: tuple[int, int] = (1, 1)
    relu: bool = False
    pool_shift: int = 0


def pool_shift(positions: int) -> int:
    """The shift k of a sum over `positions` >= 1: the smallest k with 2**k >= positions."""
    return math.ceil(math.log2(positions))
