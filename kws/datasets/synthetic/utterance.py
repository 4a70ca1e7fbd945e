"""One synthetic clip: a word, who says it and how, and the room it is heard in."""

import dataclasses
import math

import numpy as np

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE
from kws.datasets.synthetic import espeak

# A word leaves so much of its clip free, so that it has room to move.
_ROOM_TO_MOVE_S = 0.08
_FASTEST_RATE = 450
_FASTER = 1.25
_FRAME_S = 0.01
# Frames within this of the loudest belong to the word.
_WORD_RANGE_DB = 40.0
_MARGIN_S = 0.015
# 22,050 Hz to 16 kHz is 320 to 441.
_RATIO_IN, _RATIO_OUT = 441, 320


class Unspeakable(Exception):
    """A text that can't become a clip; the message says why."""


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What determines a clip, to the bit.

    Attributes:
      word: the text.
      voice, rate, pitch, pitch_range: as in `espeak.speak`.
      seed: of the voice's noise, the room, the position, the level and the background.
      clip_samples: length of the clip.
    """

    word: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int
    seed: int
    clip_samples: int = CLIP_SAMPLES


def render(utterance: Utterance) -> np.ndarray:
    """The clip, int16 [clip_samples] at 16 kHz.

    The whole word lies in the clip, centred up to 0.12 s; it is coloured by a microphone (a random spectral tilt) and a
    small room (a decaying random tail), has a peak of -20 to -1 dB of full scale, and a quiet noise 15 to 45 dB below.

    Raises:
      Unspeakable: it takes more than the clip without 0.08 s at the fastest rate, or espeak-ng says nothing for it.
    """
    rng = np.random.default_rng(utterance.seed)
    word, length = resample(_spoken(utterance)), utterance.clip_samples
    slack = length - len(word)
    jitter = int(min(0.12 * SAMPLE_RATE, slack // 2))
    start = slack // 2 + int(rng.integers(-jitter, jitter + 1))
    clip = np.zeros(2 * length)
    clip[start : start + len(word)] = word
    spectrum = np.fft.rfft(clip) * np.fft.rfft(_room(rng), 2 * length) * _tilt(rng, 2 * length)
    clip = np.fft.irfft(spectrum, 2 * length)[:length]
    clip *= noise.INT16_MAX * 10 ** (rng.uniform(-20, -1) / 20) / np.max(np.abs(clip))
    background = noise.coloured(rng, length, rng.uniform(0.0, 2.0))
    if rng.uniform() < 0.2:
        background += noise.hum(rng, length)
    level = noise.rms(clip) * 10 ** (-rng.uniform(15, 45) / 20)
    return noise.to_int16(clip + noise.with_rms(background, level))


def resample(samples: np.ndarray) -> np.ndarray:
    """22,050 Hz -> 16 kHz, float64 [n] -> [n * 320 / 441], band-limited by cutting the spectrum."""
    blocks = -(-len(samples) // _RATIO_IN)
    padded = np.zeros(blocks * _RATIO_IN)
    padded[: len(samples)] = samples
    count = blocks * _RATIO_OUT
    spectrum = np.fft.rfft(padded)[: count // 2 + 1]
    return np.fft.irfft(spectrum, count) * (_RATIO_OUT / _RATIO_IN)


def trim(samples: np.ndarray, rate: int) -> np.ndarray:
    """The stretch of `samples` ([n] at `rate` Hz) from its first to its last frame within 40 dB of the loudest."""
    frame = int(_FRAME_S * rate)
    count = -(-len(samples) // frame)
    padded = np.zeros(count * frame)
    padded[: len(samples)] = samples
    power = np.mean(np.square(padded.reshape(count, frame)), axis=1)
    loud = np.flatnonzero(power > np.max(power) * 10 ** (-_WORD_RANGE_DB / 10))
    if len(loud) == 0:
        return samples[:0]
    margin = int(_MARGIN_S * rate)
    return samples[max(0, loud[0] * frame - margin) : (loud[-1] + 1) * frame + margin]


def _spoken(utterance: Utterance) -> np.ndarray:
    """The trimmed word at 22,050 Hz, spoken faster until it fits."""
    rate, longest = utterance.rate, utterance.clip_samples / SAMPLE_RATE - _ROOM_TO_MOVE_S
    while True:
        raw = espeak.speak(
            utterance.word,
            utterance.voice,
            rate=rate,
            pitch=utterance.pitch,
            pitch_range=utterance.pitch_range,
            seed=utterance.seed % (2**31 - 2) + 1,
        )
        word = trim(raw.astype(np.float64), espeak.RATE) if len(raw) else raw
        if len(word) == 0:
            raise Unspeakable(f"espeak-ng says nothing for '{utterance.word}'")
        if len(word) <= longest * espeak.RATE:
            return word
        if rate == _FASTEST_RATE:
            raise Unspeakable(f"'{utterance.word}' takes {len(word) / espeak.RATE:.2f} s at the fastest rate")
        rate = min(_FASTEST_RATE, math.ceil(rate * _FASTER))


def _room(rng: np.random.Generator) -> np.ndarray:
    """Impulse response: the direct sound, then noise that decays by 60 dB in 0.08 to 0.35 s, 8 to 25 dB below it."""
    decay = rng.uniform(0.08, 0.35)
    count = int(decay * SAMPLE_RATE)
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail *= 10 ** (-rng.uniform(8, 25) / 20) / math.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return tail


def _tilt(rng: np.random.Generator, count: int) -> np.ndarray:
    """Gain per bin: -3 to +3 dB per octave around 1 kHz between 100 Hz and 8 kHz, nothing below 60 Hz."""
    frequencies = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    octaves = np.log2(np.maximum(frequencies, 100.0) / 1000.0)
    gain = 10 ** (rng.uniform(-3, 3) * octaves / 20)
    gain[frequencies < 60.0] = 0.0
    return gain
