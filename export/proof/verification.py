"""Compares every implementation's codes, in every layer, with the exact interpreter.

Keras fixed-point graph   = interpreter, single rounding
C engine on the host      = interpreter, single rounding
.tflite in TFLite Micro   = interpreter, double rounding
"""

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from export.model import interpreter
from export.model.integer_model import IntegerModel
from export.model.probes import probes
from export.proof.implementations import LayerCodes
from export.proof.parity import Parity
from export.proof.proof_error import ProofError
from kws_cli.table import aligned

GOLDEN = "golden"
BATCH = 128
_INPUTS = 500
_PROBES = 64


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What implementations are compared on: clips, then probes.

    Attributes:
      codes: int8 [n, height, width, channels].
      names: n names.
      clips: how many of the n are clips.
    """

    codes: np.ndarray
    names: tuple[str, ...]
    clips: int

    @property
    def probes(self) -> int:
        return len(self.codes) - self.clips


def inputs(model: IntegerModel, clips: np.ndarray, names: Sequence[str], count: int | None, seed: int) -> Inputs:
    """Clips (int8 [n, h, w, c], with n names) and `count` probes; None for 64, or as many as make 500 inputs.

    Raises:
      ProofError: neither clips nor probes.
      ValueError: clips of another shape or dtype.
    """
    interpreter.check_input(model, clips)
    extra = max(_PROBES, _INPUTS - len(clips)) if count is None else count
    if len(clips) + extra == 0:
        raise ProofError("nothing to compare: no golden clips, or clips=0, and random_codes=0: give one of them more")
    codes = np.concatenate([clips, probes(seed, model, extra)])
    return Inputs(codes, (*names, *(f"probe {i}" for i in range(extra))), len(clips))


@dataclasses.dataclass(frozen=True)
class Verification:
    """What a comparison found.

    Attributes:
      model_sha256: of the integer model.
      clips, random_codes: inputs compared, the latter the probes.
      pairs: an implementation and a rounding of the interpreter each.
      skipped: implementation -> why it was not compared.
    """

    model_sha256: str
    clips: int
    random_codes: int
    pairs: tuple[Parity, ...]
    skipped: dict[str, str]

    @property
    def inputs(self) -> int:
        return self.clips + self.random_codes

    @property
    def mismatches(self) -> int:
        """Codes that differ; 0 is the proof."""
        return sum(pair.mismatches for pair in self.pairs)

    def pair(self, implementation: str, rounding: str = "single") -> Parity:
        """One comparison. Raises `KeyError` where there is none."""
        for pair in self.pairs:
            if (pair.implementation, pair.rounding) == (implementation, rounding):
                return pair
        raise KeyError(f"{implementation}, {rounding} rounding, was not compared")

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON: per pair the codes, those that differ, the first one that does, and each layer's."""
        return {
            "model_sha256": self.model_sha256,
            "clips": self.clips,
            "random_codes": self.random_codes,
            "inputs": self.inputs,
            "mismatches": self.mismatches,
            "pairs": [pair.as_dict() for pair in self.pairs],
            "skipped": self.skipped,
        }

    def table(self) -> str:
        """For a person: a row per layer, a column of differing codes per pair, then what differs first."""
        rows = [["layer", "codes", *(f"{pair.implementation} ({pair.rounding})" for pair in self.pairs)]]
        for name in {name: None for pair in self.pairs for name, layer in pair.layers.items() if layer.codes}:
            found = [layer if (layer := pair.layers.get(name)) and layer.codes else None for pair in self.pairs]
            codes = max(layer.codes for layer in found if layer)
            rows.append([name, f"{codes:,}", *(str(layer.mismatches) if layer else "-" for layer in found)])
        return "\n".join(
            [
                f"codes that differ from the exact interpreter (rounding), {self.inputs} inputs:",
                *aligned(rows, left=1),
                *(f"{pair.implementation} differs from {pair.reference} first in {pair.first}" for pair in self._wrong),
                *(f"{name} skipped: {reason}" for name, reason in self.skipped.items()),
                f"{self.inputs} inputs ({self.clips} clips, {self.random_codes} probes), "
                f"{sum(pair.codes for pair in self.pairs):,} codes compared, {self.mismatches:,} differ",
            ]
        )

    @property
    def _wrong(self) -> list[Parity]:
        return [pair for pair in self.pairs if pair.first]


def compare(
    model: IntegerModel,
    compared: Inputs,
    implementations: Mapping[str, tuple[str, LayerCodes]],
    golden: Mapping[str, np.ndarray] | None = None,
    skipped: Mapping[str, str] | None = None,
    batch: int = BATCH,
) -> Verification:
    """Runs everything on all inputs.

    Args:
      implementations: name -> the rounding that it must have, and itself.
      golden: rounding -> kept logits of the clips, int8 [clips, labels]; None for none.
      skipped: implementation -> why it is not among these.
      batch: inputs at a time; bounds memory (the default network needs about 1 MB per input).

    Raises:
      ProofError: an implementation without some layer, or with another number of codes in one.
    """
    pairs = {name: Parity(name, rounding, model.layers) for name, (rounding, _) in implementations.items()}
    last = model.layers[-1]
    kept = {rounding: Parity(GOLDEN, rounding, (last,)) for rounding in golden or {}}
    for part in _batches(len(compared.codes), batch):
        codes, names = compared.codes[part], compared.names[part]
        expected = {
            rounding: {layer.name: y for layer, y in interpreter.run_layers(model, codes, rounding)}
            for rounding in interpreter.ROUNDINGS
        }
        for name, (rounding, run_layers) in implementations.items():
            _add(pairs[name], run_layers(codes), expected[rounding], names)
        for rounding, parity in kept.items():
            logits = (golden or {})[rounding][: compared.clips][part]
            parity.add(last.name, logits, expected[rounding][last.name][: len(logits)], names)
    return Verification(
        model.sha256, compared.clips, compared.probes, (*pairs.values(), *kept.values()), dict(skipped or {})
    )


def _batches(count: int, size: int) -> Iterator[slice]:
    with tqdm(total=count, desc="verify", unit="input", file=sys.stderr, disable=None) as progress:
        for start in range(0, count, size):
            yield slice(start, start + size)
            progress.update(min(size, count - start))


def _add(
    parity: Parity, outputs: dict[str, np.ndarray], expected: dict[str, np.ndarray], names: tuple[str, ...]
) -> None:
    for layer, correct in expected.items():
        if layer not in outputs:
            raise ProofError(f"{parity.implementation} has no layer {layer}, only {', '.join(outputs)}")
        parity.add(layer, outputs[layer], correct, names)
