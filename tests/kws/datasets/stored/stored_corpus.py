"""What tests of stored datasets compare: the dataset that is read into memory, and the stores that there are."""

import dataclasses
import pathlib

import numpy as np

from kws import datasets
from kws.datasets import DatasetConfig, identity
from kws.datasets.clip import SPLITS, Dataset


def in_memory(config: DatasetConfig) -> Dataset:
    return datasets.load(dataclasses.replace(config, cache_dir=""))


def check_equal(one: Dataset, other: Dataset) -> None:
    assert (one.name, one.labels, one.skipped, one.divided) == (other.name, other.labels, other.skipped, other.divided)
    for split in SPLITS:
        mine, its = one.splits[split], other.splits[split]
        assert (mine.split, mine.names, mine.speakers, mine.words) == (its.split, its.names, its.speakers, its.words)
        np.testing.assert_array_equal(mine.samples, its.samples)
        np.testing.assert_array_equal(mine.labels, its.labels)
        assert mine.labels.dtype == its.labels.dtype
        for noise, its_noise in zip(one.noises[split], other.noises[split], strict=True):
            np.testing.assert_array_equal(noise, its_noise)
    assert identity.identity(one) == identity.identity(other)


def stores(config: DatasetConfig) -> list[pathlib.Path]:
    return sorted(path for path in pathlib.Path(config.cache_dir or "").joinpath("clips").iterdir() if path.is_dir())
