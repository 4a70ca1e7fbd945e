"""The clock that listening takes: counted instructions, times the estimated cycles of one in an inference."""

import pathlib
from types import ModuleType
from typing import Any

from export.bundle.folder import Bundle
from export.model import interpreter
from microcontroller.boards import Board
from microcontroller.cycles import timing
from microcontroller.emulator import qemu
from microcontroller.measurement import inference
from microcontroller.measurement.engines import ENGINES, FXP

MARGIN = 0.25
"""Of the clock, for what the estimate leaves out: flash with wait states, interrupts, the program around it."""


def keep_up(instructions: int, ratio: float | None, reason: str) -> dict[str, Any]:
    """JSON values of a second of sound.

    Args:
      instructions: of that second.
      ratio: estimated cycles per instruction; None where there is no estimate, for this reason.
    """
    cycles = None if ratio is None else round(instructions * ratio)
    return {
        "cycles_per_instruction": None if ratio is None else round(ratio, 3),
        "estimated_cycles_per_second_of_audio": cycles,
        "mhz_to_keep_up": None if cycles is None else round(cycles * (1 + MARGIN) / 1e6, 3),
        "mhz_note": reason
        if ratio is None
        else f"an estimate: {ratio:.2f} cycles an instruction, as in an inference of the network, and a margin of "
        f"{100 * MARGIN:.0f} %",
    }


def cycles_per_instruction(
    bundle: Bundle, board: Board, emulator: ModuleType, profile: str, folder: pathlib.Path, timeout_s: float
) -> tuple[float | None, str]:
    """Of an inference of the network on the board; None and the reason where cycles can't be estimated.

    Raises:
      BuildError, EmulatorError, MeasurementError: the firmware can't be built, or its run failed.
    """
    if emulator is not qemu:
        return None, f"no estimate: cycles need --emulator={qemu.NAME}"
    if board.cpu != timing.CPU:
        return None, f"no estimate: the timing table is the {timing.CPU}'s, {board.name} has a {board.cpu}"
    codes, clip = bundle.golden.features[:1], bundle.golden.clips[:1]
    expected = {rounding: interpreter.run(bundle.model, codes, rounding) for rounding in interpreter.ROUNDINGS}
    bench = inference.Bench(emulator, board.name, folder, profile, timeout_s, estimate_cycles=True)
    found = inference.measure(bench, ENGINES[FXP], bundle, inference.Inputs(codes, clip, (None,), expected))
    if found["estimated_cycles"] is None:
        return None, f"no estimate: {found['estimated_cycles_note']}"
    return found["estimated_cycles"] / found["instructions_per_inference"], ""
