"""The same clip in several places: under two words, one label is wrong; in two splits, accuracy is flattered."""

import dataclasses

import numpy as np

from kws.datasets.clip import SILENCE, Clips, Dataset
from kws.stores.digests import digest, row_digests

TWO_WORDS, TWO_SPLITS, TWO_SPEAKERS, TWICE = KINDS = ("two words", "two splits", "two speakers", "twice")


@dataclasses.dataclass(frozen=True)
class Place:
    """A clip: its name, what is said in it, who says it, its split."""

    name: str
    word: str
    speaker: str
    split: str


@dataclasses.dataclass(frozen=True)
class Duplicate:
    """A sound that several clips have, sample by sample.

    Attributes:
      kind: one of KINDS, the first that holds.
    """

    kind: str
    places: tuple[Place, ...]


def duplicates(dataset: Dataset) -> list[Duplicate]:
    """All of them, in the order of KINDS; digital silence and the class `_silence_` left aside."""
    of_digest: dict[bytes, list[Place]] = {}
    for clips in dataset.splits.values():
        silence = dataset.labels.index(SILENCE) if SILENCE in dataset.labels else -1
        nothing = digest(np.zeros(clips.samples.shape[1], np.int16))
        for digits, place, label in zip(_digests(clips), places(clips), clips.labels.tolist(), strict=True):
            if label != silence and digits != nothing:
                of_digest.setdefault(digits, []).append(place)
    found = [Duplicate(_kind(same), tuple(same)) for same in of_digest.values() if len(same) > 1]
    return sorted(found, key=lambda duplicate: (KINDS.index(duplicate.kind), duplicate.places[0].name))


def places(clips: Clips) -> list[Place]:
    """Where each clip of a split is."""
    rows = zip(clips.names, clips.words, clips.speakers, strict=True)
    return [Place(name, word, speaker, clips.split) for name, word, speaker in rows]


def _digests(clips: Clips) -> list[bytes]:
    digests = row_digests(clips.samples) if clips.stored is None else np.asarray(clips.stored.digests)
    return [row.tobytes() for row in digests]


def _kind(same: list[Place]) -> str:
    if len({place.word for place in same}) > 1:
        return TWO_WORDS
    if len({place.split for place in same}) > 1:
        return TWO_SPLITS
    return TWO_SPEAKERS if len({place.speaker for place in same}) > 1 else TWICE
