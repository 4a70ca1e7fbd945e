"""Decodes recordings of any rate, channel count and common format to 16 kHz mono.

The standard library reads plain 16-bit WAV, which is most of what there is, in a third of the time; libsndfile, through
soundfile, reads everything else.
"""

import contextlib
import io
import os
import pathlib
import threading
import wave
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile

from kws.datasets import noise
from kws.datasets.clip import SAMPLE_RATE
from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings import resampling, wav_header

FORMATS = "WAV, AIFF, FLAC, MP3, Ogg Vorbis or Opus"
# How a file that is read begins; libsndfile guesses at more formats and prints on standard output while it does.
BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"caff", b"fLaC", b"OggS", b"ID3")
_FULL_SCALE = 32768.0
# Above this a float file is not audio (full scale is 1.0; some overshoot is normal).
_MOST_FLOAT = 64.0
# Samples of all channels that are decoded at a time: nothing is allocated by a number in a header.
_BLOCK_SAMPLES = 1 << 20
_STANDARD_ERROR = 2
_ONE_AT_A_TIME = threading.Lock()


class NotAudio(DatasetError):
    """A file that is no usable recording; the message is the reason, without the file's name."""


def read(path: pathlib.Path) -> np.ndarray:
    """Reads a recording: channels are averaged, the rate becomes 16 kHz.

    Returns:
      int16 [n].

    Raises:
      NotAudio: it can't be read or decoded, is truncated, has no samples, or a rate outside 4 to 384 kHz.
    """
    try:
        with path.open("rb") as file:
            plain = _read_plain_wav(file)
            if plain is not None and plain[1] == SAMPLE_RATE and plain[0].shape[1] == 1:
                return plain[0][:, 0]
            mono, rate = _decode(file) if plain is None else (_average(plain[0] / _FULL_SCALE), plain[1])
    except OSError as error:
        raise NotAudio(f"it can't be read: {error.strerror or error}") from error
    if mono.size == 0:
        raise NotAudio("it has no samples")
    return noise.to_int16(resampling.to_16_khz(mono, rate) * _FULL_SCALE)


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


def _decode(file: BinaryIO) -> tuple[np.ndarray, int]:
    """(float64 [n] in -1 .. 1, the average of the channels; rate) through libsndfile."""
    _check_beginning(file)
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
            _check_rate(sound.samplerate)
            return _mono(sound), sound.samplerate
    except soundfile.SoundFileError as error:
        raise NotAudio(f"damaged, or of a kind that is not read ({FORMATS} is)") from error


class _ForwardFile(soundfile.SoundFile):
    """A file that is read from front to back alone.

    soundfile seeks to where it is after every block; a frame of MP3 leans on those before it, which are lost then.
    """

    def seekable(self) -> bool:
        return False


def _mono(sound: soundfile.SoundFile) -> np.ndarray:
    """float64 [n]: the average of the channels."""
    frames = max(1, _BLOCK_SAMPLES // sound.channels)
    blocks = [np.zeros(0)]
    while len(block := sound.read(frames, dtype="float64", always_2d=True)):
        if not np.all(np.isfinite(block)) or np.max(np.abs(block)) > _MOST_FLOAT:
            raise NotAudio("its samples are not audio")
        blocks.append(_average(block))
    return np.concatenate(blocks)


def _average(samples: np.ndarray) -> np.ndarray:
    return np.mean(samples, axis=1, dtype=np.float64)


def _check_beginning(file: BinaryIO) -> None:
    file.seek(0)
    start = file.read(4)
    if not start:
        raise NotAudio("the file is empty")
    if not start.startswith(BEGINNINGS) and not _is_mpeg(start):
        raise NotAudio(f"not a {FORMATS} file")


def _is_mpeg(start: bytes) -> bool:
    """Whether four bytes can be the head of an MPEG frame: 11 bits of synchronization, a layer, two rates."""
    if len(start) < 4 or start[0] != 0xFF:
        return False
    layer, bit_rate, sample_rate = start[1] & 0x06, start[2] & 0xF0, start[2] & 0x0C
    return start[1] & 0xE0 == 0xE0 and layer != 0 and bit_rate != 0xF0 and sample_rate != 0x0C


def _check_rate(rate: int) -> None:
    if not resampling.LOWEST_RATE <= rate <= resampling.HIGHEST_RATE:
        expected = f"{resampling.LOWEST_RATE} to {resampling.HIGHEST_RATE} Hz"
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
