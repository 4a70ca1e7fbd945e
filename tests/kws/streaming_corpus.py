"""A dataset of tones in memory, and a bundle of a random model that hears it: no training, no download."""

import dataclasses
import pathlib

import numpy as np

from export.bundle import detector_file, model_card, tflite
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.model import detector, random_model
from kws.datasets.clip import SPLITS, Clips, Dataset
from kws.examples import extraction
from kws.frontend import FrontEndConfig

LABELS = ("_silence_", "_unknown_", "yes", "no")
TONES = {"_unknown_": 1700, "yes": 400, "no": 900}


def dataset(clips_per_word: int = 5) -> Dataset:
    """Each word is a tone of its own; every split has `clips_per_word` of each, and a silent clip."""
    rng = np.random.default_rng(0)
    time = np.arange(16000) / 16000
    splits = {}
    for split in SPLITS:
        samples, labels = [np.zeros(16000, np.int16)], [0]
        for word, tone in TONES.items():
            for _ in range(clips_per_word):
                burst = np.exp(-(((time - rng.uniform(0.4, 0.6)) / 0.15) ** 2))
                tones = np.sin(2 * np.pi * tone * rng.uniform(0.9, 1.1) * time)
                samples.append((8000 * burst * tones).astype(np.int16))
                labels.append(LABELS.index(word))
        names = tuple(f"{split}{i}" for i in range(len(samples)))
        splits[split] = Clips(split, names, np.array(samples), np.array(labels), ("",) * len(names))
    noises = {split: (rng.normal(0, 300, 16000 * 70).astype(np.int16),) for split in SPLITS}
    return Dataset("synthetic", LABELS, splits, noises)


def front_end() -> FrontEndConfig:
    return extraction.calibrate_on_clips(dataset().splits["training"].samples, FrontEndConfig())


def random_bundle(path: pathlib.Path, share: float | None = 0.5) -> Bundle:
    """A small random network; its detector's thresholds are at `share`, None for a bundle without a detector."""
    model = random_model.ds_cnn(1, channels=4, blocks=1, classes=len(LABELS), name="random")
    model = dataclasses.replace(model, labels=LABELS)
    codes = random_model.codes(2, model, 2)
    written = bundles.write(
        path,
        model=model,
        tflite=tflite.to_tflite(model),
        golden=bundles.golden_vectors(model, ("a", "b"), codes, np.zeros(2, np.int64)),
        frontend=front_end().to_json(),
        keras_model=None,
        card=model_card.write(model, {}, {}, {}, {"name": "none"}),
        metrics={},
    )
    if share is None:
        return written
    chosen = detector.default(model, window=3, refractory=5)
    thresholds = tuple(
        detector.NEVER if threshold == detector.NEVER else round(share * 3 * detector.ONE)
        for threshold in chosen.thresholds
    )
    return bundles.add(
        written, detector_file.bundle_files(dataclasses.replace(chosen, thresholds=thresholds), {"tuned_for": None})
    )
