"""Clips of Speech Commands beside recordings of one's own: other words for `_unknown_`, further clips of keywords."""

import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from kws.datasets import speech_commands
from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import DATA_DIR_VARIABLE, SPLITS, UNKNOWN, DatasetConfig, Part, centre
from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings.not_audio import NotAudio
from kws.datasets.sources.shares import CORPUS

# `_unknown_` clips of each split at most.
_MOST = {"training": 1000, "validation": 150, "testing": 150}
# Not the user's seed: the choice is the same in every run.
_SEED = 20180411


def folder(config: DatasetConfig) -> pathlib.Path:
    """The corpus. Raises `DatasetError` where none is named, or it is none."""
    path = config.corpus_dir or os.environ.get(DATA_DIR_VARIABLE)
    if not path:
        raise DatasetError(
            "Speech Commands is asked for, and no folder of it: give corpus_dir=DIR, where it is unpacked (python -m "
            "kws.train --dataset=speech_commands --download fetches it)"
        )
    if not speech_commands.is_unpacked(pathlib.Path(path), "speech_commands"):
        raise DatasetError(f"corpus_dir={path} holds no Speech Commands: give the folder with its lists")
    return pathlib.Path(path)


def add_other_words(config: DatasetConfig, builder: DatasetBuilder, names: tuple[str, ...], part: Part) -> None:
    """`_unknown_` clips of words that are no keywords, of every split what the corpus' lists say; words take turns."""
    root = folder(config)
    for split in part.splits:
        others = {word: paths for word, paths in speech_commands.paths_of(root, split).items() if word not in names}
        _add(_in_turn(others, _MOST[split], split), split, UNKNOWN, builder, config.clip_samples)


def add_keyword(config: DatasetConfig, builder: DatasetBuilder, word: str, count: int) -> None:
    """So many training clips of a keyword, or all that there are."""
    paths = speech_commands.paths_of(folder(config), "training").get(word, [])
    _add(_in_turn({word: paths}, count, "training"), "training", word, builder, config.clip_samples)


def _in_turn(paths: dict[str, list[pathlib.Path]], most: int, split: str) -> list[tuple[str, pathlib.Path]]:
    """(word, path) of at most so many files, the words in turn."""
    rng = np.random.default_rng(np.random.SeedSequence([_SEED, SPLITS.index(split)]))
    left = {word: [found[i] for i in rng.permutation(len(found))] for word, found in paths.items()}
    chosen: list[tuple[str, pathlib.Path]] = []
    while len(chosen) < most and any(left.values()):
        chosen += [(word, found.pop()) for word, found in left.items() if found]
    return chosen[:most]


def _add(
    files: Sequence[tuple[str, pathlib.Path]], split: str, label: str, builder: DatasetBuilder, clip_samples: int
) -> None:
    for word, path, samples in _read(files, builder):
        speaker = f"{CORPUS}{speech_commands.speaker_of(path.name)}"
        builder.add(split, f"{word}/{CORPUS}/{path.name}", centre(samples, clip_samples), label, speaker)


def _read(
    files: Sequence[tuple[str, pathlib.Path]], builder: DatasetBuilder
) -> Iterator[tuple[str, pathlib.Path, np.ndarray]]:
    for word, path in files:
        try:
            yield word, path, speech_commands.read_wav(path)
        except NotAudio as reason:
            builder.skip(path, str(reason))
