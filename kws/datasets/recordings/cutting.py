"""Cuts a long recording into clips of one length."""

import numpy as np

from kws.datasets.clip import CLIP_SAMPLES, LONGEST_CLIP, SAMPLE_RATE, centre
from kws.datasets.dataset_error import DatasetError

_FULL_SCALE = 32768.0
_FRAME = SAMPLE_RATE // 50
# A frame is active within this of the loudest, and above this level (dB of full scale).
_ACTIVE_RANGE_DB = 30.0
_QUIETEST_DB = -70.0
# In noise it is so far above the level that a tenth of the frames are below; no further, where a word fills the file.
_ABOVE_NOISE_DB, _LEAST_RANGE_DB = 9.0, 15.0
_NOISE_SHARE = 0.1
_SHORTEST_GAP = SAMPLE_RATE * 3 // 10
_SHORTEST_GAP_OF_PHRASES = SAMPLE_RATE * 6 // 10
_SHORTEST_SOUND = SAMPLE_RATE * 6 // 100


class TooLong(DatasetError):
    """A word that lasts longer than it may; the message is the reason, without the file's name."""


def cut(samples: np.ndarray, clip: int = CLIP_SAMPLES) -> list[np.ndarray]:
    """Cuts a recording into clips.

    A recording of at most a clip's length is one clip, centred. In a longer one, 20 ms frames within 30 dB of the
    loudest (and above -70 dB of full scale, without what is below some 60 Hz) are active; where there is noise, those
    9 dB above the level that a tenth of the frames are below, or within 15 dB. Stretches of them with gaps below 0.3 s
    are one sound. Each sound of 0.06 s or more gives one clip with the sound in its middle, or if it lasts longer than
    a clip, successive clips from its start, the last one ending with it.

    Args:
      samples: int16 [n] at 16 kHz.
      clip: samples of a clip.

    Returns:
      clips of int16 [clip]; none for a recording without sound.
    """
    if _is_flat(samples):
        return []
    if len(samples) <= clip:
        return [centre(samples, clip)]
    clips = []
    for start, end in _sounds(samples):
        length = end - start
        if length <= clip:
            clips.append(_window(samples, (start + end - clip) // 2, clip))
            continue
        starts = [start + offset for offset in range(0, length - clip, clip)]
        clips += [_window(samples, position, clip) for position in [*starts, end - clip]]
    return clips


def word(samples: np.ndarray, longest: float, clip: int = CLIP_SAMPLES) -> list[np.ndarray]:
    """One clip of a recording that holds its word once: from its first sound to its last, pauses included.

    Args:
      samples: int16 [n] at 16 kHz.
      longest: seconds, at most a clip's.
      clip: samples of a clip.

    Returns:
      one clip of int16 [clip], or none for a recording without sound. Sounds are as in `cut`; the word is in the
      clip's middle, or the whole recording if it is no longer than a clip.

    Raises:
      TooLong: the word lasts longer.
    """
    if _is_flat(samples):
        return []
    sounds = _sounds(samples)
    if sounds:
        start, end = sounds[0][0], sounds[-1][1]
        if end - start > longest * SAMPLE_RATE:
            raise TooLong(f"its word lasts {(end - start) / SAMPLE_RATE:.2f} s, longer than max_word_seconds={longest}")
        if len(samples) > clip:
            return [_window(samples, (start + end - clip) // 2, clip)]
    return cut(samples, clip)


def phrases(samples: np.ndarray, clip: int = CLIP_SAMPLES) -> list[np.ndarray]:
    """The clips of a recording that holds a phrase of several words, once or more often.

    As `cut`, but pauses below 0.6 s belong to the phrase, and one that lasts longer than a clip is not divided.

    Args:
      samples: int16 [n] at 16 kHz.
      clip: samples of a clip.

    Raises:
      TooLong: a phrase lasts longer.
    """
    if _is_flat(samples):
        return []
    sounds = _sounds(samples, _SHORTEST_GAP_OF_PHRASES)
    for start, end in sounds:
        if end - start > clip:
            raise TooLong(_too_long(end - start, clip))
    if len(samples) <= clip:
        return [centre(samples, clip)]
    return [_window(samples, (start + end - clip) // 2, clip) for start, end in sounds]


def _too_long(length: int, clip: int) -> str:
    """What is said of a phrase of more samples than a clip's, and the length of clips that holds it."""
    enough = -(-length // _FRAME) * _FRAME / SAMPLE_RATE
    fits = enough <= LONGEST_CLIP
    remedy = f"give clip_seconds={enough:.2f} or more" if fits else f"no clip is longer than {LONGEST_CLIP:g} s"
    return f"its words last {length / SAMPLE_RATE:.2f} s, longer than clip_seconds={clip / SAMPLE_RATE:g} ({remedy})"


def grid(samples: np.ndarray, clip: int = CLIP_SAMPLES) -> list[np.ndarray]:
    """Successive whole clips of a recording (int16 [n]), sound or not; a shorter one is centred. For silence."""
    if len(samples) <= clip:
        return [centre(samples, clip)]
    return [_window(samples, start, clip) for start in range(0, len(samples) - clip + 1, clip)]


def _is_flat(samples: np.ndarray) -> bool:
    """Whether the samples are all alike: zeros, or an offset alone."""
    return bool(np.all(samples == samples[:1]))


def _window(samples: np.ndarray, start: int, clip: int) -> np.ndarray:
    start = min(max(start, 0), len(samples) - clip)
    return samples[start : start + clip]


def _sounds(samples: np.ndarray, shortest_gap: int = _SHORTEST_GAP) -> list[tuple[int, int]]:
    """(start, end) of every sound; the rule is `cut`'s."""
    count = -(-len(samples) // _FRAME)
    frames = np.pad(samples.astype(np.float64), (0, count * _FRAME - len(samples))).reshape(count, _FRAME)
    power = np.mean(np.square(_without_rumble(frames / _FULL_SCALE)), axis=1)
    active = np.flatnonzero(power >= _least_power(power))
    if len(active) == 0:
        return []
    breaks = np.flatnonzero(np.diff(active) * _FRAME > shortest_gap)
    first = active[np.concatenate(([0], breaks + 1))] * _FRAME
    last = np.minimum((active[np.concatenate((breaks, [len(active) - 1]))] + 1) * _FRAME, len(samples))
    sounds = [(int(start), int(end)) for start, end in zip(first, last, strict=True)]
    return [(start, end) for start, end in sounds if end - start >= _SHORTEST_SOUND]


def _without_rumble(frames: np.ndarray) -> np.ndarray:
    """float64 [n, frame] without each frame's best cubic, what is below some 60 Hz: an offset, hum or a hand on the
    phone is no sound. No filter, which would ring where a sound ends."""
    cubics, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, _FRAME), 4))
    return frames - (frames @ cubics) @ cubics.T


def _least_power(power: np.ndarray) -> float:
    """What the power of an active frame is at least, as a share of full scale; float64 [frames], `cut`'s rule."""
    loudest = np.max(power)
    noise = np.quantile(power, _NOISE_SHARE) * 10 ** (_ABOVE_NOISE_DB / 10)
    lowest, highest = (loudest * 10 ** (-decibels / 10) for decibels in (_ACTIVE_RANGE_DB, _LEAST_RANGE_DB))
    return float(max(np.clip(noise, lowest, highest), 10 ** (_QUIETEST_DB / 10)))
