"""What a dataset takes of its negatives: `_unknown_` clips of speech, and more noise for training."""

import pathlib

import numpy as np

from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import CLIP_SAMPLES, NO_NEGATIVES, SAMPLE_RATE, UNKNOWN, DatasetConfig, Part
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives.folder import MUSIC, NOISE, Recording, recordings
from kws.datasets.noise import rms
from kws.datasets.word_folders import NEGATIVES

# A word of its own among those of `_unknown_`.
WORD = f"_{NEGATIVES}_"
# Training's seconds overlap by half, so that what one cuts at its ends is whole in the next.
TRAINING_HOP = CLIP_SAMPLES // 2
# A second is a pause where its level is this far below that of its recording.
_PAUSE = 0.1

# What reads recordings.
LIBRARIES = ("av", "scipy", "soundfile")

Noises = dict[str, tuple[np.ndarray, ...]]


def folder_of(config: DatasetConfig, root: pathlib.Path | None) -> pathlib.Path | None:
    """The folder of negatives: `config.negatives`, else `negatives` in the corpus; None for none.

    Raises:
      DatasetError: `config.negatives` is not a folder.
    """
    if config.negatives is None:
        inside = None if root is None else root / NEGATIVES
        return inside if inside is not None and inside.is_dir() else None
    if config.negatives == NO_NEGATIVES:
        return None
    folder = pathlib.Path(config.negatives)
    if not folder.is_dir():
        raise DatasetError(
            f"negatives={folder} is not a folder: give one of recordings without keywords, or {NO_NEGATIVES}"
        )
    return folder


def add(
    config: DatasetConfig,
    root: pathlib.Path | None,
    builder: DatasetBuilder,
    names: tuple[str, ...],
    noises: Noises,
    part: Part,
) -> Noises:
    """Gives a dataset its negatives.

    Speech, and what is of no other kind, is cut into clips of `_unknown_`: those of the training split, and those of
    another split if it has no `_unknown_` of its own. Training's music and noise join its noises.

    Args:
      names: the dataset's labels; speech is left out where `_unknown_` is none of them.
      part: what is collected.

    Returns:
      `noises`, and training's own music and noise.

    Raises:
      DatasetError: the folder or a recording in it can't be read.
    """
    folder = folder_of(config, root)
    if folder is None:
        return noises
    for split in part.splits if UNKNOWN in names else ():
        if split == "training" or builder.count(split, (UNKNOWN,)) == 0:
            for recording in recordings(folder, split):
                _add_seconds(recording, split, builder)
    if "training" not in part.splits:
        return noises
    backgrounds = [each.samples for each in recordings(folder, "training") if each.kind in (MUSIC, NOISE)]
    return {**noises, "training": (*noises["training"], *backgrounds)}


def _add_seconds(recording: Recording, split: str, builder: DatasetBuilder) -> None:
    if recording.kind in (MUSIC, NOISE):
        return
    hop = TRAINING_HOP if split == "training" else CLIP_SAMPLES
    for start, samples in seconds(recording.samples, hop):
        builder.add(split, f"{WORD}/{recording.name}#{start / SAMPLE_RATE:g}", samples, UNKNOWN, "")


def seconds(samples: np.ndarray, hop: int) -> list[tuple[int, np.ndarray]]:
    """(first sample, int16 [16000]) of every second of a recording, int16 [n], that is no pause, each `hop` samples
    behind the one before."""
    least = _PAUSE * rms(samples)
    parts = ((start, samples[start : start + CLIP_SAMPLES]) for start in range(0, len(samples) - CLIP_SAMPLES + 1, hop))
    return [(start, part) for start, part in parts if rms(part) > least]
