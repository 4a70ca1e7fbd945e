"""Builds the firmware: a bundle's generated C, the engine, the harness and a board, with a GCC for bare metal."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
from collections.abc import Sequence

from export.host import compiler, kept_objects
from export.source import detector_source, frontend_source, self_test_source, stream_source
from microcontroller import boards, c_sources
from microcontroller.boards import ARM, MAILBOX_BYTES, RISCV, Board
from microcontroller.firmware.build_error import BuildError
from microcontroller.firmware.memory import Section, read_sections

STACK_BYTES = 8192
MAILBOX_MAGIC = 0x46585043
_FIRMWARE = pathlib.Path(__file__).parent
_INFERENCE_ONLY = ("main.c", "measure.c")
_STARTING = ("startup.c", "fault.c")
# Of each instruction set: the tools' names and Debian's packages of them.
_TOOLS = {
    ARM: ("arm-none-eabi-", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    RISCV: ("riscv64-unknown-elf-", "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
}
_VERSION_TIMEOUT_S = 60.0
# Of C++'s own headers, whose names have no dot.
_NO_CXX_HEADER = re.compile(r"fatal error: \w+: No such file")
_CXX_HEADERS = "; install the compiler's C++ headers (apt-get install libstdc++-arm-none-eabi-newlib)"
_TARGET_FLAGS = ("-O2", "-ffunction-sections", "-fdata-sections")
# Small data in sections of its own would need a register that nothing here sets.
_RISCV_FLAGS = ("-mabi=ilp32", "-misa-spec=2.2", "--specs=picolibc.specs", "-msmall-data-limit=0")


@dataclasses.dataclass(frozen=True)
class Kernels:
    """The C functions that a generated model calls.

    Attributes:
      name: of the engine, as the firmware reports it.
      sources: C files, linked as an archive with the model.
      include_dirs: for these and for the model.
      c_flags: language and warnings; code that is not this project's is not held to its warnings.
      libraries: archives, linked behind the sources that call them.
      link_flags: for these.
      float_abi: of the whole firmware, in place of the board's; None for that.
      generated: whether the sources include what is generated for a model; else one compilation serves all models.
    """

    name: str
    sources: tuple[pathlib.Path, ...]
    include_dirs: tuple[pathlib.Path, ...] = ()
    c_flags: tuple[str, ...] = compiler.C_FLAGS
    libraries: tuple[pathlib.Path, ...] = ()
    link_flags: tuple[str, ...] = ()
    float_abi: str | None = None
    generated: bool = False


@dataclasses.dataclass(frozen=True)
class Program:
    """What a firmware does besides starting, counting and reporting.

    Attributes:
      generated: C files of a bundle's c/.
      harness: C files that call them.
      sources: C files of this project that the generated ones need besides the kernels.
      include_dirs: of these.
      macros: that all of these see, such as FXP_CHECK_TABLES.
    """

    generated: tuple[str, ...]
    harness: tuple[pathlib.Path, ...]
    sources: tuple[pathlib.Path, ...] = ()
    include_dirs: tuple[pathlib.Path, ...] = ()
    macros: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Firmware:
    """A linked firmware.

    Attributes:
      elf, map: files.
      board: it runs on.
      compiler: first line of the compiler's --version, and the optimization level.
      sections: of the ELF, in order of address.
    """

    elf: pathlib.Path
    map: pathlib.Path
    board: Board
    compiler: str
    sections: tuple[Section, ...]

    @property
    def flash_end(self) -> int:
        """The first address in flash behind the firmware."""
        return max(section.load_address + section.bytes for section in self.sections if section.in_flash)


class DoesNotFit(BuildError):
    """A model and its inputs that a board's memory can't take."""


def tool(name: str, instruction_set: str = ARM) -> str:
    """Path of a program of a toolchain ("gcc", "ar", "objdump"); raises `BuildError` where it is missing."""
    prefix, packages = _TOOLS[instruction_set]
    path = shutil.which(prefix + name)
    if path is None:
        raise BuildError(f"{prefix}{name} not found: run make setup (or apt-get install {packages})")
    return path


def own_kernels() -> Kernels:
    """This project's engine."""
    return Kernels("fxp", c_sources.engine().files)


def inference() -> Program:
    """The network on clips' features."""
    return Program(("fxp_model.c",), (*_shared(), *(_FIRMWARE / name for name in _INFERENCE_ONLY)))


def streaming() -> Program:
    """Front end, streaming network and detector on a recording."""
    front_end, detector = c_sources.front_end(), c_sources.detector()
    return Program(
        (frontend_source.SOURCE, stream_source.SOURCE, detector_source.SOURCE),
        (*_shared(), _FIRMWARE / "streaming" / "main.c"),
        (*front_end.files, *detector.files),
        (*front_end.include_folders, *detector.include_folders),
    )


def many_models(generated: Sequence[str]) -> Program:
    """A table of networks, each told by checksums; `generated` are its C files."""
    many, sums = c_sources.many_models(), c_sources.checksum()
    harness = (*_shared(), _FIRMWARE / "many_models" / "main.c")
    return Program(
        tuple(generated), harness, (*many.files, *sums.files), (*many.include_folders, *sums.include_folders)
    )


def self_test(streams: bool) -> Program:
    """The test of all tables: the network's, and those of front end, streaming network and detector with `streams`."""
    parts = (c_sources.self_test(), *((c_sources.front_end(), c_sources.detector()) if streams else ()))
    hearing = (frontend_source.SOURCE, stream_source.SOURCE, detector_source.SOURCE) if streams else ()
    return Program(
        ("fxp_model.c", *hearing),
        (*_shared(), _FIRMWARE / "self_test" / "main.c"),
        tuple(file for part in parts for file in part.files),
        tuple(folder for part in parts for folder in part.include_folders),
        (self_test_source.GUARD, *(("FIRMWARE_HEARS_STREAMS",) if streams else ())),
    )


def _shared() -> list[pathlib.Path]:
    return sorted(path for path in _FIRMWARE.glob("*.c") if path.name not in _INFERENCE_ONLY)


def compiled(kernels: Kernels, board: str, out_dir: str | pathlib.Path) -> Kernels:
    """The same kernels with their sources as `out_dir`/libkernels.a: for many models on one board.

    Raises:
      BoardError: an unknown board.
      BuildError: no toolchain, C that does not compile, or a folder that can't be written.
    """
    target, out = boards.load(board), pathlib.Path(out_dir).resolve()
    archive = out / "libkernels.a"
    try:
        out.mkdir(parents=True, exist_ok=True)
        archive.unlink(missing_ok=True)
    except OSError as error:
        raise BuildError(f"can't write to {out_dir}: {error.strerror}") from error
    _compile_kernels(kernels, target, out, c_sources.include_flags(c_sources.engine()))
    objects = [f"{path.stem}.o" for path in kernels.sources]
    _run([tool("ar", target.instruction_set), "rcsD", archive.name, *objects], out, target)
    return dataclasses.replace(kernels, sources=(), libraries=(archive, *kernels.libraries))


def build(
    c_folder: str | pathlib.Path,
    out_dir: str | pathlib.Path,
    board: str = "stm32f4",
    kernels: Kernels | None = None,
    program: Program | None = None,
) -> Firmware:
    """Compiles and links `out_dir`/firmware.elf.

    Args:
      c_folder: the generated C that the program names.
      out_dir: for objects, ELF and map; made where it does not exist.
      kernels: what the model calls; None for this project's engine.
      program: what the firmware does; None for inferences.

    Raises:
      DoesNotFit: the model exceeds the board's memory.
      BoardError: an unknown board.
      BuildError: no toolchain, or C that does not compile.
    """
    target, kernels, program = boards.load(board), kernels or own_kernels(), program or inference()
    gcc, archiver, dumper = (tool(name, target.instruction_set) for name in ("gcc", "ar", "objdump"))
    c_folder, out = pathlib.Path(c_folder).resolve(), pathlib.Path(out_dir).resolve()
    generated = [c_folder / name for name in program.generated]
    for path in generated:
        if not path.is_file():
            raise BuildError(f"{c_folder} has no {path.name}: write the bundle again with python -m export.convert")
    try:
        (out / "engine").mkdir(parents=True, exist_ok=True)
        (out / "firmware").mkdir(exist_ok=True)
        (out / "firmware_config.h").write_text(_config(target, kernels.name), encoding="utf-8")
        (out / "memory.ld").write_text(_memory(target), encoding="utf-8")
        (out / "libengine.a").unlink(missing_ok=True)
        # Under names by which firmware.ld knows the engine's parts.
        archives = [f"libengine_{i}.a" for i, library in enumerate(kernels.libraries)]
        for archive, library in zip(archives, kernels.libraries, strict=True):
            shutil.copyfile(library, out / archive)
    except OSError as error:
        raise BuildError(f"can't write to build_dir={out_dir}: {error.strerror}") from error

    machine, foreign = machine_flags(target, kernels.float_abi), _foreign(kernels)
    folders = (*c_sources.engine().include_folders, *program.include_dirs, c_folder, _FIRMWARE, out)
    includes = [f"-I{folder}" for folder in folders]
    macros = [f"-D{macro}" for macro in program.macros]
    compile_model = [gcc, *compiler.C_FLAGS, *machine, *includes, *foreign, *macros, "-c"]
    model = [*generated, *program.sources]
    starting = (_FIRMWARE / target.instruction_set / name for name in _STARTING)
    harness = [*program.harness, *starting, target.driver / "board.c"]
    _run([*compile_model, *map(str, model)], out / "engine", target)
    _compile_kernels(kernels, target, out / "engine", includes)
    _run([*compile_model, *map(str, harness)], out / "firmware", target)
    objects = [f"engine/{path.stem}.o" for path in (*model, *kernels.sources)]
    _run([archiver, "rcsD", "libengine.a", *objects], out, target)
    link = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-Map=firmware.map")
    objects = [f"firmware/{path.stem}.o" for path in harness]
    script = ("-L.", f"-T{_FIRMWARE / 'firmware.ld'}")
    libraries = ["libengine.a", *archives, *kernels.link_flags]
    _run([gcc, *machine, *link, *script, *objects, *libraries, "-o", "firmware.elf"], out, target)

    version = _run([gcc, "--version"], out, target, _VERSION_TIMEOUT_S).splitlines()[0]
    elf = out / "firmware.elf"
    sections = read_sections(_run([dumper, "-h", "-w", str(elf)], out, target), target)
    return Firmware(elf, out / "firmware.map", target, f"{version} -O2", sections)


def _compile_kernels(kernels: Kernels, board: Board, folder: pathlib.Path, includes: Sequence[str]) -> None:
    """Puts their objects into a folder.

    Args:
      includes: what is generated, too.
    """
    gcc, engine = tool("gcc", board.instruction_set), c_sources.engine()
    compile_each = [gcc, *kernels.c_flags, *machine_flags(board, kernels.float_abi), "-c", *_foreign(kernels)]
    files = list(map(str, kernels.sources))
    if kernels.generated:
        _run([*compile_each, *includes, *files], folder, board)
    elif files:
        command = [*compile_each, *c_sources.include_flags(engine)]
        headers = [*engine.headers, *(path for each in kernels.include_dirs for path in sorted(each.rglob("*.h")))]
        version = _run([gcc, "--version"], folder, board, _VERSION_TIMEOUT_S)
        kept_objects.place(
            folder, command, version, kernels.sources, headers, lambda: _run([*command, *files], folder, board)
        )


def machine_flags(board: Board, float_abi: str | None = None) -> tuple[str, ...]:
    """The compiler's flags of a board's core, with another -mfloat-abi where one is given."""
    if board.instruction_set == RISCV:
        return (*_TARGET_FLAGS, f"-march={board.cpu}", *_RISCV_FLAGS)
    return (*_TARGET_FLAGS, "-mthumb", f"-mcpu={board.cpu}", f"-mfloat-abi={float_abi or board.float_abi}")


def _foreign(kernels: Kernels) -> list[str]:
    # -isystem: warnings in the headers of others are theirs.
    return [item for folder in kernels.include_dirs for item in ("-isystem", str(folder))]


def _config(board: Board, engine: str) -> str:
    """The C side's view of the constants that the host uses too."""
    constants = {
        "BOARD": f'"{board.name}"',
        "COUNTER": f'"{board.counter}"',
        "ENGINE": f'"{engine}"',
        "FLASH_ORIGIN": f"{board.flash_origin:#010x}u",
        "FLASH_BYTES": f"{board.flash_bytes:#x}u",
        "RAM_ORIGIN": f"{board.ram_origin:#010x}u",
        "RAM_BYTES": f"{board.ram_bytes:#x}u",
        "MAILBOX_ADDRESS": f"{board.mailbox_address:#010x}u",
        "MAILBOX_BYTES": f"{MAILBOX_BYTES}u",
        "MAILBOX_MAGIC": f"{MAILBOX_MAGIC:#010x}u",
        # Their quotient is the counter's ticks per instruction.
        "TICKS": f"{board.ticks_per_instruction.numerator}u",
        "INSTRUCTIONS": f"{board.ticks_per_instruction.denominator}u",
        **{name.upper(): f"{address:#010x}u" for name, address in board.registers.items()},
    }
    guard = "FIRMWARE_CONFIG_H"
    lines = [f"#define FIRMWARE_{name} {value}" for name, value in constants.items()]
    header = ["/* Generated by build.py from board.toml. */", f"#ifndef {guard}", f"#define {guard}", *lines, "#endif"]
    return "\n".join(header) + "\n"


def _memory(board: Board) -> str:
    """Memory regions for firmware.ld; the mailbox is no linker's to give away."""
    return (
        f"MEMORY\n{{\n"
        f"  FLASH (rx) : ORIGIN = {board.flash_origin:#x}, LENGTH = {board.flash_bytes:#x}\n"
        f"  RAM (rw) : ORIGIN = {board.ram_origin:#x}, LENGTH = {board.ram_bytes - MAILBOX_BYTES:#x}\n"
        f"}}\nstack_bytes = {STACK_BYTES};\n"
    )


def _run(command: list[str], folder: pathlib.Path, board: Board, timeout_s: float | None = None) -> str:
    """Standard output of a tool; raises `BuildError` with its first error where it fails or takes too long."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=timeout_s)
    except OSError as error:
        raise BuildError(f"{command[0]} can't be started: {error.strerror}; install it again") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{command[0]} {command[1]} has not ended after {timeout_s:g} s: install it again") from error
    if done.returncode == 0:
        return done.stdout
    lines = done.stderr.splitlines() or [f"exit code {done.returncode}"]
    for line in lines:
        if "overflowed by" in line:
            raise DoesNotFit(
                f"the model does not fit {board.name} with {board.flash_bytes} bytes of flash and {board.ram_bytes} "
                f"of RAM: {line.rpartition(': ')[2].strip()}; use a smaller model"
            )
    reasons = [line for line in lines if not line.startswith("collect2:")]  # which only says that the linker failed
    first = next((line for line in reasons if "error" in line.lower() or "undefined " in line), lines[0])
    remedy = _CXX_HEADERS if _NO_CXX_HEADER.search(first) else ""
    raise BuildError(f"the firmware does not build, {pathlib.Path(command[0]).name} says: {first.strip()}{remedy}")
