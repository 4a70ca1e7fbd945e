"""What a bundle or a finished run says of its training: the shape that readers rely on. More may stand in it."""

from typing import Any

import msgspec


class Method(msgspec.Struct):
    """Parts of the method."""

    qformat: str = ""


class Settings(msgspec.Struct):
    """Of `kws.train`; `dataset` as `kws.datasets.dataset_flags` keeps it."""

    dataset: dict[str, Any] | None = None
    method: Method = msgspec.field(default_factory=Method)
    allow_chance: bool = False


class Data(msgspec.Struct):
    """The identity of the data."""

    sha256: str = ""


class Training(msgspec.Struct):
    """All of it; empty for a model that was not trained here.

    Attributes:
      command: the lines that make the model again.
      teachers: flag -> path -> SHA-256 of the float weights.
      environment: versions by package, and what is known of the machine.
    """

    command: str = ""
    seed: int = 0
    settings: Settings = msgspec.field(default_factory=Settings)
    teachers: dict[str, dict[str, str]] = {}
    environment: dict[str, str | int | float | None] = {}
    data: Data = msgspec.field(default_factory=Data)
    batch_size: int | None = None
    device: str | None = None
    float_sha256: str = ""


class _Split(msgspec.Struct):
    recall: dict[str, float | None] = {}


Metrics = dict[str, dict[str, _Split]]
"""Of a finished run: stage -> split -> everything measured, `recall` by class among it."""
