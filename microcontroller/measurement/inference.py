"""One engine on one bundle: built, run in the emulator, compared code by code, counted and weighed."""

import dataclasses
import pathlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from export.bundle.folder import Bundle
from export.model.integer_model import IntegerModel
from export.plan import plan
from microcontroller import boards
from microcontroller.boards import Board
from microcontroller.cycles import timing
from microcontroller.cycles.counts import Unavailable
from microcontroller.cycles.estimate import Estimate, estimate
from microcontroller.emulator import qemu, renode, robot
from microcontroller.firmware import build, clip_image, memory
from microcontroller.firmware.build import Firmware, Kernels
from microcontroller.measurement import device_run, protocol
from microcontroller.measurement.engines import Code, Engine
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.measurement.protocol import Report

CALIBRATION_TOLERANCE = 1e-4
"""Largest relative deviation from the board's ticks per instruction: what a whole run could be off by."""
STEP_TOLERANCE = 16
"""Largest error, in instructions, of a loop's single turn: 0 in QEMU; Renode may count whole blocks."""
ESTIMATE_NOTE = (
    f"an estimate: the {timing.CPU}'s timing table over the executed instructions of one inference, "
    "with zero wait states"
)
_MISMATCHES_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What is run.

    Attributes:
      codes: int8 [n, height, width, channels].
      names: of each input.
      spoken: the true label, where there is one.
      expected: the exact interpreter's logit codes by rounding, int8 [n, labels] each.
    """

    codes: np.ndarray
    names: tuple[str, ...]
    spoken: tuple[str | None, ...]
    expected: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Bench:
    """Where and how to run.

    Attributes:
      emulator: a module of `emulator`.
      board: a folder of `boards`.
      folder: for firmware and images; every engine has its own below.
      profile: of this project's kernels, one of `engines.PROFILE_NAMES`.
      timeout_s: limit on the wall clock of one emulator run.
      estimate_cycles: whether to run once more, for estimated cycles.
      observed: how many inputs of every emulator run are run again for the layers' counts; None for all.
    """

    emulator: ModuleType
    board: str
    folder: pathlib.Path
    profile: str
    timeout_s: float
    estimate_cycles: bool
    observed: int | None = None


def build_engine(bench: Bench, engine: Engine, bundle: Bundle, kernels: Kernels | None = None) -> tuple[Code, Firmware]:
    """An engine's code for a bundle, built.

    Args:
      kernels: the engine's, compiled for the board before; None to compile them now.

    Raises:
      BuildError: no toolchain, or a model that does not fit (`DoesNotFit`).
      MeasurementError: an engine or a profile that has no code for the model.
    """
    folder = bench.folder / engine.name
    board = boards.load(bench.board)
    code = engine.code(bundle, board, bench.profile, folder / "c")
    return code, build.build(code.folder, folder, bench.board, kernels or engine.kernels(board))


def measure(
    bench: Bench, engine: Engine, bundle: Bundle, inputs: Inputs, built: tuple[Code, Firmware] | None = None
) -> dict[str, Any]:
    """What `docs/microcontroller.md` lists per engine.

    Args:
      built: what `build_engine` gives; None to build now.

    Raises:
      BuildError, EmulatorError, MeasurementError: a program is missing, the model does not fit, or the run failed.
    """
    code, firmware = built or build_engine(bench, engine, bundle)
    expected = inputs.expected[engine.rounding]
    observed = range(len(bundle.model.layers)) if code.profile is None else plan(bundle.model, code.profile).observed()
    reports = _run(bench, firmware, inputs.codes, expected)
    for report in reports:
        _check(report, firmware.board, bundle.model)
    return {
        "engine": engine.name,
        "profile": code.profile,
        "origin": code.origin,
        "rounding": engine.rounding,
        "counter": counter_note(firmware.board, max(report.step_error for report in reports)),
        "compiler": firmware.compiler,
        **_instructions(bundle.model, reports, *_cycles(bench, firmware, inputs.codes, reports, observed)),
        **_memory(firmware, reports),
        **_answers(bundle.model.labels, inputs, expected, reports),
    }


def _run(bench: Bench, firmware: Firmware, codes: np.ndarray, expected: np.ndarray) -> list[Report]:
    """One report per emulator run; as many runs as flash asks for."""
    folder, size = firmware.elf.parent, clip_image.capacity(firmware, codes[0].size)
    reports = []
    for start in range(0, len(codes), size):
        part = codes[start : start + size]
        image = clip_image.write(folder / f"clips{start}.bin", firmware, part, bench.observed)
        if bench.emulator is renode:
            robot.write(folder, expected[start : start + size])
        reports.append(protocol.parse(device_run.run(bench.emulator, firmware, image, bench.timeout_s)))
    return reports


def counter_note(board: Board, step_error: int) -> str:
    """What counted the instructions, in words.

    Args:
      step_error: largest error of the count of a loop's single turn, in instructions.
    """
    ticks = board.ticks_per_instruction
    rate = "one tick" if ticks == 1 else f"{float(ticks):g} ticks"
    exact = "exact" if step_error == 0 else f"exact to {step_error} instructions"
    return f"{board.counter}, {rate} per instruction: {exact} in the calibration"


def check_counter(board: Board, ticks: int, instructions: int, step_error: int) -> None:
    """Raises `MeasurementError` for a counter that did not count instructions.

    Args:
      ticks: the board's own, for a loop of so many `instructions`.
      step_error: largest error of the count of a loop's single turn, in instructions.
    """
    ratio, expected = ticks / instructions, float(board.ticks_per_instruction)
    excess = abs(ratio / expected - 1)
    steps = step_error > STEP_TOLERANCE
    # A counter in steps is off by up to two of them in the long loop, more or less as its phase happens to be. A step
    # is a turn's two instructions more than its error, so less than one and a half times as much.
    if excess > CALIBRATION_TOLERANCE and not (steps and excess * instructions <= 3 * step_error):
        raise MeasurementError(
            f"the counter {board.counter} ticked {ticks} times for "
            f"{instructions} instructions ({ratio:.4f} per instruction, expected {expected:g}): "
            "the counts mean nothing; run the emulator with this project's own settings"
        )
    if steps:
        raise MeasurementError(
            f"the counter {board.counter} moves in steps: two loops that differ by one turn differed by up to "
            f"{step_error} instructions from what that turn takes; the counts are too coarse to be given"
        )


def _check(report: Report, board: Board, model: IntegerModel) -> None:
    """Raises `MeasurementError` for a report that can't be trusted or is another model's."""
    if report.model_sha256 != model.sha256:
        raise MeasurementError(
            f"the bundle's C is of model {report.model_sha256[:12]}, its integer model is {model.sha256[:12]}: "
            "write the bundle again with python -m export.convert"
        )
    check_counter(board, report.calibration_ticks, report.calibration_instructions, report.step_error)
    if len(report.layer_instructions) != len(model.layers):
        raise MeasurementError(
            f"the firmware has {len(report.layer_instructions)} layers, the model {len(model.layers)}"
        )


def _cycles(
    bench: Bench, firmware: Firmware, codes: np.ndarray, reports: list[Report], observed: Sequence[int]
) -> tuple[Estimate | None, str]:
    """Estimated cycles of the first input, and what they are; None and the reason where there are none."""
    if not bench.estimate_cycles:
        return None, "left out: --estimate_cycles=false"
    if bench.emulator is not qemu:
        return None, f"left out: they need --emulator={qemu.NAME}"
    image = clip_image.write(firmware.elf.parent / "first.bin", firmware, codes[:1])
    first = reports[0].clips[0].instructions
    try:
        found = estimate(firmware, image, observed, bench.timeout_s)
    except Unavailable as reason:
        return None, f"left out: {reason}"
    if abs(found.instructions - first) > CALIBRATION_TOLERANCE * first:
        return None, f"left out: QEMU's plugin saw {found.instructions} instructions, the firmware counted {first}"
    return found, ESTIMATE_NOTE


def _instructions(model: IntegerModel, reports: list[Report], estimated: Estimate | None, note: str) -> dict[str, Any]:
    counts = [clip.instructions for report in reports for clip in report.clips]
    mean = round(sum(counts) / len(counts))
    observed = sum(report.layer_inferences for report in reports)
    layers = []
    for i, layer in enumerate(model.layers):
        total = sum(report.layer_instructions[i] for report in reports)
        layers.append(
            {
                "name": layer.name,
                "op": layer.op,
                "macs": layer.macs,
                "instructions": round(total / observed),
                "estimated_cycles": estimated.layers[i] if estimated else None,
            }
        )
    return {
        "inferences": len(counts),
        "instructions_per_inference": mean,
        "instructions_min": min(counts),
        "instructions_max": max(counts),
        "instructions_per_mac": round(mean / model.macs, 3) if model.macs else None,
        "estimated_cycles": estimated.cycles if estimated else None,
        "estimated_cycles_note": note,
        "macs": model.macs,
        "layers": layers,
    }


def _memory(firmware: Firmware, reports: list[Report]) -> dict[str, Any]:
    stack = max(report.stack_bytes for report in reports)
    # An arena that is larger than the model turns out to need is weighed by what is used of it.
    ram = memory.ram_by_section(firmware.sections, stack) | {"arena": reports[0].arena_bytes}
    return {
        "arena_bytes": reports[0].arena_bytes,
        "stack_bytes": stack,
        "ram_bytes": sum(ram.values()),
        "ram_sections": ram,
        "flash_bytes": sum(section.bytes for section in firmware.sections if section.in_flash),
        "flash_sections": memory.flash_by_section(firmware.sections),
    }


def _answers(labels: tuple[str, ...], inputs: Inputs, expected: np.ndarray, reports: list[Report]) -> dict[str, Any]:
    """Predictions, and the logit codes that are not the expected ones, int8 [n, labels]."""
    clips = [clip for report in reports for clip in report.clips]
    device = np.stack([clip.logits for clip in clips])
    if device.shape != expected.shape:
        raise MeasurementError(f"the firmware answered logits {device.shape}, expected {expected.shape}")
    wrong = np.argwhere(device != expected)
    predictions = [
        {"clip": name, "label": clip.label, "expected": labels[int(logits.argmax())], "spoken": spoken}
        for name, clip, logits, spoken in zip(inputs.names, clips, expected, inputs.spoken, strict=True)
    ]
    return {
        "mismatches": len(wrong),
        "mismatch_examples": [
            {
                "clip": inputs.names[i],
                "logit": labels[j],
                "device": int(device[i, j]),
                "expected": int(expected[i, j]),
            }
            for i, j in wrong[:_MISMATCHES_NAMED]
        ],
        "predictions": predictions,
    }
