"""Which parts of the method a fixed-point training uses; each can be switched by itself."""

import dataclasses
from typing import Any

ACCUMULATOR_BITS, MIN_ACCUMULATOR_BITS = 32, 8
PER_LAYER, UNIFORM, UNIFORM_SHIFT = QFORMATS = ("per_layer", "uniform", "uniform_shift")


def _setting(default: Any, help_text: str, **limits: Any) -> Any:
    """A field that says what it is for and which values it takes, so that commands need not say it again."""
    return dataclasses.field(default=default, metadata={"help": help_text, **limits})


@dataclasses.dataclass(frozen=True)
class Method:
    """Settings of `quant.fixed_point_model` and `quant.calibrate`.

    Attributes:
      equalize: balance scales between layers before formats are chosen (`quant.equalize`).
      squash: train kernels through `s * tanh(P)` (SWD).
      deviation: strength of the pull of std(P) to the most uniform use of the codes; needs squash.
      cosine: lambda of the absolute cosine regularization (ACosR) at full ramp.
      accumulator_bits: declared width of every accumulator; below 32 the weights are trained to keep it.
      qformat: PER_LAYER; UNIFORM for one weight format and one activation format; UNIFORM_SHIFT for formats that may
        differ by layer, of which every layer has the same requantization shift (`quant.formats.uniform_shift`).
      learn_formats: train the fraction bits of each layer's output (`quant.training.learned_thresholds`).

    Raises:
      ValueError: a setting out of range, deviation without squash, or learned formats that are not to differ freely.
    """

    equalize: bool = _setting(True, "Balance scales between layers before formats are chosen.")
    squash: bool = _setting(False, "Train kernels through s * tanh(P) (squashed weight distribution).")
    deviation: float = _setting(0.0, "Pull of std(P) to even use of the codes.", lowest=0)
    cosine: float = _setting(0.0, "Lambda of absolute cosine regularization.", lowest=0)
    accumulator_bits: int = _setting(
        ACCUMULATOR_BITS, "Width that accumulators keep.", lowest=MIN_ACCUMULATOR_BITS, highest=ACCUMULATOR_BITS
    )
    qformat: str = _setting(
        PER_LAYER,
        "Formats per layer, one for the whole network, or per layer with one shift.",
        choices=QFORMATS,
    )
    learn_formats: bool = _setting(False, "Train activations' fraction bits, then freeze them.")

    def __post_init__(self) -> None:
        if self.deviation and not self.squash:
            raise ValueError("deviation is a property of the squashed variable: it needs squash")
        if self.deviation < 0 or self.cosine < 0:
            raise ValueError(f"deviation={self.deviation}, cosine={self.cosine}: strengths are 0 or more")
        if not MIN_ACCUMULATOR_BITS <= self.accumulator_bits <= ACCUMULATOR_BITS:
            expected = f"{MIN_ACCUMULATOR_BITS} to {ACCUMULATOR_BITS}"
            raise ValueError(f"accumulator_bits={self.accumulator_bits}: expected {expected}")
        if self.qformat not in QFORMATS:
            raise ValueError(f"qformat={self.qformat!r}: expected one of {', '.join(QFORMATS)}")
        if self.learn_formats and self.qformat != PER_LAYER:
            raise ValueError("learn_formats gives each layer its own format: it needs qformat=per_layer")

    @property
    def bounds_accumulators(self) -> bool:
        return self.accumulator_bits < ACCUMULATOR_BITS
