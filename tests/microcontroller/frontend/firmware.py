"""Builds and runs the front end's test firmware on an emulated Cortex-M4."""

import pathlib
import re
import subprocess

import emulated_device

from export.model.frontend_config import FrontEndConfig
from export.source import frontend_source
from microcontroller import c_sources

_FOLDER = pathlib.Path(__file__).parent
_COMPILER = "arm-none-eabi-gcc"


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
    for name, text in frontend_source.generate(config).items():
        (folder / name).write_text(text)
    own = c_sources.front_end()
    sources = [_FOLDER / main, *own.files, folder / frontend_source.SOURCE, *objects]
    numbers = emulated_device.run(folder, sources, own.include_folders, cpu=cpu, flags=flags)
    return numbers | {"flash_bytes": _flash_bytes(folder / emulated_device.ELF)}


def _flash_bytes(elf: pathlib.Path) -> int:
    """The front end's code and tables."""
    listing = subprocess.run(["arm-none-eabi-nm", "-S", elf], capture_output=True, text=True, check=True).stdout
    symbols = re.findall(r"^\w+ (\w+) [tTrR] fxp_frontend_", listing, re.M)
    return sum(int(size, 16) for size in symbols)


def compile_objects(folder: pathlib.Path, sources: list[pathlib.Path], *flags: str) -> tuple[pathlib.Path, ...]:
    """Others' C for a Cortex-M4, not held to this project's warnings."""
    target = ["-O2", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=soft", "-ffunction-sections", "-fdata-sections", "-w"]
    subprocess.run([_COMPILER, *target, *flags, "-c", *map(str, sources)], check=True, cwd=folder)
    return tuple(folder / f"{source.stem}.o" for source in sources)
