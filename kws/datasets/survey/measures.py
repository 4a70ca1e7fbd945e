"""What can be told of clips without knowing what is said: level, signal-to-noise ratio, clipping, cut-off words."""

import dataclasses
import sys

import numpy as np
from tqdm import tqdm

from kws.datasets.clip import SAMPLE_RATE, Clips

_FULL_SCALE = 32768.0
_FRAME = SAMPLE_RATE // 50
# Clips that are looked at together.
_BLOCK = 256
# Frames within this of the loudest, and of more than so many times the noise's power, are the word.
_WORD_RANGE_DB = 20.0
_WORD_OVER_NOISE = 2.0
# Of the frames by level, the one that is taken for the noise between words.
_NOISE_QUANTILE = 0.1
QUIETEST_DB, HIGHEST_SNR_DB = -100.0, 60.0
# Samples that are equal one after the other where the sound is cut off, and the level from which that is looked for.
_PLATEAU = 3
_LEAST_PEAK = 0.5


@dataclasses.dataclass(frozen=True)
class Measures:
    """Of n clips, each [n].

    Attributes:
      level_db: float32, of the word, dB of full scale: the mean power of the 20 ms frames within 20 dB of the loudest
        that stand out.
      snr_db: float32, an estimate: that power over the power of the frame that a tenth of the frames with sound are
        below; -10 to 60.
      clipped: float32, share of the samples that are equal to the clip's peak, where three in a row are.
      edge_db: float32, the louder of the first and last 40 ms, dB below the loudest frame (0: the loudest).
    """

    level_db: np.ndarray
    snr_db: np.ndarray
    clipped: np.ndarray
    edge_db: np.ndarray


def measure(clips: Clips) -> Measures:
    """Measures every clip, with progress; a clip in a store is read once."""
    found = []
    with tqdm(total=len(clips), desc=f"looking at {clips.split}", unit="clip", file=sys.stderr, disable=None) as bar:
        for start in range(0, len(clips), _BLOCK):
            block = clips.samples[start : start + _BLOCK]
            found.append(_of_block(block))
            bar.update(len(block))
    columns = zip(*found, strict=True) if found else [[np.zeros(0, np.float32)]] * len(dataclasses.fields(Measures))
    return Measures(*(np.concatenate(column).astype(np.float32) for column in columns))


def of_samples(samples: np.ndarray) -> Measures:
    """Measures clips int16 [n, length]."""
    return Measures(*(column.astype(np.float32) for column in _of_block(samples)))


def _of_block(samples: np.ndarray) -> tuple[np.ndarray, ...]:
    """The measures of int16 [n, length], in the order of the fields."""
    power = _frame_power(samples)
    loudest = np.max(power, axis=1)
    noise = np.array([_noise(row) for row in power])
    least = np.minimum(np.maximum(loudest * 10 ** (-_WORD_RANGE_DB / 10), _WORD_OVER_NOISE * noise), loudest)
    word = _mean_where(power, power >= least[:, np.newaxis])
    snr = _decibels(np.maximum(word - noise, noise / 10)) - _decibels(noise)
    edge = np.maximum(np.max(power[:, :2], axis=1), np.max(power[:, -2:], axis=1))
    return (
        _decibels(word),
        np.clip(snr, -10.0, HIGHEST_SNR_DB),
        np.array([clipped(row) for row in samples]),
        _decibels(edge) - _decibels(loudest),
    )


def _frame_power(samples: np.ndarray) -> np.ndarray:
    """float64 [n, frames]: the mean square of each 20 ms, of full scale, about their mean: an offset is no sound."""
    count, length = samples.shape
    frames = samples[:, : length - length % _FRAME].reshape(count, -1, _FRAME).astype(np.float32)
    frames -= np.mean(frames, axis=2, keepdims=True)
    return np.einsum("nft,nft->nf", frames, frames).astype(np.float64) / (_FRAME * _FULL_SCALE**2)


def _mean_where(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.sum(values * chosen, axis=1) / np.maximum(np.sum(chosen, axis=1), 1)


def _noise(power: np.ndarray) -> float:
    """Of one clip's frames; those of digital silence are padding."""
    sound = power[power > 0]
    return float(np.quantile(sound, _NOISE_QUANTILE)) if len(sound) else 0.0


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10)))


def clipped(samples: np.ndarray) -> float:
    """Share of the samples, int16 [length], that are cut off."""
    total = 0
    for peak in (int(samples.max()), int(samples.min())):
        if abs(peak) < _LEAST_PEAK * _FULL_SCALE:
            continue
        at_peak = samples == peak
        runs = np.lib.stride_tricks.sliding_window_view(at_peak, _PLATEAU).all(axis=1)
        total += int(np.count_nonzero(at_peak)) if runs.any() else 0
    return total / len(samples)
