"""What the epochs of a dataset are made of: the words of its training clips, and the class of each."""

import dataclasses

import numpy as np

from kws.datasets.clip import SILENCE, UNKNOWN, Dataset
from kws.datasets.negatives import clips as negative_clips
from kws.examples.epochs import EpochConfig, plan
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
    neighbours = _neighbours(dataset, seed)
    config = EpochConfig(
        frontend,
        classes=tuple(class_of[name] for name in names),
        silence_word=number[SILENCE] if has_silence else None,
        rounds=rounds,
        most=most,
        arithmetic=arithmetic,
        # Where they are all of their class, they are balanced like any other.
        negatives_word=number.get(negative_clips.WORD) if neighbours else None,
        neighbours=neighbours,
    )
    return Material(words, config, seed)


def _neighbours(dataset: Dataset, seed: int) -> tuple[int, ...]:
    """Some of the words of `_unknown_` among the training clips: each may be heard beside any keyword."""
    training = dataset.splits["training"]
    if UNKNOWN not in dataset.labels:
        return ()
    unknown = training.labels == dataset.labels.index(UNKNOWN)
    words = np.flatnonzero(unknown & (np.array(training.words) != negative_clips.WORD))
    return tuple(np.sort(np.random.default_rng(seed).permutation(words)[:_NEIGHBOURS]).tolist())
