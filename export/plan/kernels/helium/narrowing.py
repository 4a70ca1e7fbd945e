"""From accumulators in vectors to codes: fxp_requantize_helium.h, which rounds by the shift that narrows."""

import numpy as np

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan import scale
from export.plan.kernel import half

SATURATED_BITS = 16
"""What a narrowing shift saturates at."""
_BYTE_CODE_BITS = 7
"""Of unsigned codes that int8 holds."""


def _shifted(layer: Layer) -> int:
    """The largest sum, shifted."""
    return int(accumulator.bounds(layer)[1].max()) >> layer.shift


def saturation(layer: Layer) -> tuple[str, int]:
    """How fxp_requantize_helium.h clamps to the output's codes, and their width.

    `ufit` where the shift is in the instruction that narrows, and what it gives is proved to be less than 2**15.
    """
    saturate, bits = scale.saturation(layer)
    fits = saturate == "usat" and bits == _BYTE_CODE_BITS and layer.shift <= SATURATED_BITS
    return ("ufit" if fits and _shifted(layer) < 2 ** (SATURATED_BITS - 1) else saturate), bits


def proof(layer: Layer) -> str:
    """What was proved of the sums; empty where nothing had to be."""
    return f"{_shifted(layer)} fits 15 bits, shifted" if saturation(layer)[0] == "ufit" else ""


def _kept(layer: Layer) -> int:
    """Bits of the shift that are left for behind the narrowing shift: to where that one saturates, at 16 or 8 bits."""
    saturate, bits = saturation(layer)
    if saturate != "usat":
        return 0
    return next((wide - bits for wide, least in ((16, 17), (8, 8)) if layer.shift >= least - bits), 0)


def accumulator_start(layer: Layer) -> np.ndarray:
    """What accumulators begin with, int64 [channels]: the loops' narrowing shift adds its own half.

    It is `shift`, or less where what saturates is then shifted to the output's width.
    """
    narrow = layer.shift - _kept(layer)
    return layer.bias.astype(np.int64) + half(layer) - ((1 << narrow) >> 1)


def instructions(layer: Layer, codes: int) -> int:
    """From accumulators to eight or sixteen codes."""
    saturate, bits = saturation(layer)
    kept = _kept(layer)
    wide = 2 * (layer.shift - kept > SATURATED_BITS)
    if saturate == "usat":
        clamped = {8: 3 if kept > 8 - bits else 4, 16: 7 if kept else 8}[codes]
    else:
        clamped = (4 if saturate == "ssat" and bits < 8 else 3) * codes // 8
    return clamped + wide * codes // 8
