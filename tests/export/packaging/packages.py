"""Packages unpacked, compiled and run: on this machine, on emulated boards."""

import pathlib
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest

from export.host import compiler
from export.packaging import package, public_header
from export.packaging.library import Member
from export.packaging.package import PackageConfig
from export.packaging.public_header import Subject
from export.packaging.variants import Variant
from microcontroller import boards
from microcontroller.emulator import process
from microcontroller.firmware import build

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = ROOT / "models"
DEVICE = pathlib.Path(__file__).with_name("device")
FIRMWARE = ROOT / "microcontroller" / "firmware"
HARNESS = ("arm/fault.c", "report.c", "arm/startup.c", "counter.c", "stack.c", "mailbox.c")
TIMEOUT_S = 300.0


def made(folder: pathlib.Path, bundles: Sequence[pathlib.Path], target: str, **settings: Any) -> pathlib.Path:
    """A package, unpacked below `folder`; the folder that holds everything."""
    return made_with_members(folder, bundles, target, **settings)[0]


def made_with_members(
    folder: pathlib.Path, bundles: Sequence[pathlib.Path], target: str, **settings: Any
) -> tuple[pathlib.Path, list[Member]]:
    output = folder / f"{target}.zip"
    members = package.write(PackageConfig(tuple(bundles), target, output, **settings))
    place = folder / target
    with zipfile.ZipFile(output) as archive:
        archive.extractall(place)
    return root_of(place), members


def root_of(place: pathlib.Path) -> pathlib.Path:
    """The folder that holds everything of an unpacked package."""
    inside = list(place.iterdir())
    return inside[0] if len(inside) == 1 else place


def sources(root: pathlib.Path) -> list[pathlib.Path]:
    """The C files of a package's library."""
    return sorted((root / "src").rglob("*.c"))


def ram_bytes(subject: Subject, variant: Variant) -> int:
    """State and scratch memory of a model."""
    return public_header.state_bytes(subject, variant.plan) + public_header.scratch_bytes(subject, variant.plan)


def needs(*tools: str) -> None:
    """Skips the test where a tool isn't installed."""
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


def run(command: Sequence[object], folder: pathlib.Path, given: bytes = b"") -> str:
    """Standard output of a command that has to succeed, of what it is given on its standard input."""
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, input=given, timeout=TIMEOUT_S)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
    return done.stdout.decode()


def heard_on(
    board_name: str,
    root: pathlib.Path,
    folder: pathlib.Path,
    example: pathlib.Path,
    flags: Sequence[str] = ("-O2",),
    compiler: Sequence[object] = ("arm-none-eabi-gcc",),
) -> list[str]:
    """Lines that an example prints on a board in QEMU, the END line last.

    Args:
      flags: of the package's files and the example.
      compiler: of the package's files.
    """
    needs("arm-none-eabi-gcc", "qemu-system-arm")
    board = boards.load(board_name)
    folder.mkdir()
    (folder / "firmware_config.h").write_text(build._config(board, "package"))
    (folder / "memory.ld").write_text(build._memory(board))
    machine = [flag for flag in build.machine_flags(board) if not flag.startswith("-O")]
    command = ["-std=c11", *machine, *flags, f"-I{root / 'src'}"]
    run([*compiler, *command, "-c", *sources(root)], folder)
    run([*compiler, *command, "-Dmain=example_main", "-c", example, "-o", "example.o"], folder)
    files = [*(f"{path.stem}.o" for path in sources(root)), "example.o", DEVICE / "main.c", board.driver / "board.c"]
    files += [FIRMWARE / name for name in HARNESS]
    link = ["--specs=nano.specs", "--specs=nosys.specs", "-nostartfiles", "-Wl,--gc-sections"]
    harness = [f"-I{FIRMWARE}", f"-I{folder}", *link, f"-T{FIRMWARE / 'firmware.ld'}"]
    run(["arm-none-eabi-gcc", *command, *harness, *files, "-o", "firmware.elf"], folder)
    emulator = [
        "qemu-system-arm",
        "-M",
        board.qemu.machine,
        *board.qemu.options,
        "-kernel",
        str(folder / "firmware.elf"),
    ]
    emulator += ["-nographic", "-monitor", "none", *["-serial", "null"] * board.qemu.serial_index, "-serial", "stdio"]
    log = folder / "qemu.log"
    return process.run_until_end(emulator, folder / "uart.log", log, report_is_stdout=True, timeout_s=TIMEOUT_S)


def heard_on_rv32(root: pathlib.Path, folder: pathlib.Path, example: pathlib.Path) -> list[str]:
    """Lines that an example prints on a 32-bit RISC-V core (rv32imac) in QEMU, with picolibc."""
    needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32")
    machine = ["-march=rv32imac", "-mabi=ilp32", "--specs=picolibc.specs", "--oslib=semihost", "--crt0=hosted"]
    memory = {
        "flash": 0x80000000,
        "flash_size": 0x400000,
        "ram": 0x80400000,
        "ram_size": 0x100000,
        "stack_size": 0x2000,
    }
    link = ["-Wl,--gc-sections", *(f"-Wl,--defsym=__{name}={value:#x}" for name, value in memory.items())]
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fdata-sections"]
    command = ["riscv64-unknown-elf-gcc", *machine, *flags, f"-I{root / 'src'}", *sources(root), example, *link]
    run([*command, "-o", "clip.elf"], folder)
    emulator = [
        "qemu-system-riscv32",
        "-M",
        "virt",
        "-bios",
        "none",
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
    ]
    semihosting = ["-chardev", "stdio,id=console", "-semihosting-config", "enable=on,target=native,chardev=console"]
    return run([*emulator, *semihosting, "-kernel", "clip.elf"], folder).splitlines()


def host_flags() -> list[str]:
    return [*compiler.C_FLAGS, "-Wshadow", "-O2"]
