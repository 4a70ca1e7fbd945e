"""Decodes recordings of any rate, channel count and common format to 16 kHz mono, and cuts long ones into clips.

tensorflow-io decodes and resamples; TensorFlow is imported when the first file is read. Integer WAV is read by the
standard library instead, because tensorflow-io takes 32-bit integers for floats.
"""

import pathlib
import wave

import numpy as np

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE, centre

FORMATS = "WAV, FLAC, MP3 or Ogg Vorbis"
_FULL_SCALE = 32768.0
# Above this a float file is not audio (full scale is 1.0; some overshoot is normal).
_MOST_FLOAT = 64.0
_FRAME = SAMPLE_RATE // 50
# A frame is active within this of the loudest, and above this level (dB of full scale).
_ACTIVE_RANGE_DB = 30.0
_QUIETEST_DB = -70.0
_SHORTEST_GAP = SAMPLE_RATE * 3 // 10
_SHORTEST_SOUND = SAMPLE_RATE * 6 // 100


class NotAudio(Exception):
    """A file that is no usable recording; the message is the reason."""


def read(path: pathlib.Path) -> np.ndarray:
    """Reads a recording: channels are averaged, the rate becomes 16 kHz.

    Returns:
      int16 [n].

    Raises:
      NotAudio: it can't be decoded, is truncated or has no samples.
    """
    if path.stat().st_size == 0:
        raise NotAudio("the file is empty")
    decoded = _read_integer_wav(path)
    samples, rate = decoded if decoded is not None else _decode(path)
    if samples.size == 0:
        raise NotAudio("it has no samples")
    if not np.all(np.isfinite(samples)) or np.max(np.abs(samples)) > _MOST_FLOAT:
        raise NotAudio("its samples are not audio")
    mono = np.mean(samples, axis=1, dtype=np.float64)
    return noise.to_int16(_resample(mono, rate) * _FULL_SCALE)


def cut(samples: np.ndarray) -> list[np.ndarray]:
    """Cuts a recording into clips.

    A recording of at most one second is one clip, centred. In a longer one, 20 ms frames within 30 dB of the loudest
    (and above -70 dB of full scale) are active; stretches of them with gaps below 0.3 s are one sound. Each sound
    of 0.06 s or more gives one clip with the sound in its middle, or if it lasts longer than a second, successive
    clips of a second from its start, the last one ending with it.

    Args:
      samples: int16 [n] at 16 kHz.

    Returns:
      clips of int16 [16000]; none for a recording without sound.
    """
    if not np.any(samples):
        return []
    if len(samples) <= CLIP_SAMPLES:
        return [centre(samples)]
    clips = []
    for start, end in _sounds(samples):
        length = end - start
        if length <= CLIP_SAMPLES:
            clips.append(_window(samples, (start + end - CLIP_SAMPLES) // 2))
            continue
        starts = [start + offset for offset in range(0, length - CLIP_SAMPLES, CLIP_SAMPLES)]
        clips += [_window(samples, position) for position in [*starts, end - CLIP_SAMPLES]]
    return clips


def grid(samples: np.ndarray) -> list[np.ndarray]:
    """Successive whole seconds of a recording (int16 [n]), sound or not; a shorter one is centred. For silence."""
    if len(samples) <= CLIP_SAMPLES:
        return [centre(samples)]
    return [_window(samples, start) for start in range(0, len(samples) - CLIP_SAMPLES + 1, CLIP_SAMPLES)]


def _window(samples: np.ndarray, start: int) -> np.ndarray:
    start = min(max(start, 0), len(samples) - CLIP_SAMPLES)
    return samples[start : start + CLIP_SAMPLES]


def _sounds(samples: np.ndarray) -> list[tuple[int, int]]:
    """(start, end) of every sound; the rule is `cut`'s."""
    count = -(-len(samples) // _FRAME)
    frames = np.pad(samples.astype(np.float64), (0, count * _FRAME - len(samples))).reshape(count, _FRAME)
    power = np.mean(np.square(frames / _FULL_SCALE), axis=1)
    floor = max(np.max(power) * 10 ** (-_ACTIVE_RANGE_DB / 10), 10 ** (_QUIETEST_DB / 10))
    active = np.flatnonzero(power >= floor)
    if len(active) == 0:
        return []
    breaks = np.flatnonzero(np.diff(active) * _FRAME > _SHORTEST_GAP)
    first = active[np.concatenate(([0], breaks + 1))] * _FRAME
    last = np.minimum((active[np.concatenate((breaks, [len(active) - 1]))] + 1) * _FRAME, len(samples))
    sounds = [(int(start), int(end)) for start, end in zip(first, last, strict=True)]
    return [(start, end) for start, end in sounds if end - start >= _SHORTEST_SOUND]


def _read_integer_wav(path: pathlib.Path) -> tuple[np.ndarray, int] | None:
    """(float [n, channels] in -1 .. 1, rate) of a plain integer WAV; None for anything else."""
    try:
        with wave.open(str(path), "rb") as file:
            frames, rate = file.getnframes(), file.getframerate()
            channels, width = file.getnchannels(), file.getsampwidth()
            data = file.readframes(frames)
    except (wave.Error, EOFError):
        return None
    if len(data) != frames * channels * width:
        raise NotAudio(f"truncated: {len(data) // (channels * width)} of {frames} samples")
    if width == 1:
        samples = (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    elif width == 3:
        low, middle, high = np.frombuffer(data, np.uint8).reshape(-1, 3).T.astype(np.int32)
        samples = (((high ^ 128) - 128) * 65536 + middle * 256 + low) / 2.0**23
    else:
        samples = np.frombuffer(data, f"<i{width}") / 2.0 ** (8 * width - 1)
    return samples.reshape(frames, channels), rate


def _decode(path: pathlib.Path) -> tuple[np.ndarray, int]:
    """(float [n, channels] in -1 .. 1, rate) through tensorflow-io."""
    import tensorflow as tf
    import tensorflow_io as tfio

    try:
        audio = tfio.audio.AudioIOTensor(str(path))
        samples, rate = audio.to_tensor().numpy(), int(audio.rate.numpy())
    except tf.errors.OpError as error:
        reason = str(error.message).rpartition("}} ")[2].partition(" [Op:")[0].partition(": ")[0].strip()
        if "unknown file type" in reason:
            raise NotAudio(f"not a {FORMATS} file") from error
        raise NotAudio(f"damaged or of an unsupported kind ({reason}); {FORMATS} is read") from error
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128, rate
    if samples.dtype.kind == "i":
        return samples / 2.0 ** (8 * samples.dtype.itemsize - 1), rate
    return samples.astype(np.float64), rate


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """float [n] at `rate` Hz -> float64 at 16 kHz."""
    if rate == SAMPLE_RATE:
        return samples
    import tensorflow as tf
    import tensorflow_io as tfio

    return tfio.audio.resample(tf.constant(samples[:, None], tf.float32), rate, SAMPLE_RATE).numpy()[:, 0].astype(float)
