"""What a dataset takes of its negatives: `_unknown_` clips of speech, and more noise for training."""

import itertools
import pathlib

import numpy as np

from kws.datasets import word_folders
from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import (
    CLIP_SAMPLES,
    CORPUS_NEGATIVES,
    KEYWORDS,
    NO_NEGATIVES,
    SAMPLE_RATE,
    SPOKEN_NEGATIVES,
    UNKNOWN,
    DatasetConfig,
    Part,
)
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives.folder import MUSIC, NOISE, Recording, files_of, recordings
from kws.datasets.noise import rms
from kws.datasets.word_folders import NEGATIVES

# A word of its own among those of `_unknown_`.
WORD = f"_{NEGATIVES}_"
# A second is a pause where its level is this far below that of its recording.
_PAUSE = 0.1
# Seconds of spoken negatives among what a split is measured on: some hundred, beside few clips of keywords.
_MEASURED = 150
_LONG_ONES_ARE_SPOKEN = (None, CORPUS_NEGATIVES)

# What reads recordings.
LIBRARIES = ("av", "scipy", "soundfile")

Noises = dict[str, tuple[np.ndarray, ...]]


def folder_of(config: DatasetConfig, root: pathlib.Path | None) -> pathlib.Path | None:
    """The folder of negatives: `config.negatives`, else `negatives` in the corpus, else one that is spoken; or None.

    Raises:
      DatasetError: `config.negatives` is not a folder of recordings.
    """
    keywords = spoken_without(config, root)
    if keywords:
        from kws.datasets.negatives import spoken

        return spoken.folder(keywords, config.cache_dir)
    if config.negatives is None:
        inside = None if root is None else root / NEGATIVES
        return inside if inside is not None and inside.is_dir() else None
    if config.negatives in (NO_NEGATIVES, CORPUS_NEGATIVES):
        return None
    folder = pathlib.Path(config.negatives)
    if not folder.is_dir():
        raise DatasetError(
            f"negatives={folder} is not a folder: give one of recordings without keywords, or {NO_NEGATIVES}"
        )
    files_of(folder)
    return folder


def are_given(config: DatasetConfig, root: pathlib.Path | None) -> bool:
    """Whether there are negatives; none is spoken for an answer. Raises `DatasetError` as `folder_of` does."""
    return bool(spoken_without(config, root)) or folder_of(config, root) is not None


def spoken_without(config: DatasetConfig, root: pathlib.Path | None) -> tuple[str, ...]:
    """The keywords that nobody says in negatives that espeak-ng speaks; none where they are others, or there are none.

    They are spoken where that is asked for, and without a word for recordings of one's own that have no `_unknown_`.
    """
    words = () if root is None or not root.is_dir() else tuple(word_folders.words(root))
    own = config.dataset == "folder"
    if config.negatives == SPOKEN_NEGATIVES:
        return config.words or (words if own else KEYWORDS)
    if config.negatives is not None or not own or root is None or not words or config.task == "35":
        return ()
    others = (root / UNKNOWN).is_dir() or (root / NEGATIVES).is_dir() or set(words) - set(config.words or words)
    return () if others else config.words or words


def to_hear(
    config: DatasetConfig, root: pathlib.Path | None, keywords: tuple[str, ...]
) -> tuple[pathlib.Path | None, tuple[str, ...]]:
    """The recordings that false alarms of these keywords are counted on.

    Where nothing is said of them, recordings of one's own that have none beside them are heard beside spoken ones.

    Returns:
      Their folder, and the keywords that surely nobody says there; None for no recordings.

    Raises:
      DatasetError: as `folder_of`.
    """
    spoken_ones = bool(spoken_without(config, root))
    found = None if spoken_ones else folder_of(config, root)
    if spoken_ones or (found is None and config.negatives in _LONG_ONES_ARE_SPOKEN and config.dataset == "folder"):
        from kws.datasets.negatives import spoken

        return spoken.folder(keywords, config.cache_dir), keywords
    return found, ()


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
    lacking = [
        split
        for split in (part.splits if UNKNOWN in names else ())
        if split == "training" or builder.count(split, (UNKNOWN,)) == 0
    ]
    folder = folder_of(config, root) if lacking or "training" in part.splits else None
    if folder is None:
        return noises
    for split in lacking:
        found = [_seconds_of(each, split, config.clip_samples) for each in recordings(folder, split)]
        clips = list(itertools.chain.from_iterable(found))
        if split != "training" and spoken_without(config, root):
            clips = clips[:: max(1, -(-len(clips) // _MEASURED))]
        for name, samples in clips:
            builder.add(split, name, samples, UNKNOWN, "")
    if "training" not in part.splits:
        return noises
    backgrounds = [each.samples for each in recordings(folder, "training") if each.kind in (MUSIC, NOISE)]
    return {**noises, "training": (*noises["training"], *backgrounds)}


def _seconds_of(recording: Recording, split: str, clip_samples: int) -> list[tuple[str, np.ndarray]]:
    """(name, int16 [clip_samples]) of a recording's clips of `_unknown_`."""
    if recording.kind in (MUSIC, NOISE):
        return []
    # Training's seconds overlap by half, so that what one cuts at its ends is whole in the next.
    hop = clip_samples // 2 if split == "training" else clip_samples
    return [
        (f"{WORD}/{recording.name}#{start / SAMPLE_RATE:g}", samples)
        for start, samples in seconds(recording.samples, hop, clip_samples)
    ]


def seconds(samples: np.ndarray, hop: int, clip_samples: int = CLIP_SAMPLES) -> list[tuple[int, np.ndarray]]:
    """(first sample, int16 [clip_samples]) of every second, or clip of another length, of a recording, int16 [n], that
    is no pause, each `hop` samples behind the one before."""
    least = _PAUSE * rms(samples)
    starts = range(0, len(samples) - clip_samples + 1, hop)
    parts = ((start, samples[start : start + clip_samples]) for start in starts)
    return [(start, part) for start, part in parts if rms(part) > least]
