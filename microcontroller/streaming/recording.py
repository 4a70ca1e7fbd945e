"""What the device listens to: a WAV file, or a minute of synthetic words that needs no corpus."""

import dataclasses
import math
import pathlib
import wave
import zlib

import numpy as np

from export.packaging import spoken_words
from microcontroller.measurement.measurement_error import MeasurementError

SAMPLE_RATE = spoken_words.SAMPLE_RATE
SEED = 0
SECONDS = 60
WORDS = "words.json"
"""Of a bundle whose keywords are others than the project's: they are spoken there (`kws.tune_detector`)."""
_SAMPLE_BYTES = 2
_FULL_SCALE = 32767
_SILENT_SECONDS = 2
_SCENE_SECONDS = 10
# RMS of the scenes' noise, and range of the words' peaks below full scale.
_NOISE_RMS = (30.0, 100.0, 300.0)
_PEAK_DB = (-20.0, -3.0)
_PAUSE_SECONDS = (0.4, 1.8)
_SHORTEST_SECONDS = 1


@dataclasses.dataclass(frozen=True)
class Recording:
    """A sound.

    Attributes:
      samples: int16 [n] at 16 kHz.
      name: what it is, in words.
    """

    samples: np.ndarray
    name: str

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def read(path: pathlib.Path) -> Recording:
    """The recording in a WAV file of the form that a microphone gives the device.

    Raises:
      MeasurementError: it is missing, damaged, has another form, or is shorter than a second.
    """
    remedy = "give a WAV file of 16 kHz, mono, signed 16 bits"
    if not path.is_file():
        raise MeasurementError(f"audio={path} is not a file: {remedy}")
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            promised, data = file.getnframes(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise MeasurementError(f"audio={path} can't be read ({error or 'it ends too early'}): {remedy}") from error
    except OSError as error:
        raise MeasurementError(f"audio={path} can't be read: {error.strerror}") from error
    if (rate, channels, width) != (SAMPLE_RATE, 1, _SAMPLE_BYTES):
        raise MeasurementError(f"audio={path} has {rate} Hz, {channels} channels, {8 * width} bits: {remedy}")
    if len(data) != promised * _SAMPLE_BYTES:
        raise MeasurementError(f"audio={path} is truncated: {remedy}")
    recording = Recording(np.frombuffer(data, "<i2").astype(np.int16), path.name)
    if recording.seconds < _SHORTEST_SECONDS:
        raise MeasurementError(
            f"audio={path} has {len(recording.samples)} samples: give a second, {SAMPLE_RATE}, at least"
        )
    return recording


def synthetic(seconds: int = SECONDS, seed: int = SEED, words_file: pathlib.Path | None = None) -> Recording:
    """Words of espeak-ng, every one once before any comes again, over white noise; the same for a seed, to the bit.

    It begins with two seconds of digital silence, then the noise's level changes every ten seconds. A word's peak is
    3 to 20 dB below full scale, a pause 0.4 to 1.8 s long.

    Args:
      words_file: of other words, such as a bundle's own (`WORDS`); None for the project's.

    Raises:
      MeasurementError: the file can't be read.
    """
    words = list(_words(words_file).values())
    rng = np.random.default_rng(seed)
    count = seconds * SAMPLE_RATE
    levels = np.resize(np.repeat(_NOISE_RMS, _SCENE_SECONDS * SAMPLE_RATE), count)
    sound = levels * rng.standard_normal(count)
    silent = _SILENT_SECONDS * SAMPLE_RATE
    sound[:silent] = 0
    position = silent
    turns: list[int] = []
    while True:
        turns = turns or rng.permutation(len(words)).tolist()
        word = words[turns.pop()]
        position += math.floor(rng.uniform(*_PAUSE_SECONDS) * SAMPLE_RATE)
        if position + len(word) > count:
            break
        peak = _FULL_SCALE * 10 ** (rng.uniform(*_PEAK_DB) / 20)
        sound[position : position + len(word)] += word * (peak / np.abs(word).max())
        position += len(word)
    samples = np.clip(np.rint(sound), -_FULL_SCALE - 1, _FULL_SCALE).astype(np.int16)
    own = "synthetic" if words_file is None else "the bundle's"
    return Recording(samples, f"{seconds} s of {own} words, seed {seed}")


def known_words() -> frozenset[str]:
    """The words that the project's own recording is composed of."""
    return frozenset(spoken_words.recorded())


def _words(path: pathlib.Path | None) -> dict[str, np.ndarray]:
    """Word -> float64 [n] at 16 kHz, none of them empty or silent; the project's where no file is given."""
    if path is None:
        return spoken_words.recorded()
    remedy = "write it again with python -m kws.tune_detector"
    try:
        found = {word: samples for word, samples in spoken_words.in_file(path).items() if samples.any()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise MeasurementError(f"{path} holds no words that can be played ({error!r}): {remedy}") from error
    if not found:
        raise MeasurementError(f"{path} holds no words: {remedy}")
    return found
