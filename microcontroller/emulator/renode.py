"""Renode: one tick of the board's counter per instruction, by the frequencies of the project's own platform."""

import pathlib
import re
import shutil

from microcontroller.boards import Board, Renode
from microcontroller.emulator import process
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware.clip_image import ClipImage

NAME = "renode"
PROGRAM = "renode"
SETUP = "setup.resc"
OLDEST = (1, 15, 2)
"""--disable-gui is newer than 1.14, and the board's timer counts exactly from this version on."""
COMPLAINTS = (
    "There was an error executing command",
    "Could not tokenize here:",
    "No such command or device:",
    "No such variable:",
    "Could not find file",
)
"""After these Renode gives a script up and waits for commands."""
_FOLDER = pathlib.Path(__file__).parent
_SCRIPT = "bench.resc"
_REPORT = "uart.log"
_VIRTUAL_SECONDS = 3600
_REMEDY = "install Renode 1.16 (renode.io), or choose emulator=qemu"
_VERSION = re.compile(r"\bv(?:ersion )?(\d+)\.(\d+)(?:\.(\d+))?")
# A blank ends a path in a script, a semicolon a command.
_END_OF_PATH = re.compile(r"[\s;]")


def _program() -> str:
    path = shutil.which(PROGRAM)
    if path is None:
        raise EmulatorError(f"{PROGRAM} not found: {_REMEDY}")
    return path


def version() -> str:
    """What --version prints first; raises `EmulatorError` where Renode is missing, broken or older than `OLDEST`."""
    printed = process.version(_program())
    found = _VERSION.search(printed)
    if found is None:
        raise EmulatorError(f"{PROGRAM} --version prints {printed[:100]!r} and no version: {_REMEDY}")
    if tuple(int(part or 0) for part in found.groups()) < OLDEST:
        raise EmulatorError(f"{printed[:100]} is older than {'.'.join(map(str, OLDEST))}: {_REMEDY}")
    return printed


def _of(board: Board) -> Renode:
    if board.renode is None:
        raise EmulatorError(f"there is no Renode platform for {board.name}: choose emulator=qemu")
    return board.renode


def setup_script(board: Board, elf: pathlib.Path, image: ClipImage, folder: pathlib.Path) -> str:
    """Text that loads firmware, image and mailbox, ready to run.

    Args:
      folder: holds copies of bench.resc and the board's platform description; receives uart.log.

    Raises:
      EmulatorError: a board that Renode has not, or a path that its scripts can't take.
    """
    paths = {
        "platform": folder / _of(board).platform,
        "bin": elf,
        "image": image.path,
        "uart_log": folder / _REPORT,
        "script": folder / _SCRIPT,
    }
    for path in paths.values():
        if _END_OF_PATH.search(str(path)):
            raise EmulatorError(
                f"Renode's scripts can't take a path with spaces or semicolons ({path}): give build_dir=... without"
            )
    script = paths.pop("script")
    lines = [f"${name}=@{path}" for name, path in paths.items()]
    lines += [f"$image_address={image.address:#010x}", f"include @{script}"]
    lines += [f"sysbus WriteDoubleWord {address:#010x} {word:#010x}" for address, word in image.mailbox]
    return "\n".join(lines) + "\n"


def run_script(setup: pathlib.Path) -> str:
    """Text that runs what `setup` loads; the host ends it at the firmware's END line.

    Virtual time advances second by second (100 million instructions each) and not in one go, so that Renode
    answers in between; after the END line the firmware sleeps and what is left passes quickly.
    """
    return f"include @{setup}\n" + 'emulation RunFor "1"\n' * _VIRTUAL_SECONDS + "quit\n"


def run(board: Board, elf: pathlib.Path, image: ClipImage, timeout_s: float) -> list[str]:
    """Lines of the firmware's report, up to the END line; the scripts stay in the ELF's folder.

    Raises:
      EmulatorError: Renode is missing, lacks the board or stops, or there is no END line within `timeout_s` of wall
        clock.
    """
    program = _program()
    folder = elf.parent
    for name in (_SCRIPT, _of(board).platform):
        shutil.copyfile(_FOLDER / name, folder / name)
    (folder / SETUP).write_text(setup_script(board, elf, image, folder), encoding="utf-8")
    (folder / "run.resc").write_text(run_script(folder / SETUP), encoding="utf-8")
    command = [program, "--disable-gui", "--console", "--plain", str(folder / "run.resc")]
    return process.run_until_end(
        command,
        folder / _REPORT,
        folder / "renode.log",
        report_is_stdout=False,
        timeout_s=timeout_s,
        complaints=COMPLAINTS,
    )
