"""What the epochs of a dataset are made of: the words of its training clips, and the class of each."""

import dataclasses

import numpy as np

from kws.datasets.clip import SILENCE, Dataset
from kws.examples.epochs import EpochConfig, plan
from kws.frontend import INTEGER, Arithmetic, FrontEndConfig


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


def material(dataset: Dataset, frontend: FrontEndConfig, seed: int, arithmetic: Arithmetic = INTEGER) -> Material:
    """What epochs of `dataset` are made of, with features of the calibrated front end `frontend`."""
    training = dataset.splits["training"]
    has_silence = SILENCE in dataset.labels
    class_of = dict(zip(training.words, training.labels.tolist(), strict=True))
    if has_silence:
        class_of[SILENCE] = dataset.labels.index(SILENCE)
    names = sorted(class_of)
    config = EpochConfig(
        frontend,
        classes=tuple(class_of[name] for name in names),
        silence_word=names.index(SILENCE) if has_silence else None,
        arithmetic=arithmetic,
    )
    return Material(np.array([names.index(word) for word in training.words], np.int64), config, seed)
