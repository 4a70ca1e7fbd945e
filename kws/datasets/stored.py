"""Datasets on disk: read, or spoken, once, and from then on mapped into memory by every process that wants them.

A store has all clips of one corpus under one group of settings. Its key holds all that decides what they are: these
settings, names, sizes and times of the corpus' files, the code that reads them and the versions of its libraries.
"""

import dataclasses
import hashlib
import json
import pathlib
import platform
import sys
import time
from typing import Any

import numpy as np

from kws.datasets.builder import MemoryRows, Source, in_folder, say_what_lacks, warn
from kws.datasets.clip import (
    CORPUS_NEGATIVES,
    NO_TOP_UP,
    SPLITS,
    SPOKEN_NOISE,
    WHOLE,
    Clips,
    Dataset,
    DatasetConfig,
    Part,
)
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives.clips import folder_of, spoken_without
from kws.stores import cache_dir, catalogue, file_tree, keeping
from kws.stores.clip_store import FORMAT, ClipStore, Group
from kws.stores.code_identity import code_sha256
from kws.stores.making import Making
from kws.stores.store_error import StoreError
from kws_cli import settings


def load(config: DatasetConfig, source: Source, part: Part = WHOLE) -> Dataset:
    """The dataset from its store, which is made where there is none, but not for a part.

    It is collected in memory where `cache_dir` is empty, and with a warning where nobody chose a folder for caches and
    the user's own can't be used.

    Raises:
      DatasetError: as `source` does, or the corpus changed while it was read.
      StoreError: the chosen folder can't be used.
      OSError: the corpus can't be read.
    """
    root = source.root(config, part)
    if part != WHOLE:
        return _kept_part(config, source, root, part) or source.collect(
            config, root, MemoryRows(config.clip_samples), part
        )
    if config.cache_dir == "":
        return source.collect(config, root, MemoryRows(config.clip_samples), WHOLE)
    try:
        return _from_store(config, source, root)
    except StoreError as error:
        if cache_dir.given(config.cache_dir) is not None:
            raise
        warn(f"{error}; until then clips are held in memory, and read again in every run")
        return source.collect(config, root, MemoryRows(config.clip_samples), WHOLE)


def _kept_part(config: DatasetConfig, source: Source, root: pathlib.Path | None, part: Part) -> Dataset | None:
    """The part from the whole's store; None where there is none, or it has other classes."""
    if config.cache_dir == "":
        return None
    try:
        store = keeping.kept(cache_dir.of_clips(config.cache_dir), key(config, source, root))
    except StoreError:
        return None
    if store is None or part.labels not in (None, tuple(store.about["labels"])):
        return None
    whole = _dataset(store, root)
    splits = {split: whole.splits[split] for split in part.splits}
    return dataclasses.replace(whole, splits=splits, noises={split: whole.noises[split] for split in part.splits})


def key(config: DatasetConfig, source: Source, root: pathlib.Path | None) -> str:
    """The name of all that the clips depend on, 64 hexadecimal digits. Raises `OSError` where `root` can't be read."""
    parts = {
        "format": FORMAT,
        "machine": platform.machine(),
        "settings": _relevant(config),
        "code": code_sha256((load, *source.code), source.libraries),
        "files": None if root is None else file_tree.sha256(root),
        "negatives": _negatives(config, root),
        **_further(config),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _negatives(config: DatasetConfig, root: pathlib.Path | None) -> str | None:
    """The identity of the negatives; those that are spoken need not be there for it."""
    if keywords := spoken_without(config, root):
        from kws.datasets.negatives import spoken

        return spoken.identity(keywords)
    found = folder_of(config, root)
    return None if found is None else file_tree.sha256(found, 1)


def _further(config: DatasetConfig) -> dict[str, Any]:
    """The files of other sources; nothing for a dataset of one source."""
    found: dict[str, Any] = {}
    if CORPUS_NEGATIVES in (config.negatives, config.top_up):
        from kws.datasets.sources import corpus

        found["corpus"] = [config.negatives == CORPUS_NEGATIVES, file_tree.sha256(corpus.folder(config))]
    if config.noise is not None:
        spoken = config.noise == SPOKEN_NOISE or not pathlib.Path(config.noise).is_dir()
        found["noise"] = config.noise if spoken else file_tree.sha256(pathlib.Path(config.noise))
    return found


def _relevant(config: DatasetConfig) -> dict[str, Any]:
    """The settings that decide what the clips are."""
    found = settings.to_json(config)
    if config.dataset == "speech_commands" or config.top_up == NO_TOP_UP:
        del found["clips_per_word"]
    if config.dataset == "speech_commands" and config.unknown_percentage is None:
        del found["seed"]  # nothing is drawn
    return found


def _from_store(config: DatasetConfig, source: Source, root: pathlib.Path | None) -> Dataset:
    name = key(config, source, root)
    made = []

    def make(making: Making, place: pathlib.Path) -> None:
        dataset = source.collect(config, root, making, WHOLE)
        if key(config, source, root) != name:
            raise DatasetError(f"data_dir={root} changed while it was read: run again")
        about_clips = {split: _about_clips(clips) for split, clips in dataset.splits.items()}
        making.finish(place, _about(config, root, dataset), about_clips, dataset.noises)
        size = sum(clips.samples.nbytes for clips in dataset.splits.values()) / 1e6
        print(f"{dataset.name}: {size:.0f} MB of clips are kept for other runs in {place}", file=sys.stderr)
        made.append(place)

    folder = cache_dir.of_clips(config.cache_dir)
    store = keeping.kept_or_made(folder, name, SPLITS, config.clip_samples, make)
    dataset = _dataset(store, root)
    if made:
        _say_what_is_kept(folder)
    else:
        say_what_lacks(dataset, "synthetic speech" if root is None else f"data_dir={root}", named=False)
    return dataset


def _say_what_is_kept(folder: pathlib.Path) -> None:
    size = sum(entry.size for entry in catalogue.entries(folder))
    if size > catalogue.MOST_BYTES:
        warn(f"cache_dir={folder.parent} holds {size / 1e9:.0f} GB: python -m kws.cache --prune makes room")


def _about(config: DatasetConfig, root: pathlib.Path | None, dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "data_dir": None if root is None else str(root.resolve()),
        "settings": _relevant(config),
        "labels": dataset.labels,
        "skipped": _inside(root, dataset.skipped),
        "divided": _inside(root, dataset.divided),
        "made": time.time(),
    }


def _inside(root: pathlib.Path | None, found: tuple[tuple[str, Any], ...]) -> list[tuple[str, Any]]:
    """The files as they are called in the corpus, wherever that lies; the opposite of `in_folder`."""
    start = "" if root is None else str(root / "_")[:-1]
    return [(path.removeprefix(start), value) for path, value in found]


def _about_clips(clips: Clips) -> dict[str, Any]:
    return {"names": clips.names, "labels": clips.labels.tolist(), "speakers": clips.speakers}


def _dataset(store: ClipStore, root: pathlib.Path | None) -> Dataset:
    about = store.about
    return Dataset(
        about["dataset"],
        tuple(about["labels"]),
        {split: _clips(split, store.groups[split]) for split in SPLITS},
        {split: store.groups[split].noises for split in SPLITS},
        in_folder(root, about["skipped"]),
        in_folder(root, about["divided"]),
    )


def _clips(split: str, group: Group) -> Clips:
    about = group.about
    labels = np.array(about["labels"], np.int64)
    return Clips(split, tuple(about["names"]), group.samples, labels, tuple(about["speakers"]), group)
