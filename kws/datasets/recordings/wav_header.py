"""What a WAV file's header promises of its samples, beside what is there.

libsndfile reads what is there whatever the header says. That is right for a pipe, which writes 0x7FFFFFFF or 0xFFFFFFFF
because it can't know the size, and hides that a copy ended early; and it takes the size 0, which a recorder leaves that
lost power, at its word.
"""

import dataclasses
import struct
from typing import BinaryIO

# What a writer that can't know the size promises is about 2 or 4 GiB; no recording of words is as long.
_UNKNOWN_SIZE = 0x7FFF0000
_CHUNK = struct.Struct("<4sI")
_BLOCK_ALIGN_OFFSET = 12


@dataclasses.dataclass(frozen=True)
class Samples:
    """The chunk `data` of a little-endian RIFF file, in bytes.

    Attributes:
      start: of the samples, from the file's beginning.
      promised: what the header says that they have.
      present: what there is from `start` to the file's end.
      frame: a sample of every channel; 1 where the header doesn't say.
      chunk_follows: what is at `start` is the head of another chunk, no samples.
    """

    start: int
    promised: int
    present: int
    frame: int
    chunk_follows: bool

    @property
    def truncated(self) -> bool:
        """Fewer samples are there than a header that knew their number promises."""
        return self.present < self.promised < _UNKNOWN_SIZE

    @property
    def unfinished(self) -> bool:
        """The size was never filled in: it is 0, and samples follow."""
        return self.promised == 0 and self.present >= self.frame and not self.chunk_follows


def samples(file: BinaryIO) -> Samples | None:
    """Finds the samples of a RIFF WAV file; None for another file, or one without samples. Moves the position."""
    end = file.seek(0, 2)
    file.seek(0)
    if len(head := file.read(12)) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    frame = 1
    while len(head := file.read(_CHUNK.size)) == _CHUNK.size:
        name, size = _CHUNK.unpack(head)
        start = file.tell()
        if name == b"data":
            return Samples(start, size, end - start, frame, _is_chunk(file.read(_CHUNK.size), end - start))
        if name == b"fmt ":
            fields = file.read(_BLOCK_ALIGN_OFFSET + 2)
            frame = max(1, int.from_bytes(fields[_BLOCK_ALIGN_OFFSET:], "little"))
        file.seek(start + size + size % 2)
    return None


def with_size(file: BinaryIO, found: Samples) -> bytes:
    """The content of an unfinished file with the size that its samples have."""
    file.seek(0)
    content = bytearray(file.read())
    struct.pack_into("<I", content, found.start - 4, min(found.present, 0xFFFFFFFF))
    return bytes(content)


def _is_chunk(head: bytes, room: int) -> bool:
    if len(head) < _CHUNK.size:
        return False
    name, size = _CHUNK.unpack(head)
    return name.isascii() and name.decode("ascii").isprintable() and _CHUNK.size + size <= room
