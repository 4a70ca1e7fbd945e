"""Decodes what phones, browsers and dictation machines write and libsndfile doesn't: AAC, ALAC, AMR, WMA, WebM, Speex.

FFmpeg's libraries come with the package `av`. A file is read by the demuxer that its first bytes name and by decoders
of sound that are listed here, from an open file and no address: nothing that a file says can make them open another
one, nor decode its video.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from kws.datasets.recordings.not_audio import NotAudio, NotRead

if TYPE_CHECKING:
    from av.container import InputContainer

# Bytes of a file that tell its kind.
HEAD_BYTES = 64
# At the offset: the demuxer. A file of the kind of MP4 begins with a box, whose size comes before its name.
_BEGINNINGS = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"#!AMR", "amr"),
    (0, bytes.fromhex("3026b2758e66cf11"), "asf"),
)
# What libsndfile does not read in Ogg.
_OGG, _IN_OGG = b"OggS", (b"Speex   ", b"\x7fFLAC")
_DECODERS = (
    *("aac", "alac", "amrnb", "amrwb", "flac", "libopus", "mp3", "mp3float", "opus", "speex", "libspeex", "vorbis"),
    *("wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice", "adpcm_ima_qt", "pcm_alaw", "pcm_mulaw", "pcm_u8"),
    *(f"pcm_{kind}{order}" for kind in ("s16", "s24", "s32", "f32", "f64") for order in ("le", "be")),
)
# Demuxers whose files say how long they last, and the seconds by which fewer samples are no damage: an encoder's delay.
_SAY_DURATION = ("mov", "matroska")
_SLACK_SECONDS = 0.25
_MICROSECONDS = 1_000_000

Blocks = Iterator[np.ndarray]


def demuxer_of(head: bytes) -> str | None:
    """FFmpeg's name of the demuxer for a file with these first HEAD_BYTES; None for a file that is not read here."""
    for offset, name, demuxer in _BEGINNINGS:
        if head[offset:].startswith(name):
            return demuxer
    if head.startswith(_OGG) and any(name in head for name in _IN_OGG):
        return "ogg"
    # 12 bits of synchronization and the layer 0, which no MPEG frame has.
    is_adts = len(head) >= 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    return "aac" if is_adts else None


@contextlib.contextmanager
def opened(file: BinaryIO, demuxer: str) -> Iterator[tuple[Blocks, int]]:
    """Opens the first sound in a file.

    Returns:
      Its samples, float64 [n] each, the average of the channels from -1 to 1; its rate in Hz.

    Raises:
      NotRead: it holds sound of another kind.
      NotAudio: it holds no sound, is damaged, or ends early. Also while the samples are read.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        raise NotRead(f"reading it needs the package av: pip install av ({error})") from error
    av.logging.set_level(None)  # the reason is told in one line
    source = _Source(file)
    source.seek(0)
    options = {"codec_whitelist": ",".join(_DECODERS)}
    try:
        with av.open(source, "r", format=demuxer, options=options, metadata_errors="ignore") as container:
            rate = _rate(container)
            yield _blocks(container, rate, _declared_seconds(container, demuxer)), rate
    except (av.FFmpegError, ValueError, MemoryError, EOFError) as error:
        if isinstance(error, NotAudio):
            raise
        raise NotAudio("damaged or cut short, or of a kind that is not read") from error


class _Source:
    """A file, of which FFmpeg hears that a place isn't there; an exception would be printed."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.tell, self._file = file.read, file.tell, file

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError:
            return -1


def _rate(container: "InputContainer") -> int:
    if not container.streams.audio:
        raise NotAudio("there is no sound in it")
    codec = container.streams.audio[0].codec_context
    if codec is None or codec.name not in _DECODERS:
        raise NotRead(f"its sound is in {'a code' if codec is None else codec.name} that is not read")
    return int(codec.sample_rate or 0)


def _declared_seconds(container: "InputContainer", demuxer: str) -> float:
    """How long the sound lasts by the file's own word; 0 where it doesn't say."""
    stream = container.streams.audio[0]
    if demuxer not in _SAY_DURATION:
        return 0.0
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return 0.0 if container.streams.video else (container.duration or 0) / _MICROSECONDS


def _blocks(container: "InputContainer", rate: int, declared: float) -> Blocks:
    count = 0
    for frame in container.decode(container.streams.audio[0]):
        if frame.sample_rate != rate:
            raise NotAudio(f"its rate changes from {rate} to {frame.sample_rate} samples per second")
        count += frame.samples
        yield _average(frame)
    if count < (declared - _SLACK_SECONDS) * rate:
        raise NotAudio(f"truncated: {count / rate:.2f} of {declared:.2f} s")


def _average(frame: Any) -> np.ndarray:
    """float64 [n] of a frame: the average of its channels."""
    values = frame.to_ndarray()
    channels = values if frame.format.is_planar else values.reshape(-1, len(frame.layout.channels)).T
    mean = np.mean(channels, axis=0, dtype=np.float64)
    if values.dtype == np.uint8:
        return (mean - 128) / 128
    return mean / -float(np.iinfo(values.dtype).min) if values.dtype.kind == "i" else mean
