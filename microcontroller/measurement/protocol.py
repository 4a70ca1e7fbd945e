"""The firmware's report: lines of `KIND name=value ...`, described in firmware/main.c."""

import dataclasses
import re

import numpy as np

from microcontroller.measurement.measurement_error import MeasurementError

_STATUS = {
    1: "a fault",
    2: "no clips in the mailbox",
    3: "the image of clips arrived damaged",
    4: "the stack was used up to its end: give it more bytes in microcontroller/firmware/build.py",
    5: "its tables are damaged",
}
_LAST_FIELD = " label="
_NUMBER = re.compile(r"-?[0-9]{1,20}")
_SHOWN = 40
_LONGEST_FAULT = 300


class DeviceError(MeasurementError):
    """The firmware ran into a fault or gave up."""


@dataclasses.dataclass(frozen=True)
class Clip:
    """One inference: the device's answer and what it took.

    Attributes:
      index: of the clip in its image.
      label: the device's word for the largest logit.
      score: that logit's code.
      instructions: of this inference.
      logits: int8 [labels].
    """

    index: int
    label: str
    score: int
    instructions: int
    logits: np.ndarray


@dataclasses.dataclass(frozen=True)
class Report:
    """One run of the firmware.

    Attributes:
      board, counter, engine, model_sha256: what it says of itself.
      calibration_instructions, calibration_ticks: of a loop of known length.
      step_error: largest error of the count of a loop's single turn, in instructions.
      clips: one per inference, in order.
      layer_instructions: per layer, summed over `layer_inferences`.
      arena_bytes: of the model.
      stack_bytes: high-water mark, harness included.
    """

    board: str
    counter: str
    engine: str
    model_sha256: str
    calibration_instructions: int
    calibration_ticks: int
    step_error: int
    clips: tuple[Clip, ...]
    layer_instructions: tuple[int, ...]
    layer_inferences: int
    arena_bytes: int
    stack_bytes: int


def check_end(lines: list[str]) -> None:
    """Raises `DeviceError` for a report that tells of a fault or does not end well."""
    for line in lines:
        if line.startswith("FAULT "):
            raise DeviceError(f"the firmware ran into a fault: {line[:_LONGEST_FAULT]}")
    status = lines[-1].partition("END status=")[2] if lines else ""
    if status != "0":
        reason = _STATUS.get(int(status), "an unknown reason") if _NUMBER.fullmatch(status) else "no END line"
        raise DeviceError(f"the firmware gave up with status={status[:_SHOWN].strip() or '?'}: {reason}")


def parse(lines: list[str]) -> Report:
    """Reads a report's lines, the last of which is the END line.

    Raises:
      DeviceError: a fault, a status other than 0, or a report with something missing or garbled.
    """
    check_end(lines)
    try:
        return _report(lines)
    except (KeyError, ValueError, IndexError) as error:
        raise DeviceError(f"the firmware's report is garbled ({error!r}): run it again") from error


def number(fields: dict[str, str], name: str, highest: int = 2**63 - 1) -> int:
    """A field's number, from `-highest` to `highest`. Raises `KeyError`, or `ValueError` for anything else."""
    text = fields[name]
    if not _NUMBER.fullmatch(text) or abs(int(text)) > highest:
        raise ValueError(f"{name}={text[:_SHOWN]}")
    return int(text)


def numbered(lines: list[dict[str, str]], count: int) -> bool:
    """Whether there are `count` lines, and their indices count from 0; `count` may be anything that a device said."""
    return len(lines) == count and all(number(line, "index") == i for i, line in enumerate(lines))


def by_kind(lines: list[str]) -> dict[str, list[dict[str, str]]]:
    """Name-value pairs of every line, in order, by the line's first word; raises ValueError for other lines."""
    found: dict[str, list[dict[str, str]]] = {}
    for line in lines:
        kind, _, rest = line.partition(" ")
        found.setdefault(kind, []).append(_fields(rest))
    return found


def _report(lines: list[str]) -> Report:
    kinds = by_kind(lines)
    banner, calibration, summary = kinds["FXP"][0], kinds["CALIBRATION"][0], kinds["SUMMARY"][0]
    layers = kinds["LAYER"]
    counted = number(summary, "clips")
    if not numbered(kinds["CLIP"], counted):
        raise ValueError(f"{len(kinds['CLIP'])} CLIP lines of {counted}")
    clips = tuple(_clip(fields) for fields in kinds["CLIP"])
    if not numbered(layers, len(layers)):
        raise ValueError("LAYER lines out of order")
    observed = int(layers[0]["inferences"])
    if not 0 < observed <= counted or any(number(layer, "inferences") != observed for layer in layers):
        raise ValueError("layers were measured over another number of inferences")
    if sum(clip.instructions for clip in clips) != number(summary, "total"):
        raise ValueError("the SUMMARY's total is not the sum of the CLIP lines")
    return Report(
        board=banner["board"],
        counter=banner["counter"],
        engine=banner["engine"],
        model_sha256=banner["model"],
        calibration_instructions=number(calibration, "instructions"),
        calibration_ticks=number(calibration, "ticks"),
        step_error=number(calibration, "step_error"),
        clips=clips,
        layer_instructions=tuple(number(layer, "instructions") for layer in layers),
        layer_inferences=observed,
        arena_bytes=number(summary, "arena"),
        stack_bytes=number(summary, "stack"),
    )


def _fields(text: str) -> dict[str, str]:
    """Name-value pairs; a label is the last one and may contain spaces."""
    text, found, label = f" {text}".partition(_LAST_FIELD)
    fields = dict(pair.split("=", 1) for pair in text.split())
    return {**fields, "label": label} if found else fields


def _clip(fields: dict[str, str]) -> Clip:
    return Clip(
        index=number(fields, "index"),
        label=fields["label"],
        score=number(fields, "score", 128),
        instructions=number(fields, "instructions"),
        logits=np.frombuffer(bytes.fromhex(fields["logits"]), np.int8),
    )
