"""Clips as the firmware takes them: input codes in upper flash, described by a mailbox at the top of RAM."""

import dataclasses
import pathlib
import zlib

import numpy as np

from microcontroller.firmware.build import MAILBOX_MAGIC, DoesNotFit, Firmware

_ALIGNMENT = 4096


@dataclasses.dataclass(frozen=True)
class ClipImage:
    """An image and what the mailbox says of it.

    Attributes:
      path: the file that an emulator loads.
      address: where in flash.
      mailbox: (address, 32-bit value) of every word to write, in the order of firmware/mailbox.h.
      clips: how many there are.
    """

    path: pathlib.Path
    address: int
    mailbox: tuple[tuple[int, int], ...]
    clips: int


def image_address(firmware: Firmware) -> int:
    """The board's place for images, or the first page behind a firmware that reaches further."""
    behind = -(-firmware.flash_end // _ALIGNMENT) * _ALIGNMENT
    return max(firmware.board.image_origin, behind)


def capacity(firmware: Firmware, clip_bytes: int) -> int:
    """How many clips fit into flash beside the firmware.

    Emulators load an image past the end of flash without a word, so this is checked here.

    Raises:
      DoesNotFit: not even one does.
    """
    board = firmware.board
    clips = (board.flash_end - image_address(firmware)) // clip_bytes
    if clips < 1:
        raise DoesNotFit(
            f"a firmware of {firmware.flash_end - board.flash_origin} bytes and a clip of {clip_bytes} bytes "
            f"do not fit into the {board.flash_bytes} bytes of flash of {board.name}: use a smaller model"
        )
    return clips


def write(path: pathlib.Path, firmware: Firmware, codes: np.ndarray, observed: int | None = None) -> ClipImage:
    """Writes an image of `codes`, int8 [n, height, width, channels].

    Args:
      observed: how many of them are run once more for the layers' counts, at most; None for all.

    Raises:
      DoesNotFit: firmware and image exceed the board's flash.
    """
    board = firmware.board
    clip_bytes = int(np.prod(codes.shape[1:]))
    if len(codes) > capacity(firmware, clip_bytes):
        raise DoesNotFit(
            f"a firmware of {firmware.flash_end - board.flash_origin} bytes and an image of {codes.nbytes} bytes "
            f"do not fit into the {board.flash_bytes} bytes of flash of {board.name}: use fewer clips"
        )
    image = np.ascontiguousarray(codes, np.int8).tobytes()
    path.write_bytes(image)
    address = image_address(firmware)
    again = len(codes) if observed is None else min(observed, len(codes))
    words = (MAILBOX_MAGIC, address, len(codes), clip_bytes, zlib.adler32(image), again)
    mailbox = tuple((board.mailbox_address + 4 * i, word) for i, word in enumerate(words))
    return ClipImage(path, address, mailbox, len(codes))
