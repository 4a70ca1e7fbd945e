"""Counts, layer by layer, the codes in which an implementation differs from the exact interpreter."""

import dataclasses
from typing import Any

import numpy as np

from export.model.integer_model import Layer
from export.proof.proof_error import ProofError


@dataclasses.dataclass(frozen=True)
class Difference:
    """One code that differs.

    Attributes:
      clip: name of the input.
      position: (row, column, channel) in the layer's output.
      code: what the implementation gave; not whole where a float graph left the grid.
      expected: the interpreter's code.
    """

    layer: str
    clip: str
    position: tuple[int, int, int]
    code: float
    expected: int

    def __str__(self) -> str:
        return (
            f"layer {self.layer}, clip {self.clip}, position {list(self.position)}: code {self.code:g}, "
            f"expected {self.expected}"
        )


@dataclasses.dataclass
class LayerParity:
    """Codes compared so far in one layer, how many differed, and the first one that did."""

    name: str
    codes: int = 0
    mismatches: int = 0
    first: Difference | None = None


class Parity:
    """One implementation against the interpreter in one rounding, summed over batches.

    Attributes:
      implementation: its name.
      rounding: 'single' or 'double'.
      layers: by name, in order of execution.
    """

    def __init__(self, implementation: str, rounding: str, layers: tuple[Layer, ...]) -> None:
        self.implementation = implementation
        self.rounding = rounding
        self.layers = {layer.name: LayerParity(layer.name) for layer in layers}

    def add(self, layer: str, codes: np.ndarray, expected: np.ndarray, clips: tuple[str, ...]) -> None:
        """Compares a batch of one layer.

        Args:
          codes: [n, ...] of the implementation, integer or float; as many per clip as `expected` has.
          expected: int8 [n, h, w, c].
          clips: n names.

        Raises:
          ProofError: another number of codes.
        """
        if codes.size != expected.size:
            raise ProofError(f"{self.implementation}, layer {layer}: shape {codes.shape}, expected {expected.shape}")
        parity = self.layers[layer]
        codes = codes.reshape(expected.shape)
        different = codes != expected
        parity.codes += expected.size
        parity.mismatches += int(different.sum())
        if parity.first is None and different.any():
            clip, row, column, channel = map(int, np.argwhere(different)[0])
            position = row, column, channel
            code, correct = float(codes[clip, *position]), int(expected[clip, *position])
            parity.first = Difference(layer, clips[clip], position, code, correct)

    @property
    def reference(self) -> str:
        """What it is compared with."""
        return f"interpreter {self.rounding}"

    @property
    def codes(self) -> int:
        return sum(layer.codes for layer in self.layers.values())

    @property
    def mismatches(self) -> int:
        return sum(layer.mismatches for layer in self.layers.values())

    @property
    def first(self) -> Difference | None:
        """The first difference of the first layer in order of execution that has one: later ones may follow from it."""
        return next((layer.first for layer in self.layers.values() if layer.first), None)

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON."""
        return {
            "implementation": self.implementation,
            "reference": self.reference,
            "codes": self.codes,
            "mismatches": self.mismatches,
            "first": dataclasses.asdict(self.first) if self.first else None,
            "layers": [
                {"name": layer.name, "codes": layer.codes, "mismatches": layer.mismatches}
                for layer in self.layers.values()
            ],
        }
