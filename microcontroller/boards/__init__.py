"""Boards: one folder each, with board.toml (memory, counter, emulators) and board.c (UART, counter, start).

A new board is a new folder; nothing else names one.
"""

import dataclasses
import pathlib
import tomllib

from cli.command import UserError

_FOLDER = pathlib.Path(__file__).parent
MAILBOX_BYTES = 32


@dataclasses.dataclass(frozen=True)
class Board:
    """What build, bench and emulators need to know of a board.

    Attributes:
      name: of its folder.
      folder: holds board.c.
      cpu: the compiler's -mcpu.
      flash_origin, flash_bytes, ram_origin, ram_bytes: memory that silicon and emulators all have.
      image_origin: lowest address in flash for an image of clips.
      counter: what counts instructions, one tick each.
      qemu_machine: QEMU's -M.
      qemu_serial_index: which of the machine's serial ports carries the report.
      renode_platform: platform description in `emulator/`.
      renode_uart: the report's UART in that platform.
    """

    name: str
    folder: pathlib.Path
    cpu: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    image_origin: int
    counter: str
    qemu_machine: str
    qemu_serial_index: int
    renode_platform: str
    renode_uart: str

    @property
    def flash_end(self) -> int:
        return self.flash_origin + self.flash_bytes

    @property
    def mailbox_address(self) -> int:
        """The last `MAILBOX_BYTES` of RAM."""
        return self.ram_origin + self.ram_bytes - MAILBOX_BYTES


def names() -> tuple[str, ...]:
    """The boards there are."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/board.toml")))


def load(name: str) -> Board:
    """The board of that name; raises `UserError` that lists the boards where there is none."""
    if name not in names():
        raise UserError(f"--board={name} is unknown: choose one of {', '.join(names())}")
    folder = _FOLDER / name
    fields = tomllib.loads((folder / "board.toml").read_text())
    qemu, renode = fields.pop("qemu"), fields.pop("renode")
    return Board(
        name=name,
        folder=folder,
        qemu_machine=qemu["machine"],
        qemu_serial_index=qemu["serial_index"],
        renode_platform=renode["platform"],
        renode_uart=renode["uart"],
        **fields,
    )
