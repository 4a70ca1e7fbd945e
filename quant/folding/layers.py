"""The layers of a folded network: real-valued weights, nothing left to fold."""

import dataclasses
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

WeightedOp = Literal["conv2d", "depthwise_conv2d", "dense"]
CONV2D: Literal["conv2d"] = "conv2d"
DEPTHWISE_CONV2D: Literal["depthwise_conv2d"] = "depthwise_conv2d"
DENSE: Literal["dense"] = "dense"

Padding = Literal["same", "valid"]
SAME: Literal["same"] = "same"
VALID: Literal["valid"] = "valid"


# Names that the Keras graphs of a folded network take for themselves.
FEATURES = "features"
INPUT_QUANTIZER = "input_quantizer"


class Stride(NamedTuple):
    """Steps of a window, in positions."""

    vertical: int
    horizontal: int


NO_STRIDE = Stride(1, 1)


@dataclasses.dataclass(frozen=True)
class WeightedLayer:
    """A convolution or dense layer.

    Attributes:
      name: the Keras layer's, as a C identifier.
      op: CONV2D, DEPTHWISE_CONV2D or DENSE.
      kernel: float32 [kh, kw, in, out], [kh, kw, channels] for depthwise, [in, out] for dense.
      bias: float32 [out].
      stride: of the window; 1 for dense.
      padding: SAME, with zeros as TensorFlow puts them, or VALID, none; SAME for dense.
      relu: whether max(0, .) follows.
    """

    name: str
    op: WeightedOp
    kernel: np.ndarray
    bias: np.ndarray
    stride: Stride = NO_STRIDE
    padding: Padding = SAME
    relu: bool = False


def pool_shift(positions: int) -> int:
    """The shift k of a sum over `positions` >= 1: the smallest k with 2**k >= positions."""
    return (positions - 1).bit_length()


@dataclasses.dataclass(frozen=True)
class PoolingLayer:
    """Average pooling over all positions, as a sum and a shift.

    The sum times 2**-shift is the mean times positions * 2**-shift; the dense layer that follows carries `ratio`.

    Attributes:
      name: the Keras layer's, as a C identifier.
      positions: height times width.
    """

    name: str
    positions: int

    @property
    def shift(self) -> int:
        return pool_shift(self.positions)

    @property
    def ratio(self) -> float:
        """What makes the shifted sum a mean again."""
        return 2.0**self.shift / self.positions


FoldedLayer = WeightedLayer | PoolingLayer
FoldedLayers = tuple[FoldedLayer, ...]


def weighted_layers(layers: FoldedLayers) -> list[WeightedLayer]:
    """The convolutions and dense layers, in order."""
    return [layer for layer in layers if isinstance(layer, WeightedLayer)]


def with_weighted(layers: FoldedLayers, weighted: Iterable[WeightedLayer]) -> FoldedLayers:
    """`layers` with these in the place of its convolutions and dense layers, in order."""
    replacing = iter(weighted)
    return tuple(next(replacing) if isinstance(layer, WeightedLayer) else layer for layer in layers)
