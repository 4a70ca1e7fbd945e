"""Writes the words that `microcontroller.bench --streaming` plays: microcontroller/streaming/words.json.

    python -m scripts.speak_words

They are spoken by espeak-ng and kept, so that the recording is the same on every machine, to the bit.
"""

import base64
import json
import pathlib
import zlib
from typing import Any

import numpy as np

from kws.datasets.clip import KEYWORDS, SAMPLE_RATE
from kws.datasets.synthetic import espeak
from kws.datasets.synthetic.utterance import resample, trim

TARGET = pathlib.Path(__file__).resolve().parents[1] / "microcontroller" / "streaming" / "words.json"
OTHER_WORDS = ("bed", "house", "seven", "tree")
VOICES = ("en-us+f3", "en-us+m1", "en+f2", "en-us+m7")
_PEAK = 127


def speak(word: str, voice: str) -> np.ndarray:
    """A word without the silence around it, int8 [n] at 16 kHz, with a peak of 127."""
    raw = espeak.speak(word, voice, rate=170, pitch=50, pitch_range=50, seed=1)
    samples = resample(trim(raw.astype(np.float64), espeak.RATE))
    return np.rint(samples * (_PEAK / np.abs(samples).max())).astype(np.int8)


def words() -> dict[str, Any]:
    """The file's content."""
    spoken = {}
    for number, word in enumerate((*KEYWORDS, *OTHER_WORDS)):
        voice = VOICES[number % len(VOICES)]
        packed = zlib.compress(speak(word, voice).tobytes(), 9)
        spoken[word] = {"voice": voice, "samples": base64.b64encode(packed).decode()}
    return {
        "about": f"espeak-ng's words, int8 at {SAMPLE_RATE} Hz, zlib, base64; written by python -m scripts.speak_words",
        "words": spoken,
    }


def main() -> None:
    """The command `python -m scripts.speak_words`."""
    TARGET.write_text(json.dumps(words(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
