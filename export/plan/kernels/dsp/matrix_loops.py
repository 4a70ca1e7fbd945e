"""The inner loops of fxp_matrix_loop_s16_dsp*.h: how each stores weights, and what it asks of a layer."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from export.model.integer_model import Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance
from export.plan.layout import padded

STEP = 4
"""Products per position and output channel in one step of a loop."""
MAX_STEPS = 128
"""The loops are unrolled: a step takes 40 to 60 bytes of code."""


@dataclasses.dataclass(frozen=True)
class MatrixLoop:
    """One of the macros.

    Attributes:
      macro: its name.
      layout: of the weights, for the plan's table.
      steps_at_once: steps that one repetition of its code does; missing ones have weights of 0.
      step_instructions: of one step.
      scaled: the layer's codes as the loop wants them.
      refusal: why it can't run a layer's weights; empty where it can.
      pack: weights [channels, products] to words uint32 [channels, repetitions, words per channel].
      step_cycles: of one step, on a Cortex-M4; None where nobody estimates them.
      single: the macro, of the folder stream, of a loop over the same weights for one position; None without.
    """

    macro: str
    layout: str
    steps_at_once: int
    step_instructions: float
    scaled: Callable[[Layer], scale.Scaled]
    refusal: Callable[[Layer], str]
    pack: Callable[[np.ndarray], np.ndarray]
    step_cycles: float | None = None
    single: str | None = None

    def repetitions(self, steps: int) -> int:
        return -(-steps // self.steps_at_once)

    def position_pair_bytes(self, steps: int) -> int:
        """Of the scratch memory for two positions' codes."""
        return 2 * 2 * STEP * self.steps_at_once * self.repetitions(steps)

    def why_not(self, layer: Layer, steps: int) -> str:
        """Why the loop can't run `layer` with so many steps; empty where it can."""
        if steps > MAX_STEPS:
            return f"{steps * STEP} products per output, the unrolled loop takes {MAX_STEPS * STEP}"
        return self.refusal(layer) or scale.saturation_refusal(layer)

    def instance(self, layer: Layer, steps: int) -> Instance:
        """The function made for the layer's shift and saturation."""
        shift, (saturate, bits) = self.scaled(layer).shift, scale.saturation(layer)
        arguments = (self.repetitions(steps), shift, saturate, bits)
        return Instance("dsp", self.macro, arguments)

    def weights(self, products: np.ndarray, bias: np.ndarray, steps: int) -> Constant:
        """The constant that the loop walks.

        Args:
          products: scaled codes [output channels, products], in the order of the position pair's codes.
          bias: scaled codes [output channels].
          steps: at least products / STEP.
        """
        outputs = padded(len(bias))
        matrix = np.zeros((outputs, STEP * self.steps_at_once * self.repetitions(steps)), np.int64)
        matrix[: products.shape[0], : products.shape[1]] = products
        words = self.pack(matrix).reshape(outputs // 2, 2, self.repetitions(steps), -1)
        codes = words.transpose(0, 2, 3, 1).reshape(outputs // 2, -1)
        biases = np.zeros(outputs, np.uint32)
        biases[: len(bias)] = bias & 0xFFFFFFFF
        return Constant(np.concatenate([biases.reshape(-1, 2), codes], axis=1).ravel(), self.layout)

    def weights_words(self, channels: int, steps: int) -> int:
        """Length of what `weights` returns."""
        words = self.pack(np.zeros((1, STEP * self.steps_at_once), np.int64)).size
        return padded(channels) * (1 + words * self.repetitions(steps))

    def instructions(self, layer: Layer, steps: int, per_position: float) -> float:
        """Estimate for a layer, with what it takes to bring a position's codes into the position pair."""
        height, width, channels = layer.output_shape
        position_pairs = -(-height * width // 2)
        block = self.step_instructions * self.steps_at_once * self.repetitions(steps) + 14
        return position_pairs * (padded(channels) // 2 * block + 2 * per_position)

    def cycles(self, layer: Layer, steps: int, per_position: float) -> float:
        """`instructions`, in a Cortex-M4's cycles; infinite where nobody estimates them."""
        height, width, channels = layer.output_shape
        step = math.inf if self.step_cycles is None else self.step_cycles
        block = step * self.steps_at_once * self.repetitions(steps) + 19
        return -(-height * width // 2) * (padded(channels) // 2 * block + 2 * per_position)


def halfwords(codes: np.ndarray) -> np.ndarray:
    """Little-endian words, uint32 [..., n / 2], of codes that fit int16, [..., n]."""
    halves = codes.astype(np.int64) & 0xFFFF
    return (halves[..., 0::2] | halves[..., 1::2] << 16).astype(np.uint32)


def _pack_words(matrix: np.ndarray) -> np.ndarray:
    channels, products = matrix.shape
    return halfwords(matrix).reshape(channels, products // STEP, 2)


def _pack_at(width: int, positions: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Packs codes of `width` bits: of each group, code i goes to bit positions[i]."""

    def pack(matrix: np.ndarray) -> np.ndarray:
        channels, products = matrix.shape
        groups = matrix.reshape(channels, products // len(positions), len(positions)) & (2**width - 1)
        words = sum(groups[:, :, i] << position for i, position in enumerate(positions))
        return words.astype(np.uint32)[:, :, None]

    return pack


W16 = MatrixLoop(
    "FXP_MATRIX_LOOP_S16_DSP",
    "[channel pair]{2 biases, [step]{c0 k0k1, c1 k0k1, c0 k2k3, c1 k2k3}} int16",
    steps_at_once=1,
    step_instructions=10,
    scaled=scale.scaled,
    refusal=scale.refusal,
    pack=_pack_words,
    step_cycles=18,
    single="FXP_MATRIX_LOOP_S16_DSP_SINGLE",
)
_MAX_BYTE = 127
W8 = MatrixLoop(
    "FXP_MATRIX_LOOP_S16_DSP_W8",
    "[channel pair]{2 biases, [step]{c0 k0k2k1k3, c1 k0k2k1k3}} int8",
    steps_at_once=1,
    step_instructions=14,
    scaled=lambda layer: scale.scaled(layer, _MAX_BYTE),
    refusal=lambda layer: scale.refusal(layer, _MAX_BYTE),
    pack=_pack_at(8, (0, 16, 8, 24)),
)
NIBBLE_SCALE = 12
"""The loop takes nibbles as the upper four bits of halfwords."""
W4 = MatrixLoop(
    "FXP_MATRIX_LOOP_S16_DSP_W4",
    "[channel pair]{2 biases, [double step]{c0 k1k3k5k7k0k2k4k6, c1 the same}} int4",
    steps_at_once=2,
    step_instructions=14.5,
    scaled=lambda layer: scale.times(layer, NIBBLE_SCALE),
    refusal=lambda layer: scale.times_refusal(layer, NIBBLE_SCALE),
    pack=_pack_at(4, (12, 28, 8, 24, 4, 20, 0, 16)),
)
