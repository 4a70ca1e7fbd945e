"""Decodes recordings of any rate, channel count and common format to 16 kHz mono.

The standard library reads plain 16-bit WAV, which is most of what there is, in a third of the time; libsndfile, through
soundfile, reads what it can of the rest, and FFmpeg's libraries what phones write besides (`ffmpeg_file`).
"""

import contextlib
import io
import os
import pathlib
import shlex
import threading
import wave
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from export.model.frontend_config import HIGHEST_RATE, LOWEST_RATE
from kws.datasets import noise
from kws.datasets.clip import SAMPLE_RATE
from kws.datasets.recordings import ffmpeg_file, resampling, wav_header
from kws.datasets.recordings.ffmpeg_file import Blocks
from kws.datasets.recordings.not_audio import NotAudio, NotRead

__all__ = ["FORMATS", "SUFFIXES", "NotAudio", "has_header", "read"]

FORMATS = "WAV, AIFF, FLAC, MP3, M4A/AAC, Ogg, Opus, WebM, AMR or WMA"
# Where a file's name tells whether it is to be read, as among those that lie beside recordings.
SUFFIXES = (
    *(".wav", ".aif", ".aiff", ".au", ".caf", ".w64", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".spx"),
    *(".m4a", ".mp4", ".aac", ".3gp", ".amr", ".webm", ".mka", ".wma"),
)
# How a file that libsndfile reads begins; it guesses at more formats and prints on standard output while it does.
_BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"caff", b"fLaC", b"OggS", b"ID3")
# What lasts longer is no recording that training can use, or a small file that would fill the memory.
_MOST_HOURS = 6
_FULL_SCALE = 32768.0
# Above this a float file is not audio (full scale is 1.0; some overshoot is normal).
_MOST_FLOAT = 64.0
# Samples of all channels that are decoded at a time: nothing is allocated by a number in a header.
_BLOCK_SAMPLES = 1 << 20
_STANDARD_ERROR = 2
_ONE_AT_A_TIME = threading.Lock()


def read(path: pathlib.Path) -> np.ndarray:
    """Reads a recording: channels are averaged, the rate becomes 16 kHz.

    Returns:
      int16 [n].

    Raises:
      NotRead: it may be sound of another kind; the reason has the command that converts it.
      NotAudio: it can't be read or decoded, is truncated, has no samples, a rate outside 4 to 384 kHz, or lasts longer
        than six hours.
    """
    try:
        with path.open("rb") as file:
            plain = _read_plain_wav(file)
            if plain is not None and plain[1] == SAMPLE_RATE and plain[0].shape[1] == 1:
                return plain[0][:, 0]
            with _decoded(file) if plain is None else _sliced(*plain) as (blocks, rate):
                return _at_16_khz(blocks, rate)
    except NotRead as reason:
        raise NotRead(f"{reason}; if it is sound, this converts it: {_conversion(path)}") from reason
    except OSError as error:
        raise NotAudio(f"it can't be read: {error.strerror or error}") from error


def has_header(start: bytes) -> bool:
    """Whether what begins so is a file of some format, and no raw PCM."""
    sample = start.startswith(b"\xff")  # the first of raw PCM, as likely as a stream of AAC
    return start.startswith(_BEGINNINGS) or (ffmpeg_file.demuxer_of(start) is not None and not sample)


def _at_16_khz(blocks: Blocks, rate: int) -> np.ndarray:
    """int16 [n] of float64 blocks at `rate` Hz."""
    parts = [noise.to_int16(block * _FULL_SCALE) for block in resampling.in_blocks(_checked(blocks, rate), rate)]
    if not parts:
        raise NotAudio("it has no samples")
    return np.concatenate(parts)


def _checked(blocks: Blocks, rate: int) -> Blocks:
    """The blocks, as long as they are samples and not too many."""
    count = 0
    for block in blocks:
        if not np.all(np.isfinite(block)):
            raise NotAudio("its samples are not audio")
        count += len(block)
        if count > _MOST_HOURS * 3600 * rate:
            raise NotAudio(f"it lasts longer than {_MOST_HOURS} hours: cut it into shorter recordings")
        yield block


@contextlib.contextmanager
def _sliced(samples: np.ndarray, rate: int) -> Iterator[tuple[Blocks, int]]:
    """A plain WAV file, int16 [n, channels], as blocks."""
    frames = max(1, _BLOCK_SAMPLES // samples.shape[1])
    parts = (samples[start : start + frames] for start in range(0, len(samples), frames))
    yield (_average(part / _FULL_SCALE) for part in parts), rate


def _read_plain_wav(file: BinaryIO) -> tuple[np.ndarray, int] | None:
    """(int16 [n, channels], rate) of a whole 16-bit WAV file; None for anything else."""
    try:
        with wave.open(file, "rb") as sound:
            if sound.getsampwidth() != 2:
                return None
            _check_rate(sound.getframerate())
            frames, channels = sound.getnframes(), sound.getnchannels()
            if not 0 < 2 * frames * channels <= os.fstat(file.fileno()).st_size:
                return None
            data = sound.readframes(frames)
    except (wave.Error, EOFError, RuntimeError):
        return None
    if len(data) != 2 * frames * channels:
        return None
    return np.frombuffer(data, "<i2").astype(np.int16).reshape(frames, channels), sound.getframerate()


@contextlib.contextmanager
def _decoded(file: BinaryIO) -> Iterator[tuple[Blocks, int]]:
    """(float64 [n] each, the average of the channels; rate) through libsndfile or FFmpeg."""
    file.seek(0)
    head = file.read(ffmpeg_file.HEAD_BYTES)
    demuxer = ffmpeg_file.demuxer_of(head)
    if not head:
        raise NotAudio("the file is empty")
    if demuxer is None and not head.startswith(_BEGINNINGS) and not _is_mpeg(head[:4]):
        raise NotRead(f"not a {FORMATS} file")
    with ffmpeg_file.opened(file, demuxer) if demuxer else _by_libsndfile(file) as (blocks, rate):
        _check_rate(rate)
        yield blocks, rate


def _conversion(path: pathlib.Path) -> str:
    """The command of a shell that makes a WAV file of it."""
    name = f"{path.stem}_converted.wav" if path.suffix.lower() == ".wav" else f"{path.stem}.wav"
    return shlex.join(["ffmpeg", "-i", str(path), str(path.with_name(name))])


class _ForwardFile(soundfile.SoundFile):
    """A file that is read from front to back alone.

    soundfile seeks to where it is after every block; a frame of MP3 leans on those before it, which are lost then.
    """

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def _by_libsndfile(file: BinaryIO) -> Iterator[tuple[Blocks, int]]:
    found = wav_header.samples(file)
    if found is not None and found.truncated:
        raise NotAudio(f"truncated: {found.present // found.frame} of {found.promised // found.frame} samples")
    if found is not None and found.unfinished:
        source: io.BytesIO | int = io.BytesIO(wav_header.with_size(file, found))
    else:
        source = file.fileno()
        os.lseek(source, 0, os.SEEK_SET)
    try:
        with _silent_decoder(), _ForwardFile(source, closefd=False) as sound:
            yield _mono(sound), sound.samplerate
    except soundfile.SoundFileError as error:
        raise NotAudio(f"damaged, or of a kind that is not read ({FORMATS} is)") from error


def _mono(sound: soundfile.SoundFile) -> Blocks:
    """float64 [n] each: the average of the channels."""
    frames = max(1, _BLOCK_SAMPLES // sound.channels)
    while len(block := sound.read(frames, dtype="float64", always_2d=True)):
        if not np.all(np.isfinite(block)) or np.max(np.abs(block)) > _MOST_FLOAT:
            raise NotAudio("its samples are not audio")
        yield _average(block)


def _average(samples: np.ndarray) -> np.ndarray:
    return np.mean(samples, axis=1, dtype=np.float64)


def _is_mpeg(start: bytes) -> bool:
    """Whether four bytes can be the head of an MPEG frame: 11 bits of synchronization, a layer, two rates."""
    if len(start) < 4 or start[0] != 0xFF:
        return False
    layer, bit_rate, sample_rate = start[1] & 0x06, start[2] & 0xF0, start[2] & 0x0C
    return start[1] & 0xE0 == 0xE0 and layer != 0 and bit_rate != 0xF0 and sample_rate != 0x0C


def _check_rate(rate: int) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        expected = f"{LOWEST_RATE} to {HIGHEST_RATE} Hz"
        raise NotAudio(f"its header says {rate} samples per second, expected {expected}")


@contextlib.contextmanager
def _silent_decoder() -> Iterator[None]:
    """Keeps libsndfile's MP3 decoder from writing about damage on standard error: the reason is told in one line."""
    with _ONE_AT_A_TIME:
        kept, nowhere = os.dup(_STANDARD_ERROR), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STANDARD_ERROR)
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            os.close(nowhere)
