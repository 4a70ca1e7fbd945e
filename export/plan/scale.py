"""Weights in 16 bits leave room: a layer's accumulators are scaled by a power of two so that layers share a shift.

Multiplying weights and bias (rounding half included) by 2**d and shifting by d more changes no output code. A kernel
whose shift is a number in its instructions then serves several layers; a shift of 16 is the cheapest one, since the
upper halfwords of two accumulators are packed and saturated together.
"""

import dataclasses

import numpy as np

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan.kernel import half

CANONICAL_SHIFTS = (16, 14, 12, 10, 8)
"""Tried in this order; what fits none of them keeps its own shift."""
_MAX_WEIGHT = 2**15 - 1
_MAX_SUM = 2**31 - 1
_MAX_SHIFT = 31


@dataclasses.dataclass(frozen=True)
class Scaled:
    """A layer on a scaled accumulator grid.

    Attributes:
      shift: from the scaled accumulator to the output codes, 1 to 31.
      weights: int64, the codes to store.
      bias: int64 [channels], rounding half included, on the same grid.
    """

    shift: int
    weights: np.ndarray
    bias: np.ndarray


def refusal(layer: Layer, max_weight: int = _MAX_WEIGHT) -> str:
    """Why no scale fits the layer; empty where one does."""
    if layer.shift == 0 and not _fits(layer, 1, max_weight):
        return "shift 0 and no bit of weights or accumulator to spare"
    return "" if _fits(layer, 0, max_weight) else f"a weight is more than {max_weight}"


def scaled(layer: Layer, max_weight: int = _MAX_WEIGHT) -> Scaled:
    """The layer with the first canonical shift that its weights and its proved sums allow.

    Args:
      max_weight: the largest magnitude that a kernel stores.

    Raises:
      ValueError: `refusal` gives a reason.
    """
    if reason := refusal(layer, max_weight):
        raise ValueError(f"layer {layer.name}: {reason}")
    own = max(layer.shift, 1)
    fitting = (s for s in CANONICAL_SHIFTS if s >= own and _fits(layer, s - layer.shift, max_weight))
    return _times(layer, next(fitting, own) - layer.shift)


def times_refusal(layer: Layer, bits: int) -> str:
    """Why a kernel that reads weights as 2**bits times their value can't run the layer; empty where it can."""
    if not _fits(layer, bits, _MAX_WEIGHT):
        return f"weights times {1 << bits} leave 16 bits, or their sums 32"
    return "" if layer.shift + bits <= _MAX_SHIFT else f"shift {layer.shift} and {bits} more exceed {_MAX_SHIFT}"


def times(layer: Layer, bits: int) -> Scaled:
    """The layer for a kernel that reads its weights as 2**bits times their value: they stay, bias and shift grow.

    Raises:
      ValueError: `times_refusal` gives a reason.
    """
    if reason := times_refusal(layer, bits):
        raise ValueError(f"layer {layer.name}: {reason}")
    grown = _times(layer, bits)
    return Scaled(grown.shift, layer.kernel.astype(np.int64), grown.bias)


def _times(layer: Layer, bits: int) -> Scaled:
    factor = 1 << bits
    return Scaled(
        layer.shift + bits, layer.kernel.astype(np.int64) * factor, (layer.bias.astype(np.int64) + half(layer)) * factor
    )


def _fits(layer: Layer, extra: int, max_weight: int) -> bool:
    peak = int(np.abs(layer.kernel.astype(np.int64)).max(initial=0))
    return peak << extra <= max_weight and int(accumulator.worst_case(layer).max()) << extra <= _MAX_SUM


def saturation(layer: Layer) -> tuple[str, int]:
    """The instruction that clamps to the output's codes, and its width: ("usat", 7) for 0 .. 127."""
    q = layer.output_format
    return ("ssat" if q.signed else "usat"), q.bits


def saturation_refusal(layer: Layer) -> str:
    """Why no one instruction clamps to the output's codes; empty where one does."""
    return "symmetric signed outputs" if layer.output_format.symmetric else ""
