"""What goes wrong on the device is one line that says where in the code."""

import contextlib
import pathlib
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from export.bundle import folder as bundles
from microcontroller.emulator import process, qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import build, clip_image
from microcontroller.firmware.build import Firmware
from microcontroller.firmware.clip_image import ClipImage
from microcontroller.measurement import device_run
from microcontroller.measurement.protocol import DeviceError


def built(bundle: pathlib.Path, folder: pathlib.Path, board: str) -> tuple[Firmware, ClipImage]:
    opened = bundles.load(bundle)
    firmware = build.build(opened.c_folder, folder, board)
    return firmware, clip_image.write(folder / "clips.bin", firmware, opened.golden.features[:1])


@pytest.mark.parametrize("board", ["mps3_an547", "nrf51", "riscv32"])  # the first one hangs, the others fault
def test_a_stack_that_is_too_small_is_named_with_the_place(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, board: str
) -> None:
    monkeypatch.setattr(build, "STACK_BYTES", 64)
    firmware, image = built(small_bundle, tmp_path, board)
    with pytest.raises(
        DeviceError, match=r"used up its stack of 64 bytes at pc=0x\w{8} in \w+.*: give it more"
    ) as caught:
        device_run.run(qemu, firmware, image, 4.0)
    assert "timeout" not in str(caught.value) and "\n" not in str(caught.value)


def with_words(firmware: Firmware, address: int, word: int, count: int) -> None:
    """Other words in the firmware's flash."""
    content = bytearray(firmware.elf.read_bytes())
    (headers,) = struct.unpack_from("<I", content, 28)
    (number,) = struct.unpack_from("<H", content, 44)
    for i in range(number):
        kind, offset, loaded_at, _, size = struct.unpack_from("<5I", content, headers + 32 * i)
        if kind == 1 and loaded_at <= address < loaded_at + size:  # PT_LOAD
            start = offset + address - loaded_at
    content[start : start + 4 * count] = word.to_bytes(4, "little") * count
    firmware.elf.write_bytes(content)


def test_a_core_that_locks_up_is_named_with_the_place(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Half an image: vectors that lead nowhere."""
    firmware, image = built(small_bundle, tmp_path, "stm32f4")
    with_words(firmware, firmware.board.flash_origin + 4, 0x70000001, 15)
    with pytest.raises(
        DeviceError, match=r"core locked up at pc=0x70000000 in \?: qemu-system-arm says: Lockup"
    ) as caught:
        device_run.run(qemu, firmware, image, 20.0)
    assert "\n" not in str(caught.value)


def test_a_silent_core_of_another_kind_is_stopped_and_asked_where_it_is(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Half an image: it begins with an illegal instruction, when no trap has a vector yet, and goes round for good."""
    firmware, image = built(small_bundle, tmp_path, "riscv32")
    with_words(firmware, firmware.board.flash_origin, 0, 4)
    with pytest.raises(EmulatorError, match=r"no END line .*; it was at pc=0x00000000 in \? after 1 s") as caught:
        device_run.run(qemu, firmware, image, 1.0)
    assert "\n" not in str(caught.value)


def test_an_emulator_that_is_stopped_in_mid_report_is_said_to_be(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A brown-out: what had been reported by then is quoted."""
    firmware, image = built(small_bundle, tmp_path, "stm32f4")
    whole_lines = process._whole_lines

    @contextlib.contextmanager
    def started(*arguments: Any, **settings: Any) -> Iterator[Any]:
        with process_started(*arguments, **settings) as running:
            monkeypatch.setattr(process, "_whole_lines", lambda report: stopped_after_a_line(running, report))
            yield running

    def stopped_after_a_line(running: Any, report: pathlib.Path) -> list[str]:
        lines = whole_lines(report)
        if lines:
            process._kill(running)
        return lines[:2]

    process_started = process.started
    monkeypatch.setattr(process, "started", started)
    with pytest.raises(
        EmulatorError,
        match=r"stopped before the firmware's END line: .*by signal 9, the report's last line was '(FXP|CALIBRATION) ",
    ):
        device_run.run(qemu, firmware, image, 20.0)
