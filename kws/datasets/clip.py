"""The types that every dataset yields: clips of one length, their splits, and the noises to mix in."""

import dataclasses
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kws.datasets.dataset_error import DatasetError
from kws.datasets.word_folders import check_word, nfc
from kws.stores.cache_dir import CACHE_DIR_VARIABLE
from kws_cli.cores import usable_cores
from kws_cli.settings import setting

if TYPE_CHECKING:
    from kws.stores.clip_store import Group

SAMPLE_RATE = 16000
CLIP_SAMPLES = 16000
"""Of a clip of a second, which is the length unless `DatasetConfig.clip_seconds` says another."""
SPLITS = ("training", "validation", "testing")
SILENCE = "_silence_"
UNKNOWN = "_unknown_"
BACKGROUND_NOISE = "_background_noise_"
NO_NEGATIVES = "none"
SPOKEN_NEGATIVES = "synthetic"
CORPUS_NEGATIVES = "speech_commands"
SPOKEN_NOISE = "synthetic"
LEAST_CLIPS = 3
"""Training clips of a class; what is trained on fewer has hardly heard it."""
NO_TOP_UP = "none"
TOP_UPS = ("synthetic", "speech_commands", NO_TOP_UP)

KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
DATASETS = ("speech_commands", "mini_speech_commands", "synthetic", "folder")
TASKS = ("12", "35")
# The environment variable that names the folder of the corpus where nothing else does.
DATA_DIR_VARIABLE = "KWS_DATA_DIR"

SHORTEST_CLIP, LONGEST_CLIP = 0.5, 2.0
_HOP_SECONDS = 0.02

# Shares of a background recording's duration, in the order of SPLITS.
_NOISE_SHARES = (0.6, 0.2, 0.2)


@dataclasses.dataclass(frozen=True)
class DatasetConfig:
    """What to load.

    Attributes:
      dataset: one of DATASETS.
      data_dir: the corpus' folder; `synthetic` doesn't read it.
      words: the keywords, in the order of their labels; None for the task's own. Kept in NFC.
      task: "12" for keywords with `_silence_` and `_unknown_`, "35" for every word of the corpus and nothing else.
      seed: of every draw of the training split, its augmentation, of home-made splits, and of synthetic speech.
      unknown_percentage: at most this many `_unknown_` clips, in percent of a split's keyword clips; None for all.
      silence_percentage: `_silence_` clips of validation and testing, in percent of a split's keyword clips.
      download: fetch the corpus into data_dir if it isn't there.
      clips_per_word: of synthetic, clips of each keyword over all splits; of a folder, what `top_up` fills up to.
      processes: worker processes; None for one per core that this process may use (`kws_cli.cores`).
      negatives: folder of recordings without keywords (`kws.datasets.negatives`); "synthetic" for those that espeak-ng
        speaks; "speech_commands" for other words of `corpus_dir`; None for `negatives` in data_dir, if it is there,
        else for "synthetic" where recordings of one's own (`folder`) have no `_unknown_`; "none" for none.
      corpus_dir: Speech Commands, where recordings of one's own are filled up from it; None for what the environment
        names.
      top_up: folder only: one of TOP_UPS, that training clips of keywords are filled up from, to `clips_per_word`; ""
        for "synthetic" where a keyword is trained on few voices (`kws.datasets.sources.top_up`).
      noise: folder only: background noise, a folder in place of `_background_noise_`, or "synthetic".
      max_word_seconds: folder only: a file holds its word once, pauses included, and is skipped if the word lasts
        longer, at most 1.0; None for files that may repeat their word, each sound a clip.
      clip_seconds: length of every clip, 0.5 to 2 in steps of 0.02.
      cache_dir: where decoded clips are kept for other runs (`kws.datasets.stored`); None for the folder that the
        environment names, or the user's for caches; "" to keep none.
      reading_cluster: address of a Ray cluster whose machines read the corpus (`kws.datasets.recordings.cluster`); None
        for this machine's processes.
      scratch_dir: where clips that are not kept are copied to for worker processes; None for the system's folder.

    Raises:
      DatasetError: a value outside its range.
    """

    dataset: str = setting("synthetic", "Where the clips come from.", choices=DATASETS)
    data_dir: str | None = setting(
        None,
        f"Folder of the corpus (default: ${DATA_DIR_VARIABLE}).",
        machine=True,
        flag_default=lambda: os.environ.get(DATA_DIR_VARIABLE),
    )
    words: tuple[str, ...] | None = setting(None, "Keywords, in the order of their labels (default: the task's own).")
    task: str = setting("12", "12: ten keywords, _unknown_ and _silence_; 35: every word.", choices=TASKS)
    seed: int = setting(0, "Seed of augmentation, home-made splits, synthetic speech.", flag="data_seed", lowest=0)
    unknown_percentage: float | None = setting(
        None, "At most this many _unknown_ clips, in percent of a split's keyword clips (default: all)."
    )
    silence_percentage: float = setting(
        10.0, "_silence_ clips of validation and testing, in percent of a split's keyword clips."
    )
    download: bool = setting(False, "Fetch the corpus into --data_dir if it isn't there.", machine=True)
    clips_per_word: int = setting(200, "Clips of each keyword (synthetic, and --top_up).")
    processes: int | None = setting(
        None, "Worker processes that prepare clips (default: one per core that is left to it).", machine=True, lowest=1
    )
    negatives: str | None = setting(
        None,
        "Folder of recordings without keywords: speech, music, noise; synthetic: other words and sentences of "
        "espeak-ng; speech_commands: other words of --corpus_dir; none: leave them out (default: negatives in "
        "--data_dir, if it is there, else synthetic where --dataset=folder has no _unknown_).",
        machine=True,
    )
    corpus_dir: str | None = setting(
        None,
        "Speech Commands beside recordings of one's own, for --negatives and --top_up "
        f"(default: ${DATA_DIR_VARIABLE}).",
        machine=True,
    )
    top_up: str = setting(
        "",
        "Fill the training clips of keywords up to --clips_per_word: synthetic, speech_commands or none (folder only; "
        "default: synthetic where fewer than ten people say a keyword in training).",
        later=True,
    )
    noise: str | None = setting(
        None,
        "Folder of background noise in place of _background_noise_ in --data_dir, or synthetic (folder only).",
        machine=True,
    )
    max_word_seconds: float | None = setting(
        None,
        "A file holds its word once and is skipped if the word lasts longer, at most 1 (folder only; default: each "
        "sound of a long file is a clip).",
        later=True,
    )
    clip_seconds: float = setting(
        1.0,
        "Length of a clip, and of what the network hears at a time: 0.5 to 2, for words that are shorter or longer.",
        later=True,
    )
    cache_dir: str | None = setting(
        None,
        f"Folder where decoded clips are kept for other runs, 32 kB each (default: ${CACHE_DIR_VARIABLE}, or "
        "fixed-point-kws in the user's folder for caches; empty: none, clips are held in memory).",
        machine=True,
    )
    reading_cluster: str | None = setting(
        None,
        "Ray cluster that reads the corpus, host:port or auto; its machines see --data_dir under the same path.",
        machine=True,
    )
    scratch_dir: str | None = setting(
        None,
        "Folder where clips that are held in memory are copied to for worker processes (default: the system's).",
        machine=True,
    )

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise DatasetError(f"dataset={self.dataset} is unknown: choose one of {', '.join(DATASETS)}")
        if self.task not in TASKS:
            raise DatasetError(f"task={self.task} is unknown: choose one of {', '.join(TASKS)}")
        if self.words is not None:
            object.__setattr__(self, "words", tuple(nfc(word) for word in self.words))
            self._check_words(self.words)
        if self.seed < 0:
            raise DatasetError(f"seed={self.seed} is negative: give 0 or more")
        for name in ("unknown_percentage", "silence_percentage"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise DatasetError(f"{name}={value} is not a percentage: give 0 or more")
        if self.clips_per_word < 10:
            raise DatasetError(f"clips_per_word={self.clips_per_word} is too few for three splits: give 10 or more")
        if self.processes is not None and self.processes < 1:
            raise DatasetError(f"processes={self.processes}: give 1 or more")
        if self.top_up and (self.top_up not in TOP_UPS or self.dataset != "folder"):
            raise DatasetError(
                f"top_up={self.top_up}: give {', '.join(TOP_UPS[:-1])} or {TOP_UPS[-1]}, with dataset=folder"
            )
        hops = self.clip_seconds / _HOP_SECONDS
        if not SHORTEST_CLIP <= self.clip_seconds <= LONGEST_CLIP or abs(hops - round(hops)) > 1e-6:
            raise DatasetError(
                f"clip_seconds={self.clip_seconds}: give {SHORTEST_CLIP} to {LONGEST_CLIP:g} in steps of {_HOP_SECONDS}"
            )
        self._check_max_word_seconds(self.max_word_seconds)

    def _check_words(self, words: tuple[str, ...]) -> None:
        if not words or any(not word.strip() for word in words):
            raise DatasetError("words holds an empty word: give words separated by commas, such as yes,no")
        for word in words:
            check_word(word, "words holds")
        if len(set(words)) != len(words):
            raise DatasetError(f"words={','.join(words)} names a word twice: give each once")
        special = [word for word in words if word.startswith("_")]
        if special:
            raise DatasetError(f"words can't name {special[0]}: {SILENCE} and {UNKNOWN} are added by themselves")
        if self.task == "35":
            raise DatasetError("words and task=35 exclude each other: leave one out")

    def _check_max_word_seconds(self, longest: float | None) -> None:
        if longest is None:
            return
        if not 0 < longest <= self.clip_seconds:
            length = "one second" if self.clip_seconds == 1 else f"{self.clip_seconds:g} seconds"
            raise DatasetError(
                f"max_word_seconds={longest}: a clip has {length}, give more than 0 and at most {self.clip_seconds:g}"
            )
        if self.dataset != "folder":
            raise DatasetError(f"max_word_seconds is for dataset=folder, not for {self.dataset}: leave it out")

    @property
    def clip_samples(self) -> int:
        """Samples of a clip."""
        return round(self.clip_seconds * SAMPLE_RATE)

    @property
    def worker_processes(self) -> int:
        return self.processes or usable_cores()


@dataclasses.dataclass(frozen=True)
class Part:
    """What of a dataset is loaded: all of it, or what a model is measured on.

    Attributes:
      splits: those of SPLITS.
      labels: the classes of a model that is measured; what the corpus has beyond them is `_unknown_`, or left out where
        that is no class, and what it lacks is said and not measured. None for the classes that the settings choose.
    """

    splits: tuple[str, ...] = SPLITS
    labels: tuple[str, ...] | None = None


WHOLE = Part()


@dataclasses.dataclass(frozen=True)
class Clip:
    """One clip: int16 [clip_samples] mono at 16 kHz, and what is known about it."""

    name: str
    samples: np.ndarray
    label: int
    speaker: str
    split: str


@dataclasses.dataclass(frozen=True)
class Clips:
    """The clips of one split.

    Attributes:
      split: one of SPLITS.
      names: [n], unique within the dataset.
      samples: int16 [n, clip_samples].
      labels: int64 [n], index into the dataset's labels.
      speakers: [n]; "" where nobody speaks or the speaker is not known.
      stored: where the samples are kept on disk; None for samples in memory.
    """

    split: str
    names: tuple[str, ...]
    samples: np.ndarray
    labels: np.ndarray
    speakers: tuple[str, ...]
    stored: "Group | None" = None

    def __post_init__(self) -> None:
        count = len(self.names)
        if self.stored is not None and self.stored.samples is not self.samples:
            object.__setattr__(self, "stored", None)  # other samples have taken the place of those
        shape = self.samples.shape
        fits = len(shape) == 2 and SHORTEST_CLIP * SAMPLE_RATE <= shape[1] <= LONGEST_CLIP * SAMPLE_RATE
        if not fits or shape[0] != count or self.samples.dtype != np.int16:
            raise ValueError(f"samples are {self.samples.dtype} {shape}, expected int16 ({count}, samples of a clip)")
        if self.labels.shape != (count,) or self.labels.dtype != np.int64 or len(self.speakers) != count:
            got = f"labels {self.labels.dtype} {self.labels.shape} and {len(self.speakers)} speakers"
            raise ValueError(f"{got}, expected int64 and {count} of each")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def words(self) -> tuple[str, ...]:
        """[n], what is said in each clip: the folder that it comes from, in NFC."""
        return tuple(nfc(name.partition("/")[0]) for name in self.names)

    def __iter__(self) -> Iterator[Clip]:
        for name, samples, label, speaker in zip(self.names, self.samples, self.labels, self.speakers, strict=True):
            yield Clip(name, samples, int(label), speaker, self.split)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A corpus: in memory, or in a store on disk that is read as it is looked at.

    Attributes:
      name: one of DATASETS.
      labels: names of the classes; the index is the label.
      splits: split -> its clips.
      noises: split -> background recordings, int16 [any length]; no stretch of noise is in two splits.
      skipped: (file, reason) of every file or folder that could not be used.
      divided: (file, number of clips) of every file of a keyword that gave several.
    """

    name: str
    labels: tuple[str, ...]
    splits: dict[str, Clips]
    noises: dict[str, tuple[np.ndarray, ...]]
    skipped: tuple[tuple[str, str], ...] = ()
    divided: tuple[tuple[str, int], ...] = ()

    def summary(self) -> str:
        """A table of clips per label and split, for a person."""
        width = max(len(label) for label in self.labels)
        lines = [f"{'':{width}}" + "".join(f"{split:>12}" for split in self.splits)]
        for index, label in enumerate(self.labels):
            counts = [int(np.sum(self.splits[split].labels == index)) for split in self.splits]
            lines.append(f"{label:{width}}" + "".join(f"{count:>12}" for count in counts))
        lines.append(f"{'clips':{width}}" + "".join(f"{len(clips):>12}" for clips in self.splits.values()))
        if self.skipped:
            lines.append(f"skipped files: {len(self.skipped)}")
        if self.divided:
            lines.append(f"files that gave several clips: {len(self.divided)}")
        return "\n".join(lines)


def centre(samples: np.ndarray, length: int = CLIP_SAMPLES) -> np.ndarray:
    """int16 [n] -> int16 [length]: a shorter clip is padded on both sides, of a longer one the middle is taken."""
    missing = length - len(samples)
    if missing <= 0:
        start = -missing // 2
        return samples[start : start + length]
    before = missing // 2
    return np.pad(samples, (before, missing - before))


def split_noise(recording: np.ndarray) -> dict[str, np.ndarray]:
    """Cuts a recording (int16 [n]) in time: the first 60 % for training, then 20 % each for validation and testing."""
    edges = np.round(np.cumsum((0.0, *_NOISE_SHARES)) * len(recording)).astype(int)
    return {split: recording[edges[i] : edges[i + 1]] for i, split in enumerate(SPLITS)}


def split_noises(recordings: list[np.ndarray], splits: tuple[str, ...] = SPLITS) -> dict[str, tuple[np.ndarray, ...]]:
    """`split_noise` of several recordings, gathered per split; of `splits` alone."""
    cuts = [split_noise(recording) for recording in recordings]
    return {split: tuple(cut[split] for cut in cuts) for split in splits}
