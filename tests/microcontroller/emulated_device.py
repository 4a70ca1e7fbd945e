"""Builds a test's own firmware and runs it on an emulated Cortex-M4, which reads and writes files of its folder."""

import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence

import pytest

from export.host import compiler

SEMIHOSTING = pathlib.Path(__file__).parent / "frontend"
_COMPILER, _EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
_MEMORY = "--section-start=.vectors=0x08000000,-Ttext=0x08000040,-Tdata=0x20000000,-Tbss=0x20004000,-ereset"
_MACHINE = ("-M", "netduinoplus2", "-nographic", "-monitor", "none", "-serial", "null")
_COUNTED = ("-icount", "shift=0,sleep=off", "-semihosting-config", "enable=on,target=native")
ELF = "firmware.elf"


def require_tools() -> None:
    """Skips the test where there is no compiler or emulator."""
    if not shutil.which(_COMPILER) or not shutil.which(_EMULATOR):
        pytest.skip(f"{_COMPILER} or {_EMULATOR} is not installed")


def compiler_command(cpu: str = "cortex-m4") -> list[str]:
    """The compiler, and its flags for a core."""
    return [_COMPILER, *compiler.C_FLAGS, "-O2", "-mthumb", f"-mcpu={cpu}", "-mfloat-abi=soft"]


def run(
    folder: pathlib.Path,
    sources: Iterable[pathlib.Path],
    include_folders: Iterable[pathlib.Path],
    *,
    cpu: str = "cortex-m4",
    flags: Sequence[str] = (),
) -> dict[str, int]:
    """Numbers that a firmware prints, by name; its files are in `folder`.

    Args:
      sources: C files, and objects that are linked.
      include_folders: beside `folder` and that of semihosting.h.
      cpu: what the code is for; an emulated Cortex-M4 runs it all.
      flags: more of the compiler's.
    """
    require_tools()
    includes = [f"-I{path}" for path in (*include_folders, SEMIHOSTING, folder)]
    command = [*compiler_command(cpu), *includes, *flags, *map(str, sources)]
    subprocess.run([*command, "-nostartfiles", f"-Wl,{_MEMORY}", "-o", folder / ELF], check=True)
    command = [_EMULATOR, *_MACHINE, *_COUNTED, "-kernel", ELF]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    numbers = {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", done.stdout + done.stderr, re.M)}
    assert numbers, (done.stdout + done.stderr)[:400]
    return numbers
