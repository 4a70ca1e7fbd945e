"""Layouts of a stream's rows between kernels that compute several columns of a row in one multiplication."""

import numpy as np

from export.model.integer_model import Layer
from export.plan.layout import ActivationLayout, Shape, padded

MIN_WIDTH, MAX_WIDTH = 2, 5
"""Columns of a row: what the loops have registers for."""
MAX_SATURATED = 15
"""Bits of a shift and a code that USAT16 can leave."""
LANE_BITS = 16


def row_words(width: int) -> int:
    """Words of a row of one channel."""
    return -(-width // 2)


def _size(shape: Shape) -> int:
    height, width, channels = shape
    return 4 * height * padded(channels) * row_words(width)


CHANNEL_ROWS = ActivationLayout("int16 [y][c][x]", _size, unpack_cost=float("inf"), pack_cost=float("inf"))
"""A row of a channel, of an even number of columns; what is added is 0."""
POSITION_PAIRS = ActivationLayout(
    "int16 position pairs",
    lambda shape: 2 * shape[0] * shape[1] * padded(shape[2]),
    unpack_cost=float("inf"),
    pack_cost=float("inf"),
)
"""Of each row two positions at a time, word by word in turns, as matrix loops read them; the last one alone."""


def width_refusal(layer: Layer) -> str:
    """Why a layer's rows of output are not as wide as the loops can do; empty where they are."""
    width = layer.output_shape[1]
    return "" if MIN_WIDTH <= width <= MAX_WIDTH else f"{width} columns: it takes {MIN_WIDTH} to {MAX_WIDTH}"


def lane_words(begin: np.ndarray, words: int) -> np.ndarray:
    """What all lanes of so many words begin with, as they are stored.

    Args:
      begin: of each channel, a number with a sign, int64 [channels].

    Returns:
      uint32 [channels, words]: of the number with these lanes, lowest first.
    """
    lanes = sum(1 << LANE_BITS * i for i in range(2 * words))
    numbers = [int(value) * lanes for value in begin]
    return np.array([[number >> 32 * i & 0xFFFFFFFF for i in range(words)] for number in numbers], np.uint32)
