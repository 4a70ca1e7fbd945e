"""Boards: one folder each, with board.toml (memory, registers, emulators) and board.c (UART, counter, start).

A new board is a new folder; nothing else names one. Boards of a family share the board.c of the folder `driver`.
"""

import dataclasses
import fractions
import pathlib
import tomllib

from microcontroller.boards.board_error import BoardError

_FOLDER = pathlib.Path(__file__).parent
_NANOSECONDS = 10**9
MAILBOX_BYTES = 32
ARM, RISCV = "arm", "riscv"
INSTRUCTION_SETS = (ARM, RISCV)


@dataclasses.dataclass(frozen=True)
class Qemu:
    """How QEMU runs a board.

    Attributes:
      machine: QEMU's -M.
      serial_index: which of the machine's serial ports carries the report.
      counter_hz: ticks of the board's counter per second of QEMU's virtual time.
      icount_shift: QEMU's -icount shift: an instruction takes 2^shift ns of that time.
      options: more of QEMU's arguments.
    """

    machine: str
    serial_index: int
    counter_hz: int
    icount_shift: int
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Renode:
    """How Renode runs a board.

    Attributes:
      platform: platform description in `emulator/`.
      uart: the report's UART in that platform.
    """

    platform: str
    uart: str


@dataclasses.dataclass(frozen=True)
class Board:
    """What build, bench and emulators need to know of a board.

    Attributes:
      name: of its folder.
      driver: the folder that holds board.c.
      instruction_set: of `INSTRUCTION_SETS`.
      cpu: the compiler's -mcpu; of RISC-V, its -march.
      float_abi: the compiler's -mfloat-abi; "hard" where vectors are to be had, which share their registers.
      flash_origin, flash_bytes, ram_origin, ram_bytes: memory that silicon and emulators all have.
      image_origin: lowest address in flash for an image of clips.
      profiles: of `export.plan`, those made for the core's instructions, the fastest first.
      counter: what counts instructions.
      registers: addresses by name, for board.c.
      qemu, renode: how the emulators run it; None where one can't.
    """

    name: str
    driver: pathlib.Path
    instruction_set: str
    cpu: str
    float_abi: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    image_origin: int
    profiles: tuple[str, ...]
    counter: str
    registers: dict[str, int]
    qemu: Qemu
    renode: Renode | None

    @property
    def flash_end(self) -> int:
        return self.flash_origin + self.flash_bytes

    @property
    def mailbox_address(self) -> int:
        """The last `MAILBOX_BYTES` of RAM."""
        return self.ram_origin + self.ram_bytes - MAILBOX_BYTES

    @property
    def ticks_per_instruction(self) -> fractions.Fraction:
        """Of the counter, in an emulator."""
        return fractions.Fraction(self.qemu.counter_hz << self.qemu.icount_shift, _NANOSECONDS)

    def runs_in(self, emulator: str) -> bool:
        """Whether an emulator ("qemu", "renode") has this board."""
        return getattr(self, emulator) is not None


def names() -> tuple[str, ...]:
    """The boards there are."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/board.toml")))


def load(name: str) -> Board:
    """The board of that name.

    Raises:
      BoardError: there is none, which lists the boards, or its counter can't tell one instruction from the next.
    """
    if name not in names():
        raise BoardError(f"board={name} is unknown: choose one of {', '.join(names())}")
    board = read(_FOLDER / name)
    # Two readings of a counter that is no multiple of the instructions are off by less than a tick together.
    if board.ticks_per_instruction != 1 and board.ticks_per_instruction <= 2:
        raise BoardError(
            f"{name}'s counter ticks {float(board.ticks_per_instruction):g} times per instruction, which counts no "
            "single ones: give board.toml an icount_shift that makes it 1 or more than 2"
        )
    return board


def read(folder: pathlib.Path) -> Board:
    """The board that a folder's board.toml describes; raises TypeError or KeyError where something is missing."""
    fields = tomllib.loads((folder / "board.toml").read_text(encoding="utf-8"))
    qemu, renode = fields.pop("qemu"), fields.pop("renode", None)
    return Board(
        name=folder.name,
        driver=folder.parent / fields.pop("driver", folder.name),
        instruction_set=fields.pop("instruction_set", ARM),
        float_abi=fields.pop("float_abi", "soft"),
        profiles=tuple(fields.pop("profiles")),
        registers=fields.pop("registers", {}),
        qemu=Qemu(**{**qemu, "options": tuple(qemu.get("options", ()))}),
        renode=Renode(**renode) if renode else None,
        **fields,
    )
