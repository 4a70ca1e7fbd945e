"""Writes the words of `microcontroller.bench --streaming` and of a package's self-test: export/packaging/words.json.

    python -m scripts.speak_words

They are spoken by espeak-ng and kept, so that what is played is the same on every machine, to the bit.
"""

import base64
import json
import zlib
from typing import Any

import numpy as np

from export.packaging import spoken_words
from kws.datasets.clip import KEYWORDS, SAMPLE_RATE
from kws.datasets.synthetic.spoken_words import VOICES, speak

TARGET = spoken_words.FILE
OTHER_WORDS = ("bed", "house", "seven", "tree")
# Not of the streaming bench's recording: word, voice, rate.
WAKE_WORDS = (("marvin", "en-us+f5", 200), ("marvin", "en+m5", 200))


def words() -> dict[str, Any]:
    """The file's content."""
    spoken = {}
    for number, word in enumerate((*KEYWORDS, *OTHER_WORDS)):
        voice = VOICES[number % len(VOICES)]
        spoken[word] = _entry(voice, speak(word, voice))
    return {
        "about": f"espeak-ng's words, int8 at {SAMPLE_RATE} Hz, zlib, base64; written by python -m scripts.speak_words",
        "words": spoken,
        "wake_words": [{"word": word, **_entry(voice, speak(word, voice, rate))} for word, voice, rate in WAKE_WORDS],
    }


def _entry(voice: str, samples: np.ndarray) -> dict[str, str]:
    return {"voice": voice, "samples": base64.b64encode(zlib.compress(samples.tobytes(), 9)).decode()}


def main() -> None:
    """The command `python -m scripts.speak_words`."""
    TARGET.write_text(json.dumps(words(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
