"""From clips that come one by one to a dataset: where they are collected, and what is wrong with the whole."""

import contextlib
import dataclasses
import functools
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from tqdm import tqdm

from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, WHOLE, Clips, Dataset, DatasetConfig, Part
from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings import reading
from kws.datasets.word_folders import nfc

_BLOCK = 1024

Job = TypeVar("Job")
Value = TypeVar("Value")


class Rows(Protocol):
    """Where the clips of each split are collected: in memory, or in a store (`kws.stores.making.Making`).

    Attributes:
      finished: what was said of the blocks that are there already, JSON values.
    """

    finished: list[Any]

    def add(self, group: str, samples: np.ndarray, /) -> None:
        """Adds a clip, int16 [clip_samples], to a split."""

    def samples(self, group: str, /) -> np.ndarray:
        """The clips of a split so far, int16 [n, clip_samples]."""

    def finish_block(self, said: Any, /) -> None:
        """Hears what there is to say, as JSON values, of the clips since the last call."""


class MemoryRows:
    """Clips in memory, in blocks that are released as they are copied: the peak is one corpus, not two."""

    def __init__(self, clip_samples: int = CLIP_SAMPLES) -> None:
        self.finished: list[Any] = []
        self._clip_samples = clip_samples
        self._blocks: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
        self._counts = dict.fromkeys(SPLITS, 0)

    def add(self, group: str, samples: np.ndarray, /) -> None:
        blocks, count = self._blocks[group], self._counts[group]
        if count == sum(map(len, blocks)):
            blocks.append(np.empty((_BLOCK, self._clip_samples), np.int16))
        blocks[-1][count - sum(map(len, blocks[:-1]))] = samples
        self._counts[group] += 1

    def samples(self, group: str, /) -> np.ndarray:
        blocks, count = self._blocks[group], self._counts[group]
        whole = np.empty((count, self._clip_samples), np.int16)
        start = 0
        while blocks:
            block = blocks.pop(0)[: count - start]
            whole[start : start + len(block)] = block
            start += len(block)
        self._blocks[group] = [whole]
        return whole

    def finish_block(self, said: Any, /) -> None:
        """Nothing outlives the process."""


@dataclasses.dataclass(frozen=True)
class Source:
    """How a dataset is made.

    Attributes:
      root: gives the folder of the corpus, fetched where that is asked for; None where no file is read.
      collect: reads or speaks the part's clips into rows and returns the dataset.
      code: functions of the modules that decide what the clips are.
      libraries: packages whose versions do.
    """

    root: Callable[[DatasetConfig, Part], pathlib.Path | None]
    collect: Callable[[DatasetConfig, pathlib.Path | None, Rows, Part], Dataset]
    code: tuple[Callable[..., Any], ...]
    libraries: tuple[str, ...]


class DatasetBuilder:
    """Collects clips one by one; `build` checks the whole and returns the dataset."""

    def __init__(
        self,
        name: str,
        labels: tuple[str, ...],
        rows: Rows | None = None,
        root: pathlib.Path | None = None,
        part: Part = WHOLE,
    ) -> None:
        """Args:
        rows: where the clips go; None for memory.
        root: the folder that files are named in.
        part: what is collected.
        """
        self._name = name
        self._labels = labels
        self._rows: Rows = MemoryRows() if rows is None else rows
        self._root = root
        self._part = part
        self._clips: dict[str, list[tuple[str, int, str]]] = {split: [] for split in SPLITS}
        self._skipped: list[tuple[str, str]] = []
        self._divided: list[tuple[str, int]] = []

    def each(
        self, jobs: Sequence[Job], read: Callable[[Job], Value], config: DatasetConfig, unit: str
    ) -> Iterator[tuple[Job, Value]]:
        """The jobs that are left, one by one, each with what `read` gives of it, with progress.

        What an earlier maker finished is not repeated. Where there are many jobs, `read` runs in worker processes, or
        on the cluster that `config` names.
        """
        done = sum(said["jobs"] for said in self._rows.finished)
        values = reading.in_order(jobs[done:], read, config.worker_processes, config.reading_cluster)
        name = config.dataset
        with (
            contextlib.closing(values) as found,
            tqdm(total=len(jobs), initial=done, desc=name, unit=unit, file=sys.stderr, disable=None) as progress,
        ):
            for block in self.blocks(jobs, _BLOCK):
                for job in block:
                    yield job, next(found)
                    progress.update()

    def blocks(self, jobs: Sequence[Job], size: int) -> Iterator[Sequence[Job]]:
        """The jobs that are left, in blocks of `size`; between two calls of `next` one is done. Once for a dataset."""
        done = 0
        for said in self._rows.finished:
            self._take_over(said)
            done += said["jobs"]
        for start in range(done, len(jobs), size):
            block = jobs[start : start + size]
            before = self._counts()
            yield block
            self._rows.finish_block({"jobs": len(block), **self._since(before)})

    def _take_over(self, said: dict[str, Any]) -> None:
        for split, clips in said["clips"].items():
            self._clips[split] += [(name, label, speaker) for name, label, speaker in clips]
        self._skipped += [(path, reason) for path, reason in said["skipped"]]
        self._divided += [(path, count) for path, count in said["divided"]]

    def _counts(self) -> tuple[dict[str, int], int, int]:
        return {split: len(clips) for split, clips in self._clips.items()}, len(self._skipped), len(self._divided)

    def _since(self, before: tuple[dict[str, int], int, int]) -> dict[str, Any]:
        counts, skipped, divided = before
        clips = {split: clips[counts[split] :] for split, clips in self._clips.items()}
        return {"clips": clips, "skipped": self._skipped[skipped:], "divided": self._divided[divided:]}

    def add(self, split: str, name: str, samples: np.ndarray, label: str, speaker: str) -> None:
        """Adds one clip of int16 [clip_samples]."""
        self._rows.add(split, samples)
        self._clips[split].append((name, self._labels.index(label), speaker))

    def skip(self, path: os.PathLike | str, reason: str) -> None:
        """Counts a file that can't be used; warns of it on stderr, once in a command that reads it several times."""
        self._skipped.append((self._relative(path), reason))
        _warn_once(f"skipped {path}: {reason}")

    def divide(self, path: os.PathLike | str, clips: int) -> None:
        """Counts a file of a keyword that gave several clips; `build` says how many there are."""
        self._divided.append((self._relative(path), clips))

    def _relative(self, path: os.PathLike | str) -> str:
        inside = self._root is not None and pathlib.Path(path).is_relative_to(self._root)
        return str(pathlib.Path(path).relative_to(self._root) if inside and self._root else path)

    def count(self, split: str, labels: tuple[str, ...]) -> int:
        """Clips of `labels` in `split` so far."""
        wanted = {self._labels.index(label) for label in labels}
        return sum(label in wanted for _, label, _ in self._clips[split])

    def speakers(self, split: str, label: str) -> set[str]:
        """Who says `label` in `split` so far; "" among them where that is not known of a clip."""
        wanted = self._labels.index(label)
        return {speaker for _, label, speaker in self._clips[split] if label == wanted}

    def samples(self, split: str) -> np.ndarray:
        """The clips of a split so far, int16 [n, clip_samples]."""
        return self._rows.samples(split)

    def build(self, noises: dict[str, tuple[np.ndarray, ...]], where: str) -> Dataset:
        """The dataset; says in a line each how many files were skipped, and which classes can't be measured.

        Args:
          noises: as in `Dataset`.
          where: the corpus, for messages.

        Raises:
          DatasetError: a class without training clips (`_silence_` is drawn, not stored), or a split without clips. To
            what is measured, the latter alone matters.
        """
        for label in self._labels if self._part.labels is None else ():
            if label == SILENCE:
                continue
            remedy = "add recordings of it or leave it out of words"
            if sum(self.count(split, (label,)) for split in SPLITS) == 0:
                raise DatasetError(f"{where}: class '{label}' is empty{self._lost(label)}: {remedy}")
            if self.count("training", (label,)) == 0:
                raise DatasetError(f"{where}: class '{label}' has no training clips: {remedy}")
        for split in self._part.splits:
            if not self._clips[split]:
                remedy = "add recordings, of other speakers where file names carry one, or check the lists"
                raise DatasetError(f"{where}: the {split} split has no clips: {remedy}")
        splits = {split: self._assemble(split) for split in self._part.splits}
        found = (in_folder(self._root, self._skipped), in_folder(self._root, self._divided))
        dataset = Dataset(self._name, self._labels, splits, noises, *found)
        say_what_lacks(dataset, where)
        return dataset

    def _lost(self, label: str) -> str:
        """Why a class may be empty: how many of its files were skipped, and the first one's reason; "" for none."""
        folders = [(pathlib.PurePath(path).parts[:1], reason) for path, reason in self._skipped]
        reasons = [reason for names, reason in folders if names and nfc(names[0]) == label]
        return f", {len(reasons)} of its files were skipped ({reasons[0]})" if reasons else ""

    def _assemble(self, split: str) -> Clips:
        clips = self._clips[split]
        return Clips(
            split,
            tuple(name for name, _, _ in clips),
            self._rows.samples(split),
            np.array([label for _, label, _ in clips], np.int64),
            tuple(speaker for _, _, speaker in clips),
        )


def in_folder(root: pathlib.Path | None, found: Sequence[tuple[str, Value]]) -> tuple[tuple[str, Value], ...]:
    """The files, each with what is said of it, as they are called from outside the corpus."""
    return tuple((str(root / path) if root else path, value) for path, value in found)


def say_what_lacks(dataset: Dataset, where: str, named: bool = True) -> None:
    """Warns in a line each of skipped and divided files, and of classes that can't be measured.

    Args:
      where: the corpus.
      named: the skipped files were warned of one by one.
    """
    if dataset.skipped:
        path, reason = dataset.skipped[0]
        which = "each named above" if named else f"as when it was read first (such as {path}: {reason})"
        warn(f"{where}: {len(dataset.skipped)} skipped in all, {which}")
    if dataset.divided:
        files, clips = len(dataset.divided), sum(count for _, count in dataset.divided)
        warn(
            f"{where}: {files} files (such as {dataset.divided[0][0]}) gave {clips} clips, each labelled as its "
            "whole file: right where a word is repeated; where it is long or has a pause, give --max_word_seconds"
        )
    lacks = []
    for split, of_split in dataset.splits.items():
        present = set(of_split.labels.tolist())
        # Of training, `_silence_` is drawn as it goes.
        empty = [
            name
            for label, name in enumerate(dataset.labels)
            if label not in present and (name != SILENCE or split != "training")
        ]
        lacks += [f"no {split} clips of {', '.join(empty)}"] if empty else []
    if lacks:
        warn(f"{where}: {'; '.join(lacks)}: accuracy says nothing about these classes there")


@functools.cache
def _warn_once(message: str) -> None:
    warn(message)


def warn(message: str) -> None:
    """One line on stderr, above a progress bar; a file's name may hold a line break."""
    line = message if message.isprintable() else message.encode("unicode_escape").decode()
    tqdm.write(f"warning: {line}", file=sys.stderr)
