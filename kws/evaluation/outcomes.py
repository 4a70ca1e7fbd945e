"""What a bundle and its float model answer to each clip: enough to measure them, and to compare them, again."""

import base64
import dataclasses
import zlib
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """Answers to the clips of a split.

    Attributes:
      names, speakers: of the clips, [n]; "" where the speaker isn't known.
      labels: int64 [n].
      logits: the integers' as real values, float32 [n, classes].
      float_logits: the float model's; None where the bundle carries none.
    """

    names: tuple[str, ...]
    speakers: tuple[str, ...]
    labels: np.ndarray
    logits: np.ndarray
    float_logits: np.ndarray | None

    def to_json(self) -> dict[str, Any]:
        """JSON values; logits as base64 of compressed float32, little-endian."""
        return {
            "names": list(self.names),
            "speakers": list(self.speakers),
            "labels": self.labels.tolist(),
            "logits": _text(self.logits),
            "float_logits": None if self.float_logits is None else _text(self.float_logits),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Outcomes":
        """What `to_json` made. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        labels = np.array(fields["labels"], np.int64)
        values = [None if fields[name] is None else _array(fields[name]) for name in ("logits", "float_logits")]
        logits, float_logits = (value if value is None else value.reshape(len(labels), -1) for value in values)
        if logits is None or not len(labels) == len(fields["names"]) == len(fields["speakers"]):
            raise ValueError("names, speakers, labels and logits are not of the same clips")
        return cls(tuple(fields["names"]), tuple(fields["speakers"]), labels, logits, float_logits)


def _text(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(values.astype("<f4").tobytes())).decode()


def _array(text: str) -> np.ndarray:
    try:
        return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<f4")
    except zlib.error as error:
        raise ValueError(f"logits can't be read: {error}") from error
