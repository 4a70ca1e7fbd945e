"""Which parts of the method a fixed-point training uses; each can be switched by itself."""

import dataclasses

ACCUMULATOR_BITS = 32
QFORMATS = ("per_layer", "uniform")


@dataclasses.dataclass(frozen=True)
class Method:
    """Settings of `quant.fixed_point_model` and `quant.calibrate`.

    Attributes:
      equalize: balance scales between layers before formats are chosen (`quant.equalize`).
      squash: train kernels through `s * tanh(P)` (SWD).
      deviation: strength of the pull of std(P) to the most uniform use of the codes; needs squash.
      cosine: lambda of the absolute cosine regularization (ACosR) at full ramp.
      accumulator_bits: declared width of every accumulator; below 32 the weights are trained to keep it.
      qformat: "per_layer", or "uniform" for one weight format, one activation format and so one shift.
      learn_formats: train the fraction bits of each layer's output (`quant.training.learned_thresholds`).

    Raises:
      ValueError: a setting out of range, deviation without squash, or learned formats that are to be uniform.
    """

    equalize: bool = True
    squash: bool = False
    deviation: float = 0.0
    cosine: float = 0.0
    accumulator_bits: int = ACCUMULATOR_BITS
    qformat: str = "per_layer"
    learn_formats: bool = False

    def __post_init__(self) -> None:
        if self.deviation and not self.squash:
            raise ValueError("deviation is a property of the squashed variable: it needs squash")
        if self.deviation < 0 or self.cosine < 0:
            raise ValueError(f"deviation={self.deviation}, cosine={self.cosine}: strengths are 0 or more")
        if not 8 <= self.accumulator_bits <= ACCUMULATOR_BITS:
            raise ValueError(f"accumulator_bits={self.accumulator_bits}: expected 8 to {ACCUMULATOR_BITS}")
        if self.qformat not in QFORMATS:
            raise ValueError(f"qformat={self.qformat!r}: expected one of {', '.join(QFORMATS)}")
        if self.learn_formats and self.qformat == "uniform":
            raise ValueError("learn_formats gives each layer its own format: it needs qformat=per_layer")

    @property
    def bounds_accumulators(self) -> bool:
        return self.accumulator_bits < ACCUMULATOR_BITS
