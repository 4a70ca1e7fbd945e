"""Emulators of Cortex-M boards, all with one interface.

    NAME, version() -> str, run(board, elf, image, timeout_s) -> list of the report's lines

Both count instructions: not cycles, and never milliseconds.
"""

import shutil
from types import ModuleType

from cli.command import UserError
from microcontroller.boards import Board
from microcontroller.emulator import qemu, renode

AUTO = "auto"
_EMULATORS = {module.NAME: module for module in (qemu, renode)}
NAMES = (AUTO, *_EMULATORS)


def choose(name: str, board: Board) -> tuple[ModuleType, str]:
    """The emulator of that name, and why it was chosen.

    "auto" is Renode where it is on the PATH and has the board, else QEMU.

    Raises:
      UserError: an unknown name, or an emulator without that board.
    """
    if name == AUTO:
        if not board.runs_in(renode.NAME):
            return qemu, f"renode has no {board.name}"
        if shutil.which(renode.PROGRAM):
            return renode, "renode is on the PATH"
        return qemu, "renode is not on the PATH"
    if name not in _EMULATORS:
        raise UserError(f"--emulator={name} is unknown: choose one of {', '.join(NAMES)}")
    if not board.runs_in(name):
        raise UserError(f"--emulator={name} has no {board.name}: choose --emulator={qemu.NAME}")
    return _EMULATORS[name], f"--emulator={name}"
