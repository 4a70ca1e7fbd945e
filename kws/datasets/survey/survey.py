"""Surveys a dataset: a row for each word and split, the clips that look wrong, and what training would stop at."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from kws import datasets
from kws.datasets import word_folders
from kws.datasets.clip import (
    NO_NEGATIVES,
    NO_TOP_UP,
    SAMPLE_RATE,
    SILENCE,
    SPLITS,
    UNKNOWN,
    Clips,
    Dataset,
    DatasetConfig,
    Part,
)
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives.clips import WORD as NEGATIVES
from kws.datasets.negatives.clips import spoken_without
from kws.datasets.survey import amounts, measures
from kws.datasets.survey.duplicates import TWO_WORDS, Duplicate, Place, duplicates, places
from kws.datasets.survey.measures import Measures

SILENT, CLIPPED, NOISY, QUIET, CUT_OFF = FAULTS = ("silent", "clipped", "noisy", "quiet", "cut off")
SILENT_BELOW_DB, QUIET_BELOW_DB, NOISY_BELOW_DB = -60.0, -45.0, 6.0
# Samples at full scale above which it is heard as distortion.
CLIPPED_ABOVE = 0.001
# A word goes on at a clip's edge where that is as loud, in a clip without much noise.
CUT_OFF_ABOVE_DB, CUT_OFF_SNR_DB = -6.0, 15.0
# A word all of whose clips have one of these can't be learned.
_FATAL = {SILENT: "record it again, nearer or at a higher level", CLIPPED: "record it again at a lower level"}


@dataclasses.dataclass(frozen=True)
class Finding:
    """A clip that looks wrong: where it is, how (of FAULTS), and its measures."""

    place: Place
    faults: tuple[str, ...]
    level_db: float
    snr_db: float
    clipped: float


@dataclasses.dataclass(frozen=True)
class Row:
    """A word in a split, or in all of them.

    Attributes:
      level_db, snr_db: the 5th, 50th and 95th percentile.
      faults: of each of FAULTS, the number of clips.
    """

    word: str
    label: str
    split: str
    clips: int
    seconds: float
    speakers: int
    level_db: tuple[float, float, float]
    snr_db: tuple[float, float, float]
    faults: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Survey:
    """What there is to say about a dataset.

    Attributes:
      rows: by word, each split and then "all".
      findings: every clip that looks wrong, the worst fault first.
      problems: lines, each a reason for which training would stop or learn what is wrong, and what to do.
    """

    dataset: Dataset
    where: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    duplicates: tuple[Duplicate, ...]
    problems: tuple[str, ...]


def survey(config: DatasetConfig) -> Survey:
    """Looks at a dataset; it is read into its store where there is none. Nothing is spoken for it unasked.

    Raises:
      DatasetError: it can't be loaded at all.
    """
    if config.negatives is None and config.data_dir and spoken_without(config, pathlib.Path(config.data_dir)):
        config = dataclasses.replace(config, negatives=NO_NEGATIVES)
    if config.dataset == "folder" and not config.top_up:
        config = dataclasses.replace(config, top_up=NO_TOP_UP)
    dataset, problems = _load(config)
    measured = {split: measures.measure(clips) for split, clips in dataset.splits.items()}
    rows = tuple(_rows(dataset, measured))
    same = tuple(duplicates(dataset))
    where = config.data_dir or dataset.name
    return Survey(dataset, where, rows, tuple(_findings(dataset, measured)), same, (*problems, *_problems(rows, same)))


def _load(config: DatasetConfig) -> tuple[Dataset, list[str]]:
    """The dataset; where training would not take it, its clips alone, and why."""
    try:
        dataset = datasets.load(config)
        few = amounts.too_few(dataset)
        return dataset, [f"{few}: {amounts.REMEDY}"] if few else []
    except DatasetError as error:
        if config.dataset != "folder" or not config.data_dir or not pathlib.Path(config.data_dir).is_dir():
            raise
        found = word_folders.words(pathlib.Path(config.data_dir))
        unknown = [UNKNOWN] if (pathlib.Path(config.data_dir) / UNKNOWN).is_dir() else []
        try:
            return datasets.load(config, Part(SPLITS, (*unknown, *found))), [str(error)]
        except (DatasetError, ValueError):
            raise error from None


def _rows(dataset: Dataset, measured: dict[str, Measures]) -> Iterator[Row]:
    columns = {split: _columns(dataset, clips, measured[split]) for split, clips in dataset.splits.items()}
    whole = {
        name: np.concatenate([of_split[name] for of_split in columns.values()]) for name in next(iter(columns.values()))
    }
    for word in sorted(set(whole["word"].tolist())):
        for split, of_split in (*columns.items(), ("all", whole)):
            yield _row(word, split, {name: values[of_split["word"] == word] for name, values in of_split.items()})


def _columns(dataset: Dataset, clips: Clips, measured: Measures) -> dict[str, np.ndarray]:
    """Of the clips of a split, each [n]: what a row is made of."""
    labels = np.array(dataset.labels, object)[clips.labels]
    words = np.array(clips.words, object)
    faults = _faults(measured, labels, words)
    seconds = np.full(len(clips), clips.samples.shape[1] / SAMPLE_RATE)
    return {
        "word": words,
        "label": labels,
        "speaker": np.array(clips.speakers, object),
        "seconds": seconds,
        "level_db": measured.level_db,
        "snr_db": measured.snr_db,
        **faults,
    }


def _row(word: str, split: str, columns: dict[str, np.ndarray]) -> Row:
    names = sorted(set(columns["label"].tolist()))
    return Row(
        word,
        names[0] if names else "",
        split,
        len(columns["word"]),
        float(columns["seconds"].sum()),
        len(set(columns["speaker"].tolist()) - {""}),
        _percentiles(columns["level_db"]),
        _percentiles(columns["snr_db"]),
        {fault: int(columns[fault].sum()) for fault in FAULTS},
    )


def _percentiles(values: np.ndarray) -> tuple[float, float, float]:
    if not len(values):
        return (float("nan"),) * 3
    low, middle, high = np.percentile(values, (5, 50, 95))
    return float(low), float(middle), float(high)


def _faults(measured: Measures, labels: np.ndarray, words: np.ndarray) -> dict[str, np.ndarray]:
    """Of each of FAULTS, bool [n]; silence has none, and seconds of running speech are cut anywhere."""
    spoken = labels != SILENCE
    silent = measured.level_db < SILENT_BELOW_DB
    heard = spoken & ~silent
    return {
        SILENT: spoken & silent,
        CLIPPED: heard & (measured.clipped > CLIPPED_ABOVE),
        NOISY: heard & (measured.snr_db < NOISY_BELOW_DB),
        QUIET: heard & (measured.level_db < QUIET_BELOW_DB),
        CUT_OFF: heard
        & (words != NEGATIVES)
        & (measured.edge_db > CUT_OFF_ABOVE_DB)
        & (measured.snr_db > CUT_OFF_SNR_DB),
    }


def _findings(dataset: Dataset, measured: dict[str, Measures]) -> list[Finding]:
    found = []
    for split, clips in dataset.splits.items():
        one = measured[split]
        faults = _faults(one, np.array(dataset.labels, object)[clips.labels], np.array(clips.words, object))
        where = places(clips)
        for index in np.flatnonzero(np.any(list(faults.values()), axis=0)).tolist():
            names = tuple(fault for fault in FAULTS if faults[fault][index])
            values = (float(column[index]) for column in (one.level_db, one.snr_db, one.clipped))
            found.append(Finding(where[index], names, *values))
    return sorted(found, key=lambda finding: (FAULTS.index(finding.faults[0]), finding.place.name))


def _problems(rows: tuple[Row, ...], same: tuple[Duplicate, ...]) -> Iterator[str]:
    for row in rows:
        for fault, remedy in _FATAL.items():
            if row.split == "all" and row.clips and row.faults[fault] == row.clips:
                yield f"all {row.clips} clips of '{row.word}' are {fault}: {remedy}"
    wrong = [duplicate for duplicate in same if duplicate.kind == TWO_WORDS]
    if wrong:
        names = " and ".join(place.name for place in wrong[0].places[:2])
        what = "1 clip lies under two words" if len(wrong) == 1 else f"{len(wrong)} clips lie under two words, such as"
        which = f"({names})" if len(wrong) == 1 else names
        yield f"{what} {which}: one label of each is wrong, remove the file from the wrong folder"


def to_json(found: Survey) -> dict[str, Any]:
    """The survey as JSON values; measures of no clips are null."""
    dataset = found.dataset
    return {
        "dataset": dataset.name,
        "data_dir": found.where,
        "labels": list(dataset.labels),
        "rows": [_plain(dataclasses.asdict(row)) for row in found.rows],
        "findings": [_plain(dataclasses.asdict(finding)) for finding in found.findings],
        "duplicates": [dataclasses.asdict(duplicate) for duplicate in found.duplicates],
        "skipped": [{"file": file, "reason": reason} for file, reason in dataset.skipped],
        "cut": [{"file": file, "clips": clips} for file, clips in dataset.divided],
        "problems": list(found.problems),
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return [rounded(item) for item in value]
        if isinstance(value, float):
            return None if np.isnan(value) else round(value, 4)
        return value

    return {name: rounded(value) for name, value in values.items()}
