"""Epochs: which clips, how many, in what order."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from kws.examples.epochs import EpochConfig, epoch_examples, plan
from kws.examples.example_error import ExampleError
from kws.frontend import FrontEndConfig, features

FRONTEND = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)
CONFIG = EpochConfig(FRONTEND, silence_word=9)
LABELS = np.repeat([0, 1, 2, 3, 4], [100, 60, 60, 50, 10])


def quiet(rng: np.random.Generator, noises: Sequence[np.ndarray]) -> np.ndarray:
    return rng.integers(-3, 4, 16000).astype(np.int16)


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return np.random.default_rng(0).integers(-2000, 2000, (len(LABELS), 16000)).astype(np.int16)


@pytest.fixture(scope="module")
def noises() -> list[np.ndarray]:
    return [np.random.default_rng(1).integers(-500, 500, 40000).astype(np.int16)]


def test_classes_are_balanced() -> None:
    sources, labels = plan(LABELS, CONFIG, 1, 0)
    # The median class has 60 clips; ten clips are repeated three times at most.
    assert [int((labels == label).sum()) for label in range(5)] == [60, 60, 60, 60, 30]
    spoken = sources >= 0
    np.testing.assert_array_equal(labels[spoken], LABELS[sources[spoken]])
    counts = np.bincount(sources[spoken], minlength=len(LABELS))
    assert set(counts[LABELS == 4]) == {3}
    assert set(counts[LABELS == 3]) == {1, 2}
    assert counts[LABELS == 0].max() == 1


def test_silence_has_its_share() -> None:
    sources, labels = plan(LABELS, CONFIG, 1, 0)
    assert (labels[sources < 0] == 9).all()
    assert abs((labels == 9).mean() - CONFIG.silence_share) < 0.005
    assert (plan(LABELS, dataclasses.replace(CONFIG, silence_word=None), 1, 0)[0] >= 0).all()


def test_every_epoch_is_another_and_a_seed_decides() -> None:
    first = plan(LABELS, CONFIG, 1, 0)
    np.testing.assert_array_equal(first, plan(LABELS, CONFIG, 1, 0))
    assert (plan(LABELS, CONFIG, 1, 1)[0] != first[0]).any()
    assert (plan(LABELS, CONFIG, 2, 0)[0] != first[0]).any()
    drawn = {clip for epoch in range(8) for clip in plan(LABELS, CONFIG, 1, epoch)[0] if clip >= 0}
    assert len(drawn) == len(LABELS)


def test_unbalanced_is_every_clip_once() -> None:
    sources, _ = plan(LABELS, dataclasses.replace(CONFIG, balanced=False), 1, 0)
    np.testing.assert_array_equal(np.sort(sources[sources >= 0]), np.arange(len(LABELS)))


def test_a_repeated_clip_is_another_example(clips: np.ndarray, noises: list[np.ndarray]) -> None:
    tensor, labels = epoch_examples(clips, LABELS, noises, quiet, CONFIG, seed=1, epoch=0)
    assert (tensor.shape, tensor.dtype) == ((len(labels), 49, 10, 1), np.int8)
    spoken = tensor[labels != CONFIG.silence_word]
    assert len({example.tobytes() for example in spoken}) == len(spoken)


def test_examples_are_augmented_clips(clips: np.ndarray, noises: list[np.ndarray]) -> None:
    still = dataclasses.replace(
        CONFIG.augment,
        speed=(1.0, 1.0),
        shift_samples=0,
        room_probability=0.0,
        noise_probability=0.0,
        gain_db=(0.0, 0.0),
    )
    config = EpochConfig(FRONTEND, still)
    tensor, _ = epoch_examples(clips, LABELS, noises, None, config, seed=1, epoch=0)
    sources, _ = plan(LABELS, config, 1, 0)
    np.testing.assert_array_equal(tensor, features(clips, FRONTEND)[sources])


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="isn't calibrated"):
        EpochConfig(FrontEndConfig())
    with pytest.raises(ExampleError, match="no training clips"):
        plan(LABELS[:0], CONFIG, 0, 0)


def test_rare_words_of_a_class_are_repeated() -> None:
    # Keywords 0 and 1 of 60 clips; class 2 of a common word, 3, and rare ones, 4 and 5.
    words = np.repeat([0, 1, 3, 4, 5], [60, 60, 50, 4, 15])
    config = EpochConfig(FRONTEND, classes=(0, 1, 2, 2, 2, 2))
    sources, drawn = plan(words, config, 1, 0)
    np.testing.assert_array_equal(drawn, words[sources])
    # A third of the median class is 20 clips: 4 come three times, 15 and five of them again, 50 once.
    assert np.bincount(drawn, minlength=6).tolist() == [60, 60, 0, 50, 12, 20]
    many = np.repeat([0, 1, 3, 4], [10, 10, 50, 50])
    assert (plan(many, config, 1, 0)[1] >= 2).sum() == 30
