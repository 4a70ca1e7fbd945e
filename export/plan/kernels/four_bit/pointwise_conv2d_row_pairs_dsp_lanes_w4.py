"""1x1 convolution on row pairs in lanes, weights as nibbles that are expanded for some position pairs at once."""

import numpy as np

from export.model.integer_model import Layer
from export.plan.kernel import Constant, Kernel
from export.plan.kernels.four_bit.pointwise_conv2d_row_pairs_dsp_lanes import (
    NIBBLE_LANE,
    blocks,
    copies,
    instance,
    of_row_pairs,
    sizes,
    words,
)
from export.plan.kernels.four_bit.row_pairs import NIBBLES
from export.plan.layout import padded

_POSITION_PAIRS_AT_ONCE = 8
"""For which the weights of a channel quad are expanded once: a twentieth of the work."""
_NIBBLE_OFFSET = 8
"""Added to the lower channel, so that the upper one's nibble is its own."""


def _codes(layer: Layer) -> dict[str, Constant]:
    """The loop's weights, each two words in one: the nibbles of the second lie between those of the first."""
    biases, both = words(layer, NIBBLE_LANE)
    halves = np.stack([both & 0xFFFF, both >> 16]) + np.uint32(_NIBBLE_OFFSET) & 0xFFFF
    first, second = np.moveaxis(halves[0] | halves[1] << 16, -1, 0)
    packed = first | second << 8 | second >> 24
    stream = np.concatenate([biases, packed], axis=1)
    return {"codes": Constant(stream.ravel(), "[channel quad]{2 biases, [two inputs]{8 nibbles}}")}


def kernel(lead: int, code_at: int = NIBBLES) -> Kernel:
    """Weights as nibbles, expanded channel quad by channel quad for some position pairs."""

    def instructions(layer: Layer) -> float:
        count, block = blocks(layer, lead, NIBBLE_LANE)
        expand = 2.5 * padded(layer.input_shape[2]) + 40
        return count * (block + 4 + expand / _POSITION_PAIRS_AT_ONCE) + copies(layer, lead)

    def scratch_bytes(layer: Layer) -> int:
        inputs = padded(layer.input_shape[2]) // 2
        return 8 * (inputs + 1) + 8 * inputs * _POSITION_PAIRS_AT_ONCE

    return of_row_pairs(
        "fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4",
        lead,
        code_at,
        NIBBLE_LANE,
        args=lambda layer: sizes(layer, lead, code_at) | {"position_pairs_at_once": _POSITION_PAIRS_AT_ONCE},
        constants=_codes,
        instances=lambda layer: {"loop": instance(layer, "FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD", NIBBLE_LANE)},
        instructions=instructions,
        scratch_bytes=scratch_bytes,
    )
