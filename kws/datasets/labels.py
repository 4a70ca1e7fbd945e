"""Labels: which words are keywords, which are `_unknown_`, and how many unknown clips are kept."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from kws.datasets.clip import KEYWORDS, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError

# Not the user's seed: the choice for validation and testing is the same in every run.
_FIXED_SEED = 20180410

Item = TypeVar("Item")


def choose(config: DatasetConfig, present: Sequence[str], where: str) -> tuple[str, ...]:
    """The labels of a task on a corpus whose words are `present`.

    Without `words` the 12-class task takes those of its ten keywords that the corpus has; `_unknown_` is a class
    if words are left over. The 35-word task takes every word, sorted, and nothing else.

    Raises:
      DatasetError: no words at all, or `words` names one that isn't there.
    """
    if not present:
        raise DatasetError(f"{where} holds no folder of a word: it should hold one folder of recordings per word")
    if config.task == "35":
        return tuple(sorted(present))
    words = config.words or tuple(word for word in KEYWORDS if word in present)
    for word in words:
        if word not in present:
            raise DatasetError(f"words names '{word}', which {where} lacks: choose from {', '.join(sorted(present))}")
    if not words:
        raise DatasetError(f"{where} has none of the ten keywords: choose words from {', '.join(sorted(present))}")
    unknown = (UNKNOWN,) if set(present) - set(words) else ()
    return (SILENCE, *unknown, *words)


def label_of(word: str, labels: Sequence[str]) -> str:
    """The label of a spoken word: itself or `_unknown_`."""
    return word if word in labels else UNKNOWN


def thin_unknown(config: DatasetConfig, split: str, unknown: list[Item], keyword_clips: int) -> list[Item]:
    """At most `unknown_percentage` of `keyword_clips` items of `unknown`, drawn by seed, in their old order."""
    if config.unknown_percentage is None:
        return unknown
    count = round(config.unknown_percentage / 100 * keyword_clips)
    if count >= len(unknown):
        return unknown
    seed = config.seed if split == "training" else _FIXED_SEED
    rng = np.random.default_rng(np.random.SeedSequence([seed, SPLITS.index(split)]))
    return [unknown[i] for i in np.sort(rng.permutation(len(unknown))[:count])]


def silence_count(config: DatasetConfig, keyword_clips: int) -> int:
    """`silence_percentage` of `keyword_clips`, at least one unless the percentage is 0."""
    if config.silence_percentage == 0:
        return 0
    return max(1, round(config.silence_percentage / 100 * keyword_clips))
