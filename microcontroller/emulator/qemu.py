"""QEMU: the board's counter ticks in proportion to instructions under -icount, and unmapped accesses fault."""

import pathlib
import shutil
from collections.abc import Sequence

from microcontroller.boards import Board
from microcontroller.emulator import process
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware.clip_image import ClipImage

NAME = "qemu"
PROGRAM = "qemu-system-arm"


def _program() -> str:
    path = shutil.which(PROGRAM)
    if path is None:
        raise EmulatorError(f"{PROGRAM} not found: run make setup (or apt-get install qemu-system-arm)")
    return path


def version() -> str:
    """The first line of --version; raises `EmulatorError` where QEMU is missing or broken."""
    return process.version(_program())


def arguments(board: Board, elf: pathlib.Path, image: ClipImage) -> list[str]:
    """QEMU's arguments: count instructions, report on standard output, load image and mailbox."""
    command = ["-M", board.qemu.machine, *board.qemu.options]
    command += ["-kernel", str(elf), "-nographic", "-monitor", "none"]
    command += ["-icount", f"shift={board.qemu.icount_shift},sleep=off"]
    command += ["-serial", "null"] * board.qemu.serial_index + ["-serial", "stdio"]
    command += ["-device", f"loader,file={escaped(image.path)},addr={image.address:#x},force-raw=on"]
    for address, word in image.mailbox:
        command += ["-device", f"loader,addr={address:#x},data={word:#x},data-len=4"]
    return command


def run(board: Board, elf: pathlib.Path, image: ClipImage, timeout_s: float, options: Sequence[str] = ()) -> list[str]:
    """Lines of the firmware's report, up to the END line; what QEMU prints stays in the ELF's folder.

    Args:
      options: more of QEMU's arguments.

    Raises:
      EmulatorError: QEMU is missing or stops, or there is no END line within `timeout_s` of wall clock.
    """
    command = [_program(), *arguments(board, elf, image), *options]
    report, log = elf.with_name("uart.log"), elf.with_name("qemu.log")
    return process.run_until_end(command, report, log, report_is_stdout=True, timeout_s=timeout_s)


def escaped(path: pathlib.Path) -> str:
    """A path as a value in QEMU's option lists, where a comma is doubled."""
    return str(path).replace(",", ",,")
