"""The Q-formats of a whole network, and the layers they belong to."""

import dataclasses
from typing import Any, NamedTuple

from quant.folding.layers import FoldedLayers
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

    def weights_of(self, name: str) -> QFormat:
        """The format of a layer's weights. Raises `ValueError` for a layer without weights."""
        weights = self.layers[name].weights
        if weights is None:
            raise ValueError(f"layer {name}: formats without one for its weights")
        return weights

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Formats":
        def read(fields: dict[str, Any]) -> LayerFormats:
            weights = fields["weights"]
            return LayerFormats(None if weights is None else QFormat(**weights), QFormat(**fields["output"]))

        return cls(QFormat(**data["input"]), {name: read(fields) for name, fields in data["layers"].items()})


class Network(NamedTuple):
    """Folded layers with their formats, by layer name."""

    layers: FoldedLayers
    formats: Formats
