"""QEMU: the board's counter ticks in proportion to instructions under -icount, and unmapped accesses fault."""

import pathlib
import re
import shutil
from collections.abc import Sequence

from microcontroller.boards import ARM, RISCV, Board
from microcontroller.emulator import process
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.emulator.process import Stopped
from microcontroller.firmware.clip_image import ClipImage

NAME = "qemu"
PROGRAM = "qemu-system-arm"
# Of each instruction set: the program and Debian's package of it.
_PROGRAMS = {ARM: (PROGRAM, "qemu-system-arm"), RISCV: ("qemu-system-riscv32", "qemu-system-misc")}
_QUOTED = 200


_FATAL = re.compile(r"^qemu: fatal: ([^\n]*)$.*?\bR15=([0-9a-f]{8})", re.MULTILINE | re.DOTALL)


class Lockup(EmulatorError):
    """The emulated core could not go on, as after a fault while it took a fault.

    Attributes:
      pc: where it was.
    """

    def __init__(self, reason: str, pc: int) -> None:
        super().__init__(reason)
        self.pc = pc


def program(instruction_set: str = ARM) -> str:
    """QEMU's path; raises `EmulatorError` where it is missing."""
    name, package = _PROGRAMS[instruction_set]
    path = shutil.which(name)
    if path is None:
        raise EmulatorError(f"{name} not found: run make setup (or apt-get install {package})")
    return path


def version() -> str:
    """The first line of --version; raises `EmulatorError` where QEMU is missing or broken."""
    return process.version(program())


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
      Lockup: the core could not go on.
      EmulatorError: QEMU is missing or stops, or there is no END line within `timeout_s` of wall clock.
    """
    command = [program(board.instruction_set), *arguments(board, elf, image), *options]
    report, log = elf.with_name("uart.log"), elf.with_name("qemu.log")
    try:
        return process.run_until_end(command, report, log, report_is_stdout=True, timeout_s=timeout_s)
    except Stopped as error:
        if fatal := _FATAL.search(log.read_text(encoding="utf-8", errors="replace")):
            raise Lockup(f"{PROGRAM} says: {fatal[1][:_QUOTED]}", int(fatal[2], 16)) from error
        raise


def escaped(path: pathlib.Path) -> str:
    """A path as a value in QEMU's option lists, where a comma is doubled."""
    return str(path).replace(",", ",,")
