"""The device's test of its own tables: what it costs, and whether it reports bits that are flipped in the image.

    python -m microcontroller.bench --bundle=B --check

Firmware of the self-test alone is built and run once as it is. Then, for each flip, one bit of the tables is another in
the image that the emulator loads: of a weight, an address, a checksum, of the list of tables. The device itself has to
report it, and where the bit is in a table, that table.
"""

import dataclasses
import pathlib
import struct
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from tqdm import tqdm

from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.model import detector
from export.source import frontend_source, self_test_source, stream_source
from kws_cli import held_folder
from microcontroller import boards, emulator
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import build, clip_image, symbols
from microcontroller.firmware.build import Firmware
from microcontroller.firmware.clip_image import ClipImage
from microcontroller.firmware.symbols import Symbol
from microcontroller.measurement import device_run, protocol
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.measurement.protocol import DeviceError, number

TABLES = ".model_rodata"
"""The section of all const tables of the bundle's C and of the self-test."""
_DAMAGED, _FAULT, _WHOLE = "DAMAGED", "FAULT", "WHOLE"
_COPY = "_copy"
_CODE = ("fxp_check_tables", "fxp_crc32", *(f"fxp_{part}_self_test" for part in (*self_test_source.PARTS, "kws")))
_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Flip:
    """A bit of the image.

    Attributes:
      address: of its byte.
      bit: 0 is the lowest.
      table: in which it is.
    """

    address: int
    bit: int
    table: str

    def __str__(self) -> str:
        return f"bit {self.bit} of {self.address:#010x} in {self.table}"


@dataclasses.dataclass(frozen=True)
class Checked:
    """What the device said of its tables.

    Attributes:
      damaged: the address that it named; None for whole tables, and for a fault.
      instructions: of the test; None where it did not come to its end.
      model_sha256: of the integer model, as the device has it.
    """

    damaged: int | None
    instructions: int | None
    model_sha256: str


def parse(lines: list[str]) -> Checked:
    """Reads a report of the self-test's firmware, whose last line is the END line.

    Raises:
      DeviceError: a fault, another status than 0 and "damaged", or a report with something missing or garbled.
    """
    damaged = lines[-1:] == ["END status=5"]
    if not damaged:
        protocol.check_end(lines)
    try:
        kinds = protocol.by_kind(lines[:-1])
        model = kinds["FXP"][0]["model"]
        if damaged:
            return Checked(int(kinds[_DAMAGED][0]["table"], 16), None, model)
        return Checked(None, number(kinds[_WHOLE][0], "instructions"), model)
    except (KeyError, ValueError, IndexError) as error:
        raise DeviceError(f"the firmware's report is garbled ({error!r}): run it again") from error


@dataclasses.dataclass(frozen=True)
class SelfTestConfig:
    """Settings of a check.

    Attributes:
      bundle: the bundle's folder.
      emulator: one of `emulator.NAMES`.
      board: a folder of `boards`.
      build_dir: for firmware; None is build/bench/<model's name and hash>.
      flips: how many bits are flipped, one at a time.
      flip_seed: of the bits that are drawn.
      timeout_s: limit on the wall clock of one emulator run.
    """

    bundle: pathlib.Path
    emulator: str
    board: str
    build_dir: pathlib.Path | None = None
    flips: int = 1000
    flip_seed: int = 0
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("flips", "flip_seed"):
            if getattr(self, name) < 0:
                raise MeasurementError(f"{name}={getattr(self, name)} is negative: give 0 or more")
        if not self.timeout_s > 0:
            raise MeasurementError(f"timeout={self.timeout_s:g}: give a positive number of seconds")


def measure(config: SelfTestConfig) -> dict[str, Any]:
    """Builds the self-test of a bundle's C, runs it as it is, and with one bit flipped as often as `config` says.

    Returns:
      A dictionary with `parts`, `tables`, `table_bytes`, `instructions`, `flash_bytes` (what the test adds: code, list,
      copies), `flips`, `reported`, `faults` (among these: the flip led the core out of memory, which it reported) and
      `silent` (the first flips that were not reported).

    Raises:
      BundleError: no bundle.
      BoardError, BuildError, EmulatorError: an unknown board, a program is missing, or the tables do not fit.
      MeasurementError: the run failed.
    """
    bundle, board = bundles.load(config.bundle), boards.load(config.board)
    chosen, reason = emulator.choose(config.emulator, board)
    streams = hears_streams(bundle)
    root = config.build_dir or pathlib.Path("build", "bench", f"{bundle.name}-{bundle.model.sha256[:12]}")
    folder = root / "self_test"
    firmware = build.build(bundle.c_folder, folder, board.name, program=build.self_test(streams))
    image = clip_image.write(folder / "none.bin", firmware, np.zeros((1, 1, 1, 1), np.int8))
    whole = parse(device_run.run(chosen, firmware, image, config.timeout_s))
    if whole.damaged is not None:
        raise MeasurementError(f"the device finds {whole.damaged:#010x} damaged in a fresh image: report this")
    if whole.model_sha256 != bundle.model.sha256:
        raise MeasurementError(f"the bundle's C is of model {whole.model_sha256[:12]}: write the bundle again")
    every = symbols.read(firmware.elf, firmware.board.instruction_set)
    tables = [symbol for symbol in every if _in_tables(symbol, firmware)]
    drawn = draw(tables, config.flips, config.flip_seed)
    found = [_said_of(flip, firmware, every, chosen, image, config.timeout_s) for flip in _followed(drawn)]
    silent = [flip for flip, said in zip(drawn, found, strict=True) if not said]
    own = [symbol for symbol in tables if _is_of_the_test(symbol.name)]
    return {
        "parts": ["network", *(("front end", "streaming network", "detector") if streams else ())],
        "tables": len(tables) - len(own),
        "table_bytes": sum(symbol.bytes for symbol in tables) - sum(symbol.bytes for symbol in own),
        "instructions": whole.instructions,
        "flash_bytes": sum(symbol.bytes for symbol in (*own, *(symbol for symbol in every if symbol.name in _CODE))),
        "flip_seed": config.flip_seed,
        "flips": config.flips,
        "reported": config.flips - len(silent),
        "faults": found.count(_FAULT),
        "silent": [str(flip) for flip in silent[:_NAMED]],
        "compiler": firmware.compiler,
        "board": board.name,
        "emulator": chosen.NAME,
        "emulator_reason": reason,
        "bundle": bundle.name,
        "model_sha256": bundle.model.sha256,
    }


def hears_streams(bundle: Bundle) -> bool:
    """Whether a bundle has all that hears a stream: front end, streaming network and detector."""
    return {frontend_source.SOURCE, stream_source.SOURCE} <= set(bundle.c_files) and (
        detector.FILE in bundle.manifest["files"]
    )


def draw(tables: list[Symbol], count: int, seed: int) -> list[Flip]:
    """Bits of the tables, each as likely as any other; with a seed."""
    rng = np.random.default_rng(seed)
    ends = np.cumsum([symbol.bytes for symbol in tables])
    drawn = []
    for place in rng.integers(0, 8 * int(ends[-1]), count):
        byte, bit = divmod(int(place), 8)
        i = int(np.searchsorted(ends, byte, side="right"))
        symbol = tables[i]
        drawn.append(Flip(symbol.address + byte - (int(ends[i]) - symbol.bytes), bit, symbol.name))
    return drawn


def _followed(drawn: list[Flip]) -> Iterator[Flip]:
    yield from tqdm(drawn, desc="flipped bits", unit="bit", file=sys.stderr, disable=None)


def _said_of(
    flip: Flip,
    firmware: Firmware,
    every: tuple[Symbol, ...],
    runner: ModuleType,
    image: ClipImage,
    timeout_s: float,
) -> str:
    """What the device reports of a flip: `_DAMAGED`, `_FAULT`, or "" where that is not the truth."""
    with held_folder.made("fxp-flip-") as folder:
        elf = folder / firmware.elf.name
        elf.write_bytes(with_flip(firmware.elf.read_bytes(), flip))
        try:
            said = parse(runner.run(firmware.board, elf, image, timeout_s))
        except DeviceError as error:
            return _FAULT if _FAULT in str(error) else ""
        except EmulatorError:  # it hangs, or the core locked up: the device itself said nothing
            return ""
    if said.damaged is None:
        return ""
    named = symbols.at(every, said.damaged)
    lists = _is_of_the_test(flip.table) and not flip.table.endswith(_COPY)
    return _DAMAGED if lists or named == flip.table.removesuffix(_COPY) else ""


def with_flip(elf: bytes, flip: Flip) -> bytes:
    """An ELF file (32 bits, little-endian) with one bit of what it loads turned over; raises `ValueError` for none."""
    header_offset, size, count = *struct.unpack_from("<I", elf, 28), *struct.unpack_from("<HH", elf, 42)
    for i in range(count):
        kind, offset, _, address, stored, _ = struct.unpack_from("<6I", elf, header_offset + i * size)
        if kind == 1 and address <= flip.address < address + stored:
            place = offset + flip.address - address
            return elf[:place] + bytes([elf[place] ^ 1 << flip.bit]) + elf[place + 1 :]
    raise ValueError(f"{flip} is in nothing that the file loads")


def _in_tables(symbol: Symbol, firmware: Firmware) -> bool:
    section = next(section for section in firmware.sections if section.name == TABLES)
    return section.address <= symbol.address < section.address + section.bytes


def _is_of_the_test(name: str) -> bool:
    lists = tuple(f"fxp_{part}_tables" for part in self_test_source.PARTS)
    return name.endswith(_COPY) or name in (*lists, "fxp_crc32_halves")


def table(result: dict[str, Any]) -> str:
    """Text of what `measure` returned."""
    lines = [
        f"self-test of {result['bundle']} on {result['board']}, {result['compiler']}",
        f"emulator: {result['emulator']} ({result['emulator_reason']})",
        f"tested: {', '.join(result['parts'])}",
        f"{result['tables']} tables of {result['table_bytes']:,} bytes, tested in {result['instructions']:,} "
        f"instructions; the test takes {result['flash_bytes']:,} bytes of flash",
        f"{result['reported']:,} of {result['flips']:,} flipped bits reported by the device, "
        f"{result['faults']:,} of them as a fault (seed {result['flip_seed']})",
        *(f"  not reported: {flip}" for flip in result["silent"]),
    ]
    return "\n".join(lines)
