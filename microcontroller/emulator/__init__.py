"""Emulators of Cortex-M boards, all with one interface.

    NAME, PROGRAM, version() -> str, run(board, elf, image, timeout_s) -> list of the report's lines

Both count instructions: not cycles, and never milliseconds.
"""

import shutil
from types import ModuleType

from microcontroller import boards
from microcontroller.boards import Board
from microcontroller.emulator import qemu, renode
from microcontroller.emulator.emulator_error import EmulatorError

AUTO = "auto"
_EMULATORS = {module.NAME: module for module in (qemu, renode)}
NAMES = (AUTO, *_EMULATORS)


def choose(name: str, board: Board) -> tuple[ModuleType, str]:
    """The emulator of that name, and why it was chosen.

    "auto" is QEMU, which is faster, notices stray accesses and lets cycles be estimated; Renode where that alone is on
    the PATH and has the board.

    Raises:
      EmulatorError: an unknown name, or an emulator without that board.
    """
    _check(name)
    if name == AUTO:
        return _automatic(board)
    if not board.runs_in(name):
        others = " or ".join(f"board={other}" for other in boards.names() if boards.load(other).runs_in(name))
        raise EmulatorError(f"emulator={name} has no {board.name}: choose emulator={qemu.NAME}, or {others}")
    return _EMULATORS[name], f"--emulator={name}"


def board_for(name: str, preferred: str) -> str:
    """The preferred board, or the first that the emulator of that name has where it lacks that one.

    Raises:
      EmulatorError: an unknown name.
    """
    _check(name)
    there_are = (preferred, *boards.names())
    return next(board for board in there_are if name == AUTO or boards.load(board).runs_in(name))


def _check(name: str) -> None:
    if name not in NAMES:
        raise EmulatorError(f"emulator={name} is unknown: choose one of {', '.join(NAMES)}")


def _automatic(board: Board) -> tuple[ModuleType, str]:
    if shutil.which(qemu.PROGRAM):
        return qemu, f"{qemu.PROGRAM} is on the PATH"
    missing = f"{qemu.PROGRAM} is not on the PATH"
    if not shutil.which(renode.PROGRAM):
        return qemu, f"neither {qemu.PROGRAM} nor {renode.PROGRAM} is on the PATH"
    if not board.runs_in(renode.NAME):
        return qemu, f"{missing}, and {renode.NAME} has no {board.name}"
    return renode, f"{missing}, {renode.PROGRAM} is"
