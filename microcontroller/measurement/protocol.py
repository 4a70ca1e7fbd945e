"""The firmware's report: lines of `KIND name=value ...`, described in firmware/main.c."""

import dataclasses

import numpy as np

from microcontroller.measurement.measurement_error import MeasurementError

_STATUS = {
    1: "a fault",
    2: "no clips in the mailbox",
    3: "the image of clips arrived damaged",
    4: "the stack was used up to its end: give it more bytes in microcontroller/firmware/build.py",
}
_LAST_FIELD = " label="


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
            raise DeviceError(f"the firmware ran into a fault: {line}")
    status = lines[-1].partition("END status=")[2] if lines else ""
    if status != "0":
        reason = _STATUS.get(int(status), "an unknown reason") if status.isdecimal() else "no END line"
        raise DeviceError(f"the firmware gave up with status={status or '?'}: {reason}")


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
    clips = tuple(_clip(fields) for fields in kinds["CLIP"])
    layers = kinds["LAYER"]
    counted = int(summary["clips"])
    if [clip.index for clip in clips] != list(range(counted)):
        raise ValueError(f"{len(clips)} CLIP lines of {counted}")
    if [int(layer["index"]) for layer in layers] != list(range(len(layers))):
        raise ValueError("LAYER lines out of order")
    observed = int(layers[0]["inferences"])
    if not 0 < observed <= counted or any(int(layer["inferences"]) != observed for layer in layers):
        raise ValueError("layers were measured over another number of inferences")
    if sum(clip.instructions for clip in clips) != int(summary["total"]):
        raise ValueError("the SUMMARY's total is not the sum of the CLIP lines")
    return Report(
        board=banner["board"],
        counter=banner["counter"],
        engine=banner["engine"],
        model_sha256=banner["model"],
        calibration_instructions=int(calibration["instructions"]),
        calibration_ticks=int(calibration["ticks"]),
        step_error=int(calibration["step_error"]),
        clips=clips,
        layer_instructions=tuple(int(layer["instructions"]) for layer in layers),
        layer_inferences=observed,
        arena_bytes=int(summary["arena"]),
        stack_bytes=int(summary["stack"]),
    )


def _fields(text: str) -> dict[str, str]:
    """Name-value pairs; a label is the last one and may contain spaces."""
    text, found, label = f" {text}".partition(_LAST_FIELD)
    fields = dict(pair.split("=", 1) for pair in text.split())
    return {**fields, "label": label} if found else fields


def _clip(fields: dict[str, str]) -> Clip:
    return Clip(
        index=int(fields["index"]),
        label=fields["label"],
        score=int(fields["score"]),
        instructions=int(fields["instructions"]),
        logits=np.frombuffer(bytes.fromhex(fields["logits"]), np.int8),
    )
