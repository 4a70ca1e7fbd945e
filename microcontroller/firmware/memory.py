"""What a firmware takes of a board's memory, section by section."""

import dataclasses
import re

from microcontroller.boards import Board

_LINE = re.compile(r"^\s*\d+\s+(\S+)\s+([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)\s+[0-9a-f]+\s+\S+\s+(.*)$")
_ARENA, _STACK = ".arena", ".stack"


@dataclasses.dataclass(frozen=True)
class Section:
    """A section of an ELF file.

    Attributes:
      name: with its leading dot.
      bytes: its size.
      address: at run time.
      load_address: in flash, where it is stored there; the same as `address` otherwise.
      in_flash: whether it takes flash.
      in_ram: whether it takes RAM at run time.
    """

    name: str
    bytes: int
    address: int
    load_address: int
    in_flash: bool
    in_ram: bool


def read_sections(listing: str, board: Board) -> tuple[Section, ...]:
    """Sections in memory from the text of `objdump -h -w`, without empty ones."""
    sections = []
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name, flags = match[1], match[5]
        size, address, load_address = (int(match[i], 16) for i in (2, 3, 4))
        if size == 0 or "ALLOC" not in flags:
            continue
        in_ram = board.ram_origin <= address < board.ram_origin + board.ram_bytes
        sections.append(Section(name, size, address, load_address, "LOAD" in flags.split(", "), in_ram))
    if not sections:
        raise ValueError("no sections in objdump's listing")
    return tuple(sorted(sections, key=lambda section: section.address))


def flash_by_section(sections: tuple[Section, ...]) -> dict[str, int]:
    """Bytes of flash, grouped and then by section.

    `model_and_engine`, `library` (the C library's routines, whoever calls them) and `harness` add up to the whole;
    the sections' own names follow, without the leading dot.
    """
    stored = {section.name.lstrip("."): section.bytes for section in sections if section.in_flash}
    model = sum(size for name, size in stored.items() if name.startswith(("engine_", "model_")))
    library = stored.get("library", 0)
    harness = sum(stored.values()) - model - library
    return {"model_and_engine": model, "harness": harness, "library": library, **stored}


def ram_by_section(sections: tuple[Section, ...], stack_bytes: int) -> dict[str, int]:
    """Bytes of RAM: the arena, the model's and the harness's static data, and the stack's high-water mark."""
    static = {section.name: section.bytes for section in sections if section.in_ram}
    static.pop(_STACK, None)
    arena = static.pop(_ARENA, 0)
    engine = sum(size for name, size in static.items() if name.startswith(".engine_"))
    return {"arena": arena, "engine": engine, "harness": sum(static.values()) - engine, "stack": stack_bytes}
