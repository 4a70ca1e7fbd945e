"""What a WAV header promises: whole, truncated, never filled in, or not known when it was written."""

import io
import struct

import pytest

from kws.datasets.recordings import wav_header

FORM = struct.pack("<HHIIHH", 1, 2, 16000, 64000, 4, 16)


def _wav(data: bytes, promised: int, *, form: bytes = FORM, before: bytes = b"") -> io.BytesIO:
    chunks = b"WAVE" + before + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", promised)
    return io.BytesIO(b"RIFF" + struct.pack("<I", len(chunks) + promised & 0xFFFFFFFF) + chunks + data)


@pytest.mark.parametrize(
    ("present", "promised", "truncated", "unfinished"),
    [
        (400, 400, False, False),
        (396, 400, True, False),
        (404, 400, False, False),
        (400, 0, False, True),
        (4, 0, False, True),
        (3, 0, False, False),
        (0, 0, False, False),
        # The last size that is believed, and the first that is not.
        (400, 0x7FFEFFFF, True, False),
        (400, 0x7FFF0000, False, False),
        (400, 0x7FFFF000, False, False),
        (400, 0xFFFFFFFF, False, False),
    ],
)
def test_sizes(present: int, promised: int, truncated: bool, unfinished: bool) -> None:
    found = wav_header.samples(_wav(bytes(present), promised))
    assert found == wav_header.Samples(44, promised, present, 4, False)
    assert (found.truncated, found.unfinished) == (truncated, unfinished)


def test_a_chunk_behind_no_samples_is_no_sound() -> None:
    found = wav_header.samples(_wav(b"LIST" + struct.pack("<I", 4) + b"INFO", 0))
    assert found.chunk_follows and not found.unfinished
    beyond = wav_header.samples(_wav(b"LIST" + struct.pack("<I", 5) + b"INFO", 0))
    assert beyond.unfinished


def test_chunks_before_the_samples_are_passed_by_their_padded_size() -> None:
    found = wav_header.samples(_wav(bytes(8), 8, before=b"odd " + struct.pack("<I", 3) + b"abc\0"))
    assert (found.start, found.present) == (56, 8)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"RIFX" + bytes(40), b"RIFF\4\0\0\0AVI ", b"RIFF\4\0\0\0WAVE", b"RIFF\4\0\0\0WAVEfmt"],
)
def test_other_files_have_no_such_header(content: bytes) -> None:
    assert wav_header.samples(io.BytesIO(content)) is None


def test_the_size_that_was_never_filled_in_is() -> None:
    file = _wav(bytes(400), 0)
    mended = wav_header.samples(io.BytesIO(wav_header.with_size(file, wav_header.samples(file))))
    assert mended == wav_header.Samples(44, 400, 400, 4, False)
