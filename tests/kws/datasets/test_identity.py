"""The identity of data: what it depends on, and how two are told apart."""

import dataclasses

import numpy as np
import pytest

from kws.datasets import identity
from kws.datasets.clip import SPLITS, Clips, Dataset


def dataset(order: tuple[int, ...] = (0, 1, 2)) -> Dataset:
    """Three clips in each split."""
    splits = {}
    for number, split in enumerate(SPLITS):
        samples = np.random.default_rng(number).integers(-99, 99, (3, 16000)).astype(np.int16)
        names = tuple(f"yes/{split}{i}.wav" for i in order)
        splits[split] = Clips(split, names, samples[list(order)], np.array(order, np.int64) % 2, ("",) * 3)
    noises = {split: (np.full(16000, number, np.int16),) for number, split in enumerate(SPLITS)}
    return Dataset("folder", ("yes", "no"), splits, noises)


def changed(data: Dataset, split: str, **fields: object) -> Dataset:
    return dataclasses.replace(data, splits={**data.splits, split: dataclasses.replace(data.splits[split], **fields)})


def test_the_order_of_clips_does_not_matter() -> None:
    one, other = (identity.identity(dataset(order)) for order in ((0, 1, 2), (2, 0, 1)))
    assert identity.sha256(one) == identity.sha256(other)
    assert len(one) == 12


def test_one_sample_matters_and_is_named() -> None:
    data = dataset()
    samples = data.splits["validation"].samples.copy()
    samples[1, 7] += 1
    before, now = identity.identity(data), identity.identity(changed(data, "validation", samples=samples))
    assert identity.sha256(before) != identity.sha256(now)
    assert identity.difference(before, now) == "1 of other sound (the first: yes/validation1.wav)"


def test_names_splits_classes_and_noises_matter() -> None:
    data = dataset()
    training = data.splits["training"]
    renamed = changed(data, "training", names=("yes/x.wav", *training.names[1:]))
    assert identity.difference(identity.identity(data), identity.identity(renamed)) == (
        "1 new, 1 missing (the first: yes/training0.wav)"
    )
    relabelled = changed(data, "training", labels=1 - training.labels)
    assert identity.difference(identity.identity(data), identity.identity(relabelled)) == (
        "3 in another split or class (the first: yes/training0.wav)"
    )
    louder = dataclasses.replace(data, noises={**data.noises, "testing": (np.full(16000, 9, np.int16),)})
    assert identity.difference(identity.identity(data), identity.identity(louder)) == (
        "1 of other sound (the first: background noise 0 of testing)"
    )


@pytest.mark.parametrize("name", ["yes/größe.wav", "yes/\udcff.wav", "yes/a\nb.wav"])
def test_any_name_can_be_kept(name: str) -> None:
    data = changed(dataset(), "training", names=(name, "yes/1.wav", "yes/2.wav"))
    assert len(identity.sha256(identity.identity(data))) == 64
