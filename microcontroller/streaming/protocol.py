"""The streaming firmware's report: lines of `KIND name=value ...`, described in firmware/streaming/main.c."""

import dataclasses

import numpy as np

from microcontroller.measurement import protocol
from microcontroller.measurement.protocol import DeviceError, number

FRONTEND, NETWORK, DETECTOR = "frontend", "network", "detector"
PARTS = (FRONTEND, NETWORK, DETECTOR)
_MOST_CLASSES = 2**15


@dataclasses.dataclass(frozen=True)
class Part:
    """What the calls of a part took.

    Attributes:
      calls: how many.
      instructions: of all of them.
      most: of the one that took most.
    """

    calls: int
    instructions: int
    most: int


@dataclasses.dataclass(frozen=True)
class Report:
    """One run of the firmware.

    Attributes:
      model_sha256, frontend_sha256: of the integer model and of the front end's parameters that its C was written from.
      hops: of 20 ms, that it took.
      calibration_instructions, calibration_ticks: of a loop of known length.
      step_error: largest error of the count of a loop's single turn, in instructions.
      logits: int8 [steps, labels].
      classes: int32 [steps], the class that was detected in a step, -1 for none.
      labels: the device's word for each detection, in order.
      parts: by name, `PARTS`.
      memory: bytes of RAM by name: `PARTS` (what lasts), scratch, frames, stack (high-water mark, harness included).
    """

    model_sha256: str
    frontend_sha256: str
    hops: int
    calibration_instructions: int
    calibration_ticks: int
    step_error: int
    logits: np.ndarray
    classes: np.ndarray
    labels: tuple[str, ...]
    parts: dict[str, Part]
    memory: dict[str, int]


def parse(lines: list[str]) -> Report:
    """Reads a report's lines, the last of which is the END line.

    Raises:
      DeviceError: a fault, a status other than 0, or a report with something missing or garbled.
    """
    protocol.check_end(lines)
    try:
        return _report(lines)
    except (KeyError, ValueError, IndexError) as error:
        raise DeviceError(f"the firmware's report is garbled ({error!r}): run it again") from error


def _report(lines: list[str]) -> Report:
    kinds = protocol.by_kind(lines)
    banner, calibration, steps = kinds["FXP"][0], kinds["CALIBRATION"][0], kinds["STEP"]
    parts = {
        line["name"]: Part(number(line, "calls"), number(line, "instructions"), number(line, "most"))
        for line in kinds["PART"]
    }
    hops = number(banner, "hops")
    if tuple(parts) != PARTS:
        raise ValueError(f"{len(parts)} PART lines, expected {', '.join(PARTS)}")
    if parts[FRONTEND].calls != hops:
        raise ValueError(f"{parts['frontend'].calls} of {hops} hops")
    if not protocol.numbered(steps, parts[DETECTOR].calls):
        raise ValueError(f"{len(steps)} STEP lines of {parts['detector'].calls}")
    memory = {name: number(kinds["MEMORY"][0], name) for name in kinds["MEMORY"][0]}
    if tuple(memory) != (*PARTS, "scratch", "frames", "stack"):
        raise ValueError(f"MEMORY line of {len(memory)} fields, expected other ones")
    return Report(
        model_sha256=banner["model"],
        frontend_sha256=banner["frontend"],
        hops=hops,
        calibration_instructions=number(calibration, "instructions"),
        calibration_ticks=number(calibration, "ticks"),
        step_error=number(calibration, "step_error"),
        logits=np.stack([np.frombuffer(bytes.fromhex(step["logits"]), np.int8) for step in steps]),
        classes=np.array([number(step, "class", _MOST_CLASSES) for step in steps], np.int32),
        labels=tuple(step["label"] for step in steps if number(step, "class") >= 0),
        parts=parts,
        memory=memory,
    )
