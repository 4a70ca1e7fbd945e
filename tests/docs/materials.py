"""What lies in a small world: words that espeak-ng says as a corpus, as negatives, and as recordings of one's own."""

import pathlib
import wave

import numpy as np

from kws.datasets.synthetic import espeak
from kws.datasets.synthetic.utterance import resample

RATE = 16000
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "marvin", "bird")
VOICES = {
    "training": ("en-us+f3", "en+m1", "en+f1", "en-us+m7"),
    "validation": ("en-us+f2", "en+m3", "en+m5"),
    "testing": ("en-us+m2", "en+f4", "en+m4"),
}


def write(folder: pathlib.Path) -> None:
    """Writes a corpus `D` in Speech Commands' layout, negatives `N`, `own`, `long.wav`, and it raw as `sound.pcm`."""
    _write_corpus(folder / "D")
    _write_negatives(folder / "N")
    _write_recordings(folder / "own")
    samples = np.concatenate([_spoken(word, VOICES["testing"][0], 1) for word in WORDS])
    _write_wav(folder / "long.wav", samples)
    (folder / "sound.pcm").write_bytes(samples.astype("<i2").tobytes())


def _write_corpus(folder: pathlib.Path) -> None:
    for split, voices in VOICES.items():
        names = []
        for word in WORDS:
            for number, voice in enumerate(voices):
                names.append(f"{word}/{split}{number}_nohash_0.wav")
                _write_wav(folder / names[-1], _spoken(word, voice, number)[:RATE])
        if split != "training":
            (folder / f"{split}_list.txt").write_text("".join(f"{name}\n" for name in names))
    _write_wav(folder / "_background_noise_" / "hiss.wav", np.random.default_rng(0).normal(0, 300, 20 * RATE))


def _write_negatives(folder: pathlib.Path) -> None:
    rng = np.random.default_rng(1)
    for split, (voice, *_) in VOICES.items():
        said = [_spoken(words, voice, 5) for words in ("the weather", "is cold", "and grey", "this evening")]
        _write_wav(folder / f"speech_{split}.wav", np.concatenate(said * 2))
        _write_wav(folder / f"noise_{split}.wav", rng.normal(0, 300, 6 * RATE))
        _write_wav(folder / f"music_{split}.wav", 2000 * np.sin(np.arange(6 * RATE) * 0.1))


def _write_recordings(folder: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for speaker, voice in zip(("anna", "ben", "cem"), VOICES["validation"], strict=True):
            for number in range(1, 4):
                _write_wav(folder / word / f"{speaker}__{number}.wav", _spoken(word, voice, number))
    _write_wav(folder / "_background_noise_" / "room.wav", np.random.default_rng(2).normal(0, 100, 20 * RATE))


def _spoken(text: str, voice: str, seed: int) -> np.ndarray:
    """16 kHz, a second or more, with a little noise."""
    raw = espeak.speak(text, voice, rate=150 + 5 * seed, pitch=40 + 5 * seed, pitch_range=50, seed=seed)
    samples = np.pad(resample(raw.astype(np.float64)), (800, 0))
    samples = np.pad(samples, (0, max(0, RATE - len(samples))))
    return np.clip(samples + np.random.default_rng(seed).normal(0, 20, len(samples)), -32768, 32767)


def _write_wav(path: pathlib.Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
