"""A tiny corpus in Speech Commands' layout: every "word" is a tone of its own, in noise."""

import pathlib
import wave

import numpy as np

TONES = {"yes": 400, "no": 900, "bird": 1700}
TRAINING, EVALUATION = 24, 6


def write_wav(path: pathlib.Path, samples: np.ndarray) -> None:
    """Writes samples, whole numbers of 16 bits, as 16 kHz mono; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.astype("<i2").tobytes())


def write(folder: pathlib.Path, training: int = TRAINING, evaluation: int = EVALUATION) -> pathlib.Path:
    """Writes the corpus and returns its folder; use it with --words=yes,no.

    Args:
      training, evaluation: clips of each word in training, and in validation and testing each.
    """
    rng = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    lists: dict[str, list[str]] = {"training": [], "validation": [], "testing": []}
    for word, tone in TONES.items():
        for i in range(training + 2 * evaluation):
            burst = np.exp(-(((time - rng.uniform(0.4, 0.6)) / 0.15) ** 2))
            samples = 8000 * burst * np.sin(2 * np.pi * tone * rng.uniform(0.9, 1.1) * time) + rng.normal(0, 50, 16000)
            name = f"{word}/speaker{i:02d}_nohash_0.wav"
            write_wav(folder / name, samples)
            split = "training" if i < training else "validation" if i < training + evaluation else "testing"
            lists[split].append(name)
    for split in ("validation", "testing"):
        (folder / f"{split}_list.txt").write_text("".join(f"{name}\n" for name in lists[split]))
    write_wav(folder / "_background_noise_" / "hiss.wav", rng.normal(0, 300, 16000 * 8))
    return folder
