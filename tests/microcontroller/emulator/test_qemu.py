"""How QEMU is started."""

import pathlib

from microcontroller import boards
from microcontroller.emulator import qemu
from microcontroller.firmware.clip_image import ClipImage


def test_arguments() -> None:
    mailbox = ((0x2001FFE0, 0x46585043), (0x2001FFE4, 0x08020000))
    image = ClipImage(pathlib.Path("/a,b/clips.bin"), 0x08020000, mailbox, 3)
    text = " ".join(qemu.arguments(boards.load("stm32f4"), pathlib.Path("/a,b/firmware.elf"), image))
    assert text == (
        "-M netduinoplus2 -kernel /a,b/firmware.elf -nographic -monitor none -icount shift=0,sleep=off "
        "-serial null -serial stdio -device loader,file=/a,,b/clips.bin,addr=0x8020000,force-raw=on "
        "-device loader,addr=0x2001ffe0,data=0x46585043,data-len=4 "
        "-device loader,addr=0x2001ffe4,data=0x8020000,data-len=4"
    )
