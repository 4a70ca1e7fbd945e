"""A firmware's run on the emulated device; what goes wrong there is told with the place in the code where it did."""

import re
from types import ModuleType

from microcontroller.emulator import qemu, stopped
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.emulator.process import NoEndLine
from microcontroller.emulator.qemu import Lockup
from microcontroller.firmware import build, symbols
from microcontroller.firmware.build import Firmware
from microcontroller.firmware.clip_image import ClipImage
from microcontroller.measurement.protocol import DeviceError

_FAULT = "FAULT "
_PC = re.compile(r"\bpc=0x([0-9a-f]{8})")
_LOST = "pc=lost"
_ADDRESS = re.compile(r"\baddress=0x([0-9a-f]{8})")
_LOOKED_S = 10.0
"""How long a silent firmware is run once more before it is stopped and asked where it is."""


def run(emulator: ModuleType, firmware: Firmware, image: ClipImage, timeout_s: float) -> list[str]:
    """Lines of the firmware's report, up to the END line; a FAULT line says in which function it was.

    Raises:
      DeviceError: the firmware used up its stack, or its core locked up.
      EmulatorError: as the emulator's `run`; after a silence it says where the firmware was.
    """
    try:
        lines = emulator.run(firmware.board, firmware.elf, image, timeout_s)
    except NoEndLine as error:
        if emulator is not qemu:
            raise
        raise EmulatorError(f"{error}; {_standing(firmware, image, min(timeout_s, _LOOKED_S))}") from error
    except Lockup as error:
        raise DeviceError(f"the firmware's core locked up at {_named(firmware, error.pc)}: {error}") from error
    return [_with_place(line, emulator, firmware, image) if line.startswith(_FAULT) else line for line in lines]


def _standing(firmware: Firmware, image: ClipImage, seconds: float) -> str:
    """Where a firmware is after so many seconds. Raises `DeviceError` where its stack was used up before."""
    stop = stopped.find(firmware.board, firmware.elf, image, seconds)
    if stop.beyond_stack:
        raise _stack_used_up(_named(firmware, stop.pc))
    return f"it was at {_named(firmware, stop.pc)} after {seconds:g} s"


def _stack_used_up(place: str) -> DeviceError:
    return DeviceError(
        f"the firmware used up its stack of {build.STACK_BYTES} bytes at {place}: "
        "give it more bytes in microcontroller/firmware/build.py"
    )


def _with_place(line: str, emulator: ModuleType, firmware: Firmware, image: ClipImage) -> str:
    """A FAULT line with the function in it; a program counter that was lost with the stack is looked for again.

    Raises `DeviceError` where the stack was used up: an address just below RAM, at whose bottom the stack lies.
    """
    if _LOST in line and emulator is qemu:
        return f"{line}; {_standing(firmware, image, _LOOKED_S)}"
    address, pc = _ADDRESS.search(line), _PC.search(line)
    if address and pc and 0 < firmware.board.ram_origin - int(address[1], 16) <= stopped.STACK_WATCHED:
        raise _stack_used_up(_named(firmware, int(pc[1], 16)))
    return _PC.sub(lambda match: _named(firmware, int(match[1], 16)), line)


def _named(firmware: Firmware, pc: int) -> str:
    return f"pc={pc:#010x} in {symbols.at(symbols.read(firmware.elf, firmware.board.instruction_set), pc)}"
