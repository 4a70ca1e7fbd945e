"""The instructions of a firmware, from the text of objdump."""

import dataclasses
import re

_LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*([^;@<]*)")
_REGISTER = re.compile(r"\b(r\d+|sl|fp|ip|sp|lr|pc)\b")
_NAMED = {"sl": "r10", "fp": "r11", "ip": "r12"}
_RANGE = re.compile(r"^r(\d+)-r(\d+)$")


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
      mnemonic: without its width (".w", ".n").
      operands: as objdump writes them, without comments.
    """

    mnemonic: str
    operands: str

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers of a list in braces, those of a range one by one; without a list, all in order."""
        listed = re.search(r"\{(.*)\}", self.operands)
        if listed is None:
            return _registers(self.operands)
        found: list[str] = []
        for part in listed[1].split(","):
            names = _NAMED.get(part.strip(), part.strip())
            ends = _RANGE.match("-".join(_NAMED.get(end, end) for end in names.split("-")))
            found += [f"r{i}" for i in range(int(ends[1]), int(ends[2]) + 1)] if ends else [names]
        return tuple(found)

    @property
    def address_registers(self) -> tuple[str, ...]:
        """The registers in brackets, from which an access takes its address."""
        bracket = re.search(r"\[(.*?)\]", self.operands)
        return _registers(bracket[1]) if bracket else ()


def _registers(text: str) -> tuple[str, ...]:
    return tuple(_NAMED.get(name, name) for name in _REGISTER.findall(text))


def parse(listing: str) -> dict[int, Instruction]:
    """The instructions by address, in order, from the text of `objdump -d --no-show-raw-insn`."""
    instructions = {}
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match is not None:
            mnemonic = match[2].removesuffix(".w").removesuffix(".n")
            instructions[int(match[1], 16)] = Instruction(mnemonic, match[3].strip())
    return instructions
