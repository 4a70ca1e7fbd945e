"""The names of a firmware: which function or table lies at an address."""

import bisect
import dataclasses
import pathlib
import re
import subprocess

from microcontroller.boards import ARM
from microcontroller.firmware import build
from microcontroller.firmware.build_error import BuildError

_LINE = re.compile(r"^([0-9a-f]{8}) ([0-9a-f]{8}) [tTrRbBdDwW] (\S+)$", re.MULTILINE)
UNKNOWN = "?"


@dataclasses.dataclass(frozen=True, order=True)
class Symbol:
    """A function or a table.

    Attributes:
      address: of its first byte.
      bytes: its size.
      name: in C.
    """

    address: int
    bytes: int
    name: str


def read(elf: pathlib.Path, instruction_set: str = ARM) -> tuple[Symbol, ...]:
    """The functions and tables of a firmware, in order of address. Raises `BuildError` where `nm` fails."""
    command = [build.tool("nm", instruction_set), "--print-size", "--defined-only", str(elf)]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.returncode:
        raise BuildError(f"{elf} is no firmware ({listing.stderr.strip()[:200]}): build it again")
    found = (Symbol(int(match[1], 16), int(match[2], 16), match[3]) for match in _LINE.finditer(listing.stdout))
    return tuple(sorted(found))


def at(symbols: tuple[Symbol, ...], address: int) -> str:
    """What lies there, such as fxp_crc32+0x12; `UNKNOWN` for an address in none of them."""
    i = bisect.bisect_right(symbols, address, key=lambda symbol: symbol.address) - 1
    if i < 0 or address >= symbols[i].address + symbols[i].bytes:
        return UNKNOWN
    offset = address - symbols[i].address
    return symbols[i].name + (f"+{offset:#x}" if offset else "")
