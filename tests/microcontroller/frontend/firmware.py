"""Builds and runs the front end's test firmware on an emulated Cortex-M4."""

import pathlib
import re
import shutil
import subprocess

import pytest

from export.host import compiler
from export.model.frontend_config import FrontEndConfig
from export.source import frontend_source
from microcontroller import c_sources

_FOLDER = pathlib.Path(__file__).parent
_COMPILER, _EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
_MEMORY = "--section-start=.vectors=0x08000000,-Ttext=0x08000040,-Tdata=0x20000000,-Tbss=0x20004000,-ereset"
_MACHINE = ("-M", "netduinoplus2", "-nographic", "-monitor", "none", "-serial", "null")
_COUNTED = ("-icount", "shift=0,sleep=off", "-semihosting-config", "enable=on,target=native")


def run(
    folder: pathlib.Path,
    main: str,
    config: FrontEndConfig,
    *,
    cpu: str = "cortex-m4",
    flags: tuple[str, ...] = (),
    objects: tuple[pathlib.Path, ...] = (),
) -> dict[str, int]:
    """Numbers that a firmware prints; its files are in `folder`.

    Args:
      main: a C file beside this one.
      cpu: what the code is for; an emulated Cortex-M4 runs it all.
      flags: more of the compiler's.
      objects: linked too.
    """
    require_tools()
    for name, text in frontend_source.generate(config).items():
        (folder / name).write_text(text)
    target = ["-O2", "-mthumb", f"-mcpu={cpu}", "-mfloat-abi=soft"]
    includes = [f"-I{path}" for path in (*c_sources.front_end().include_folders, folder, _FOLDER)]
    sources = [_FOLDER / main, *c_sources.front_end().files, folder / frontend_source.SOURCE, *objects]
    command = [_COMPILER, *compiler.C_FLAGS, *target, *includes, *flags, *map(str, sources)]
    subprocess.run([*command, "-nostartfiles", f"-Wl,{_MEMORY}", "-o", folder / "firmware.elf"], check=True)
    command = [_EMULATOR, *_MACHINE, *_COUNTED, "-kernel", "firmware.elf"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    numbers = {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", done.stdout + done.stderr, re.M)}
    assert numbers, (done.stdout + done.stderr)[:400]
    return numbers | {"flash_bytes": _flash_bytes(folder / "firmware.elf")}


def _flash_bytes(elf: pathlib.Path) -> int:
    """The front end's code and tables."""
    listing = subprocess.run(["arm-none-eabi-nm", "-S", elf], capture_output=True, text=True, check=True).stdout
    symbols = re.findall(r"^\w+ (\w+) [tTrR] fxp_frontend_", listing, re.M)
    return sum(int(size, 16) for size in symbols)


def require_tools() -> None:
    """Skips the test where there is no compiler or emulator."""
    if not shutil.which(_COMPILER) or not shutil.which(_EMULATOR):
        pytest.skip(f"{_COMPILER} or {_EMULATOR} is not installed")


def compile_objects(folder: pathlib.Path, sources: list[pathlib.Path], *flags: str) -> tuple[pathlib.Path, ...]:
    """Others' C for a Cortex-M4, not held to this project's warnings."""
    target = ["-O2", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=soft", "-ffunction-sections", "-fdata-sections", "-w"]
    subprocess.run([_COMPILER, *target, *flags, "-c", *map(str, sources)], check=True, cwd=folder)
    return tuple(folder / f"{source.stem}.o" for source in sources)
