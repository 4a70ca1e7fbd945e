"""Results that other commands wrote with --json: recognized by what is in them, in the shape that a report needs."""

import pathlib
from typing import Annotated, Any

import msgspec

from kws.reports.report_error import ReportError
from kws_cli import json_file

Positive = Annotated[int, msgspec.Meta(gt=0)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A share: NaN, which JSON from Python may have, is none."""
PerHour = Annotated[float, msgspec.Meta(ge=0)]


class Pair(msgspec.Struct):
    """What one implementation was compared with."""

    implementation: str
    reference: str
    codes: int
    mismatches: int


class Verification(msgspec.Struct):
    """Of `export.verify`."""

    model_sha256: str
    inputs: int
    mismatches: int
    pairs: list[Pair]
    skipped: dict[str, str]


class BenchLayer(msgspec.Struct):
    """Counts of a layer in one inference; no cycles where they were not estimated."""

    name: str
    op: str
    instructions: int
    estimated_cycles: int | None = None


class Bench(msgspec.Struct):
    """Of `microcontroller.bench`."""

    model_sha256: str
    board: str
    profile: str
    compiler: str
    emulator_version: str
    instructions_per_inference: Positive
    layers: list[BenchLayer]
    ram_bytes: int
    ram_sections: dict[str, int]
    flash_bytes: int
    flash_sections: dict[str, int]
    mismatches: int
    inferences: int
    estimated_cycles: int | None = None


class Streaming(msgspec.Struct):
    """Of `microcontroller.bench --streaming`."""

    model_sha256: str
    board: str
    profile: str
    compiler: str
    emulator_version: str
    instructions_per_second_of_audio: dict[str, int]
    ram_bytes: int
    ram_sections: dict[str, int]
    flash_bytes: int
    mismatches: int


class Det(msgspec.Struct):
    """A trade-off, rates from 0 to 1."""

    false_reject_rate: list[Rate]
    false_alarm_rate: list[Rate]

    def __post_init__(self) -> None:
        if not self.false_reject_rate or len(self.false_reject_rate) != len(self.false_alarm_rate):
            raise ValueError("false reject rates and false alarm rates are not of the same points")


class FloatClips(msgspec.Struct):
    """Of the float model on the same clips."""

    accuracy: Rate


class Clips(msgspec.Struct):
    """Of `kws.evaluate`, rates from 0 to 1."""

    model_sha256: str
    dataset: str
    split: str
    computed_by: str
    labels: list[str]
    clips: Positive
    accuracy: Rate
    recall: dict[str, Rate | None]
    confusion: list[list[int]]
    false_discovery_rate_at_false_reject_rate: dict[str, Rate]
    det: Det
    intervals: dict[str, tuple[Rate, Rate] | None]
    float_model: FloatClips | None = msgspec.field(name="float", default=None)

    def __post_init__(self) -> None:
        if {len(self.confusion), *map(len, self.confusion)} != {len(self.labels)}:
            raise ValueError(f"the confusion is not of {len(self.labels)} classes")


class Negatives(msgspec.Struct):
    """False alarms on one kind of recordings."""

    hours: Annotated[float, msgspec.Meta(gt=0)]
    false_alarms: int
    per_hour: PerHour
    interval: tuple[PerHour, PerHour]
    upper_bound: bool = False


class Words(msgspec.Struct):
    """Misses of words in one condition."""

    spoken: int
    miss_rate: Rate
    interval: tuple[Rate, Rate] | None


class Curve(msgspec.Struct):
    """Misses over false alarms, along a shift of all thresholds."""

    false_alarms_per_hour: dict[str, list[PerHour]]
    miss_rate: dict[str, list[Rate]]


class AlwaysOn(msgspec.Struct):
    """Of `kws.evaluate --streaming --negatives`."""

    bundle: str
    model_sha256: str
    split: str
    negatives: dict[str, Negatives]
    words: dict[str, Words]
    curve: Curve

    def __post_init__(self) -> None:
        alarms, missed = self.curve.false_alarms_per_hour, self.curve.miss_rate
        if "all" not in self.negatives or not missed or missed.keys() - self.words.keys():
            raise ValueError("no negatives called all, or no misses in a condition of the curve")
        if {len(alarms.get("all", ()))} != set(map(len, missed.values())):
            raise ValueError("the curve's false alarms and misses are not of the same points")


class ComposedDetector(msgspec.Struct):
    """A detector's errors on a composed recording."""

    miss_rate: Rate
    false_alarms_per_hour: PerHour


class ComposedSystem(msgspec.Struct):
    """Of the integers, or of the float model."""

    detector: ComposedDetector


class Composed(msgspec.Struct):
    """Of `kws.evaluate --streaming` on a recording composed of clips and noise."""

    model_sha256: str
    hours: float
    integer: ComposedSystem


class ConditionRow(msgspec.Struct):
    """Shares of clips that each model gets right."""

    condition: str
    clips: int
    correct: list[Rate]


class Conditions(msgspec.Struct):
    """Of `kws.evaluate --conditions`."""

    dataset: str
    split: str
    models: list[str]
    model_sha256: list[str | None]
    rows: list[ConditionRow]

    def __post_init__(self) -> None:
        if {len(self.model_sha256), *(len(row.correct) for row in self.rows)} != {len(self.models)}:
            raise ValueError(f"not all rows are of {len(self.models)} models")


class Epoch(msgspec.Struct):
    """Of a run's history."""

    stage: str
    loss: float | None = None
    validation_accuracy: float | None = None


Result = Verification | Bench | Streaming | Clips | AlwaysOn | Composed | Conditions

# What only this kind has, and how it is called.
KINDS: dict[type, tuple[set[str], str]] = {
    Verification: ({"pairs", "skipped"}, "export.verify"),
    Streaming: ({"instructions_per_second_of_audio"}, "microcontroller.bench --streaming"),
    Bench: ({"instructions_per_inference"}, "microcontroller.bench"),
    AlwaysOn: ({"negatives", "words", "curve"}, "kws.evaluate --streaming --negatives"),
    Composed: ({"recipe", "integer"}, "kws.evaluate --streaming"),
    Conditions: ({"models", "rows", "split"}, "kws.evaluate --conditions"),
    Clips: ({"confusion", "det"}, "kws.evaluate"),
}


def read(path: pathlib.Path) -> Result:
    """A result.

    Raises:
      ReportError: the file can't be read, or is none of these.
    """
    known = ", ".join(command for _, command in KINDS.values())
    try:
        values = json_file.read(path)
    except OSError as error:
        raise ReportError(f"measured={path} can't be read: {error.strerror}: give a file that {known} wrote") from error
    except ValueError as error:
        raise ReportError(f"measured={path} is no JSON ({error}): give what {known} wrote as JSON") from error
    for kind, (keys, command) in KINDS.items():
        if isinstance(values, dict) and keys <= values.keys():
            return shaped(values, kind, f"measured={path}", command)
    raise ReportError(f"measured={path} is no result of {known}: give what one of them wrote as JSON")


def shaped(values: dict[str, Any], kind: type, source: str, command: str) -> Any:
    """A result's JSON values in their shape. Raises `ReportError` where they are of another."""
    try:
        return json_file.shaped(values, kind)
    except ValueError as error:
        raise ReportError(f"{source} is not as python -m {command} writes it ({error}): run that again") from error


def models_of(result: Result) -> set[str]:
    """The hashes of the integer models that a result is of."""
    found = result.model_sha256
    return {found} if isinstance(found, str) else {each for each in found if each is not None}
