"""Where a firmware stands that says nothing any more: QEMU's stub for GDB stops it and tells the program counter.

The stub's protocol: "The GDB Remote Serial Protocol" in GDB's manual; packets are `$data#checksum`.
"""

import dataclasses
import pathlib
import socket
import subprocess
import time

from kws_cli import held_folder
from microcontroller.boards import ARM, RISCV, Board
from microcontroller.emulator import process, qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware.clip_image import ClipImage

STACK_WATCHED = 1 << 16
"""Bytes below the stack's end in which a write is one beyond it; a frame that is larger is not noticed."""
_CONNECT_S = 10.0
_WORD = 4
_PC = {ARM: 15, RISCV: 32}
"""Its place among the registers that the stub lists."""
_INTERRUPT = b"\x03"


@dataclasses.dataclass(frozen=True)
class Stop:
    """Where it was stopped.

    Attributes:
      pc: the program counter.
      beyond_stack: whether it had just written below the stack's end; otherwise time was up.
    """

    pc: int
    beyond_stack: bool


def find(board: Board, elf: pathlib.Path, image: ClipImage, seconds: float) -> Stop:
    """Runs a firmware once more and stops it at its first write below the stack's end, or after so many seconds.

    The stack lies at the bottom of RAM.

    Raises:
      EmulatorError: QEMU is missing, or its stub does not answer.
    """
    program = qemu.program(board.instruction_set)
    with held_folder.made("fxp-gdb-") as folder:
        place = folder / "gdb"
        stub = ["-S", "-chardev", f"socket,path={qemu.escaped(place)},server=on,wait=off,id=gdb", "-gdb", "chardev:gdb"]
        command = [program, *qemu.arguments(board, elf, image), *stub]
        with (
            process.started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
            socket.socket(socket.AF_UNIX) as connection,
        ):
            try:
                _connect(connection, place)
                return _stop(connection, board, seconds)
            except OSError as error:
                name = pathlib.Path(program).name
                raise EmulatorError(f"{name}'s stub for GDB does not answer ({error}): run it again") from error


def _connect(connection: socket.socket, place: pathlib.Path) -> None:
    deadline = time.monotonic() + _CONNECT_S
    while True:
        try:
            connection.connect(str(place))
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _stop(connection: socket.socket, board: Board, seconds: float) -> Stop:
    connection.settimeout(_CONNECT_S)
    _ask(connection, f"Z2,{board.ram_origin - STACK_WATCHED:x},{STACK_WATCHED:x}")
    _send(connection, "c")
    connection.settimeout(seconds)
    beyond_stack = True
    try:
        _answer(connection)
    except TimeoutError:
        beyond_stack = False
        connection.settimeout(_CONNECT_S)
        connection.sendall(_INTERRUPT)
        _answer(connection)
    end = _WORD * (_PC[board.instruction_set] + 1)
    registers = bytes.fromhex(_ask(connection, "g")[: 2 * end])
    return Stop(int.from_bytes(registers[end - _WORD :], "little"), beyond_stack)


def _ask(connection: socket.socket, request: str) -> str:
    _send(connection, request)
    return _answer(connection)


def _send(connection: socket.socket, request: str) -> None:
    connection.sendall(b"$%s#%02x" % (request.encode(), sum(request.encode()) & 0xFF))


def _answer(connection: socket.socket) -> str:
    """The next packet's data; acknowledges it."""
    received = b""
    while not (len(received) > 3 and received[-3:-2] == b"#"):
        part = connection.recv(4096)
        if not part:
            raise OSError("it closed the connection")
        received += part
    connection.sendall(b"+")
    return received.partition(b"$")[2][:-3].decode("ascii", errors="replace")
