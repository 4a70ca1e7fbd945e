"""The phases of stage 2: at which widths it trains, and when Q-formats are chosen, learned and frozen."""

import dataclasses
import re

from kws.training.training_error import TrainingError
from quant.qformat import MAX_BITS, MIN_BITS

# Share of the epochs at the final widths in which formats are learned; in the rest they are frozen.
LEARNING_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class Phase:
    """Epochs of stage 2 that train one graph.

    Attributes:
      begin, end: the epochs, counted from the stage's first.
      weight_bits, activation_bits: one width for all layers, or one per weighted layer.
      learns_formats: whether the outputs' fraction bits are trained along.
      calibrates: whether formats are chosen anew at the start; if not, those of the phase before hold, or at the
        stage's start those of the model after post-training quantization.
    """

    begin: int
    end: int
    weight_bits: tuple[int, ...]
    activation_bits: tuple[int, ...]
    calibrates: bool
    learns_formats: bool = False


def phases(
    epochs: int, weight_bits: tuple[int, ...], activation_bits: tuple[int, ...], gradual: str, learn_formats: bool
) -> tuple[Phase, ...]:
    """The phases of a stage of `epochs` epochs that ends at these widths; none for no epochs.

    Args:
      gradual: the way down as "bits:epochs,...", such as "8:3,6:3": no layer is below 8 bits for three epochs, none
        below 6 for three more, then the final widths follow; empty for the final widths from the start.
      learn_formats: train fraction bits in the first half of the epochs at the final widths.

    Raises:
      TrainingError: `gradual` is not of that form, goes up, has no effect, or leaves no epoch for the final widths;
        or there are too few epochs to learn formats.
    """
    found = []
    begin = 0
    for bits, length in _steps(gradual):
        weights, activations = (tuple(max(b, bits) for b in final) for final in (weight_bits, activation_bits))
        if (weights, activations) == (weight_bits, activation_bits):
            raise TrainingError(f"gradual_bits={gradual}: no layer ends below {bits} bits, so that step has no effect")
        found.append(Phase(begin, begin + length, weights, activations, calibrates=True))
        begin += length
    left = epochs - begin
    if gradual and left < 1:
        raise TrainingError(
            f"gradual_bits={gradual} takes {begin} of fixed_point_epochs={epochs}: leave some for the end"
        )
    learning = int(left * LEARNING_SHARE) if learn_formats else 0
    if learn_formats and not learning:
        raise TrainingError(
            f"learn_formats needs 2 epochs at the final widths: {left} of fixed_point_epochs={epochs} are"
        )
    widths = (weight_bits, activation_bits)
    if learning:
        found.append(Phase(begin, begin + learning, *widths, calibrates=begin > 0, learns_formats=True))
    if left:
        found.append(Phase(begin + learning, epochs, *widths, calibrates=begin > 0 and not learning))
    return tuple(found)


def _steps(gradual: str) -> list[tuple[int, int]]:
    steps: list[tuple[int, int]] = []
    for text in gradual.split(",") if gradual else []:
        match = re.fullmatch(r"\s*(\d+):(\d+)\s*", text)
        bits, length = (int(number) for number in match.groups()) if match else (0, 0)
        if not MIN_BITS <= bits <= MAX_BITS or not length or (steps and steps[-1][0] <= bits):
            raise TrainingError(f"gradual_bits={gradual}: expected falling widths with their epochs, such as 8:3,6:3")
        steps.append((bits, length))
    return steps
