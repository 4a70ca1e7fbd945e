"""What the epochs of a dataset are made of: the words of its training clips, and the class of each."""

import dataclasses

import numpy as np

from kws.datasets.clip import SILENCE, UNKNOWN, Dataset
from kws.datasets.negatives import clips as negative_clips
from kws.examples.epochs import CLASS_SHARE, EpochConfig, plan
from kws.frontend import INTEGER, Arithmetic, FrontEndConfig

# Enough voices to be heard beside others; every task of the workers is told them.
_NEIGHBOURS = 1024


@dataclasses.dataclass(frozen=True)
class Material:
    """What epochs are made of.

    Attributes:
      words: int64 [n], the number of the word in each training clip.
      config: how epochs are made of them; its `classes` are those of the dataset.
      seed: of the draws.
    """

    words: np.ndarray
    config: EpochConfig
    seed: int

    @property
    def examples_per_epoch(self) -> int:
        """The same for all epochs."""
        return len(plan(self.words, self.config, self.seed, 0)[0])


def material(
    dataset: Dataset,
    frontend: FrontEndConfig,
    seed: int,
    arithmetic: Arithmetic = INTEGER,
    rounds: int = 1,
    most: int | None = None,
) -> Material:
    """What epochs of `dataset` are made of, with features of the calibrated front end `frontend`.

    Args:
      rounds, most: of `EpochConfig`.
    """
    training = dataset.splits["training"]
    has_silence = SILENCE in dataset.labels
    class_of = dict(zip(training.words, training.labels.tolist(), strict=True))
    if has_silence:
        class_of[SILENCE] = dataset.labels.index(SILENCE)
    names = sorted(class_of)
    number = {name: place for place, name in enumerate(names)}
    words = np.array([number[word] for word in training.words], np.int64)
    alone = _negatives_alone(dataset)
    config = EpochConfig(
        frontend,
        classes=tuple(class_of[name] for name in names),
        silence_word=number[SILENCE] if has_silence else None,
        rounds=rounds,
        most=most,
        arithmetic=arithmetic,
        negatives_word=number.get(negative_clips.WORD),
        negatives_share=_alone_share(dataset) if alone else EpochConfig.negatives_share,
        neighbours=_neighbours(dataset, seed, alone),
    )
    return Material(words, config, seed)


def _negatives_alone(dataset: Dataset) -> bool:
    """Whether the training clips of `_unknown_` are negatives and nothing else."""
    training = dataset.splits["training"]
    if UNKNOWN not in dataset.labels:
        return False
    unknown = training.labels == dataset.labels.index(UNKNOWN)
    return bool(unknown.any()) and set(np.array(training.words, object)[unknown]) == {negative_clips.WORD}


def _alone_share(dataset: Dataset) -> float:
    """Of an epoch without silence: negatives alone hold as many words as a class of several words, and give as much."""
    keywords = sum(not label.startswith("_") for label in dataset.labels)
    return CLASS_SHARE / (CLASS_SHARE + keywords)


def _neighbours(dataset: Dataset, seed: int, negatives: bool) -> tuple[int, ...]:
    """Some of the words of `_unknown_` among the training clips: each may be heard beside any keyword.

    Args:
      negatives: they are seconds of speech, for there are no words.
    """
    training = dataset.splits["training"]
    if UNKNOWN not in dataset.labels:
        return ()
    unknown = training.labels == dataset.labels.index(UNKNOWN)
    words = np.flatnonzero(unknown & ((np.array(training.words) == negative_clips.WORD) == negatives))
    return tuple(np.sort(np.random.default_rng(seed).permutation(words)[:_NEIGHBOURS]).tolist())
