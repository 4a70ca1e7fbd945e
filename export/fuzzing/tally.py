"""What a run has compared, refused and found, as it is counted and kept."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from export.fuzzing.case import Case
from kws_cli.table import aligned

_MOST_REFUSALS = 12


@dataclasses.dataclass(frozen=True)
class Failure:
    """A disagreement, a crash, C that does not compile, or an exception that refuses nothing.

    Attributes:
      check: what was compared, such as `C fast`.
      reason: in one line.
      case: the model and its inputs.
    """

    check: str
    reason: str
    case: Case


@dataclasses.dataclass
class Tally:
    """Counts that add up.

    Attributes:
      models: that were drawn.
      compared: check -> models.
      kernels: engine's function -> layers that it ran.
      refused: what a model was refused for, in words -> times.
      refusals: what kernels refused, in words -> times.
      codes: that were compared.
      failures: how many.
    """

    models: int = 0
    compared: Counter[str] = dataclasses.field(default_factory=Counter)
    kernels: Counter[str] = dataclasses.field(default_factory=Counter)
    refused: Counter[str] = dataclasses.field(default_factory=Counter)
    refusals: Counter[str] = dataclasses.field(default_factory=Counter)
    codes: int = 0
    failures: int = 0

    def add(self, other: "Tally") -> None:
        """Adds all of another's counts."""
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def as_dict(self) -> dict[str, Any]:
        """For JSON, the most frequent first."""
        return {
            name: dict(value.most_common()) if isinstance(value, Counter) else value
            for name, value in ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        }

    def table(self) -> str:
        """For a person."""
        parts = [
            *_section("compared", "models", self.compared.most_common()),
            *_section("kernel", "layers", self.kernels.most_common()),
            *_section("refused", "models", self.refused.most_common(_MOST_REFUSALS)),
        ]
        reasons = f"{len(self.refusals)} reasons of kernels, {self.refusals.total():,} times"
        return "\n".join([*parts, reasons, f"{self.models:,} models, {self.codes:,} codes, {self.failures} failures"])


class Check(Protocol):
    """Compares cases, counts, and gives what failed."""

    def __call__(self, cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
        """Compares all that there is, or `only` what is called so in failures."""


def from_dict(value: dict[str, Any]) -> Tally:
    """What `as_dict` gave."""
    fields: dict[str, Any] = {name: Counter(part) if isinstance(part, dict) else part for name, part in value.items()}
    return Tally(**fields)


def _section(what: str, unit: str, rows: Iterable[tuple[str, int]]) -> list[str]:
    lines = [(f"{count:,}", name) for name, count in rows]
    return [*aligned([(unit, what), *lines]), ""] if lines else []
