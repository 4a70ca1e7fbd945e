"""Words of espeak-ng, kept so that what is played is the same on every machine, to the bit."""

import base64
import functools
import json
import pathlib
import zlib
from typing import Any

import numpy as np

SAMPLE_RATE = 16000
FILE = pathlib.Path(__file__).with_name("words.json")
"""Written by scripts.speak_words."""


@functools.cache
def recorded() -> dict[str, np.ndarray]:
    """The words of the streaming bench's recording: word -> float64 [n] at 16 kHz, its peak 127."""
    return in_file(FILE)


def in_file(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The words of a file of this form: word -> float64 [n] at 16 kHz. Raises what reading and unpacking raise."""
    words = json.loads(path.read_text(encoding="utf-8"))["words"]
    return {word: _samples(entry) for word, entry in words.items()}


def renderings(word: str) -> list[np.ndarray]:
    """A word as several voices say it, each float64 [n] at 16 kHz, its peak 127; none of a word that isn't kept."""
    others = [_samples(entry) for entry in _read()["wake_words"] if entry["word"] == word]
    return [recorded()[word], *others] if word in recorded() else others


@functools.cache
def _read() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def _samples(entry: dict[str, str]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(entry["samples"])), np.int8).astype(np.float64)
