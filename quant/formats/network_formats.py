"""The Q-formats of a whole network."""

import dataclasses
from typing import Any

from quant.qformat import QFormat


@dataclasses.dataclass(frozen=True)
class LayerFormats:
    """Q-formats of one layer: its weights (None for pooling) and its output."""

    weights: QFormat | None
    output: QFormat


@dataclasses.dataclass(frozen=True)
class Formats:
    """Q-formats of the network's input and of every layer, by layer name."""

    input: QFormat
    layers: dict[str, LayerFormats]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Formats":
        def read(fields: dict[str, Any] | None) -> QFormat | None:
            return None if fields is None else QFormat(**fields)

        layers = {name: LayerFormats(read(f["weights"]), read(f["output"])) for name, f in data["layers"].items()}
        return cls(read(data["input"]), layers)
