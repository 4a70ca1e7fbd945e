"""Images of clips and the mailbox that describes them."""

import pathlib
import zlib

import numpy as np
import pytest

from microcontroller import boards
from microcontroller.firmware import build, clip_image
from microcontroller.firmware.build import Firmware
from microcontroller.firmware.build_error import BuildError
from microcontroller.firmware.memory import Section


def firmware_of(flash_bytes: int) -> Firmware:
    board = boards.load("stm32f4")
    text = Section(".text", flash_bytes, board.flash_origin, board.flash_origin, True, False)
    return Firmware(pathlib.Path("firmware.elf"), pathlib.Path("firmware.map"), board, "gcc", (text,))


def test_image_lies_behind_the_firmware() -> None:
    assert clip_image.image_address(firmware_of(30_000)) == 0x08020000
    assert clip_image.image_address(firmware_of(0x20000)) == 0x08020000
    assert clip_image.image_address(firmware_of(0x20001)) == 0x08021000


def test_capacity_ends_with_flash() -> None:
    clip_bytes = 49 * 10
    clips = clip_image.capacity(firmware_of(30_000), clip_bytes)
    assert clips * clip_bytes <= 0xE0000 < (clips + 1) * clip_bytes
    assert clip_image.capacity(firmware_of(0x100000 - 4096), clip_bytes) == 4096 // clip_bytes
    with pytest.raises(
        BuildError, match="firmware of 1048576 bytes and a clip of 490 bytes do not fit into the 1048576"
    ):
        clip_image.capacity(firmware_of(0x100000), clip_bytes)


def test_image_that_does_not_fit_names_both_sizes(tmp_path: pathlib.Path) -> None:
    codes = np.zeros((10, 49, 10, 1), np.int8)
    with pytest.raises(
        BuildError, match=r"firmware of 1044480 bytes and an image of 4900 bytes .* 1048576 .*fewer clips"
    ):
        clip_image.write(tmp_path / "clips.bin", firmware_of(0x100000 - 4096), codes)
    assert not (tmp_path / "clips.bin").exists()


def test_mailbox_describes_the_image(tmp_path: pathlib.Path) -> None:
    codes = np.arange(60, dtype=np.int8).reshape(5, 3, 4, 1)
    image = clip_image.write(tmp_path / "clips.bin", firmware_of(1000), codes)
    assert image.path.read_bytes() == codes.tobytes() and image.clips == 5
    address = 0x2001FFE0
    words = [build.MAILBOX_MAGIC, 0x08020000, 5, 12, zlib.adler32(codes.tobytes()), 5]
    assert image.mailbox == tuple((address + 4 * i, word) for i, word in enumerate(words))
    for observed, again in ((1, 1), (9, 5)):
        image = clip_image.write(tmp_path / "clips.bin", firmware_of(1000), codes, observed)
        assert [word for _, word in image.mailbox] == [*words[:-1], again]
