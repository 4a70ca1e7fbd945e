"""Words as a file that programs without espeak-ng play: what `microcontroller.bench --streaming` is composed of.

Each is spoken once, without the silence around it, by a few voices in turn: the same on every machine, to the bit.
"""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from kws.datasets.clip import SAMPLE_RATE
from kws.datasets.synthetic import espeak
from kws.datasets.synthetic.utterance import resample, trim
from kws.datasets.word_folders import as_said

VOICES = ("en-us+f3", "en-us+m1", "en+f2", "en-us+m7")
RATE = 170
_PEAK = 127


def content(words: Sequence[str], written_by: str) -> dict[str, Any]:
    """The file's JSON: each word's voice and samples, int8 with a peak of 127, zlib, base64.

    A text that espeak-ng says nothing for is left out.

    Args:
      written_by: the command line that writes it.
    """
    spoken = {}
    for number, word in enumerate(words):
        voice = VOICES[number % len(VOICES)]
        samples = speak(as_said(word), voice)
        if len(samples):
            packed = base64.b64encode(zlib.compress(samples.tobytes(), 9)).decode()
            spoken[word] = {"voice": voice, "samples": packed}
    return {
        "about": f"espeak-ng's words, int8 at {SAMPLE_RATE} Hz, zlib, base64; written by {written_by}",
        "words": spoken,
    }


def speak(word: str, voice: str, rate: int = RATE) -> np.ndarray:
    """A word without the silence around it, int8 [n] at 16 kHz, with a peak of 127; none where nothing is said."""
    raw = espeak.speak(word, voice, rate=rate, pitch=50, pitch_range=50, seed=1)
    if not raw.any():
        return np.zeros(0, np.int8)
    samples = resample(trim(raw.astype(np.float64), espeak.RATE))
    return np.rint(samples * (_PEAK / np.abs(samples).max())).astype(np.int8)
