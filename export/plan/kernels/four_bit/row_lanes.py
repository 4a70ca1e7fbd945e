"""Sums of two output rows in lanes of 16 bits: where in its lane a code begins, and what keeps lanes apart."""

import dataclasses
from collections.abc import Callable

import numpy as np

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan.kernel import half


@dataclasses.dataclass(frozen=True)
class Lanes:
    """How a layer's sums lie in lanes of 16 bits; fxp_depthwise_loop_row_pairs_dsp_lanes.h says why.

    Attributes:
      extra: sums are scaled by 2**extra.
      flip: 1 where lanes start 2**15 higher, 0 where they start one higher.
      code_bit: the bit at which the code begins.
    """

    extra: int
    flip: int
    code_bit: int


def lanes(layer: Layer, cheapest: int, least: int, most: int) -> Lanes:
    """The cheapest lanes in which the layer's proved sums fit.

    Args:
      cheapest: code_bit that saves instructions.
      least, most: code_bit that the loop can do.

    Raises:
      ValueError: there are none.
    """
    low, high = extremes(layer)
    shift = layer.shift
    at_best = [Lanes(cheapest - shift, flip, cheapest) for flip in (0, 1)]
    for one in (*at_best, Lanes(2, 0, shift + 2), Lanes(0, 1, shift)):
        spare = 0 if one.flip else 3
        enough = one.extra >= (0 if one.flip else 2) and least <= one.code_bit <= most
        if enough and low << one.extra >= -(2**15) and (high << one.extra) + spare < 2**15:
            return one
    raise ValueError(f"sums {low} .. {high} with a shift of {shift} don't fit 16-bit lanes")


def refusal(layer: Layer, chosen: Callable[[Layer], Lanes]) -> str:
    """Why the layer's sums fit none of a kernel's lanes; empty where `chosen` finds some."""
    try:
        chosen(layer)
    except ValueError as error:
        return str(error)
    return ""


def lane_bias(layer: Layer, chosen: Lanes) -> np.ndarray:
    """Of both lanes of a word, int64 [channels]."""
    bias = ((layer.bias.astype(np.int64) + half(layer)) << chosen.extra) + (2**15 if chosen.flip else 1)
    return bias + (bias << 16)


def extremes(layer: Layer) -> tuple[int, int]:
    """The least and the greatest sum of all channels."""
    low, high = accumulator.bounds(layer)
    return int(low.min()), int(high.max())


def proof(layer: Layer) -> str:
    """What was proved, for the plan's table."""
    return f"{' .. '.join(map(str, extremes(layer)))} fits 16 bits"
