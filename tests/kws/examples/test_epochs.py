"""Epochs: which clips, how many, in what order."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from kws.examples.augment import NUMPY, AugmentConfig
from kws.examples.epochs import EpochConfig, epoch_examples, plan, variants
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


def test_negatives_have_a_share_of_their_own() -> None:
    # Keywords 0 and 1; of _unknown_, a word, 3, and negatives, 4.
    words = np.repeat([0, 1, 3, 4], [60, 60, 60, 40])
    config = EpochConfig(FRONTEND, classes=(0, 1, 2, 2, 2), negatives_word=4, negatives_share=0.1)
    drawn = plan(words, config, 1, 0)[1]
    assert np.bincount(drawn).tolist() == [60, 60, 0, 60, 20]
    # Few of them are repeated three times at most, and an epoch of every clip has them once.
    few = plan(np.repeat([0, 1, 3, 4], [60, 60, 60, 2]), config, 1, 0)[1]
    assert (few == 4).sum() == 6
    assert (plan(words, dataclasses.replace(config, balanced=False), 1, 0)[1] == 4).sum() == 40
    assert config.without_word == (4,)


def test_neighbours_are_heard_at_one_end() -> None:
    words = np.array([0] * 60 + [1] * 4)
    clips = np.zeros((64, 16000), np.int16)
    clips[:60, 6000:10000] = 1000
    clips[60:] = 30000
    still = AugmentConfig((1.0, 1.0), 0, 0.0, 0.0, gain_db=(0.0, 0.0))
    config = EpochConfig(FRONTEND, still, balanced=False, neighbour_share=0.5, neighbours=tuple(range(60, 64)))
    sources = plan(words, config, 1, 0)[0]
    found = variants(clips.__getitem__, [], None, sources, 0, config, 1, 0, NUMPY)[sources < 60]
    loud = found >= 30000
    cut = loud.sum(axis=1)
    assert 15 < (cut > 0).sum() < 45 and (loud[:, 0] & loud[:, -1]).sum() == 0
    assert loud[:, 0].any() and loud[:, -1].any()
    # A tenth to a half of the second is the neighbour's, and sums saturate.
    assert cut[cut > 0].min() >= 1600 and cut.max() <= 8000 and found.max() == 31000
    alone = dataclasses.replace(config, neighbours=())
    np.testing.assert_array_equal(variants(clips.__getitem__, [], None, sources, 0, alone, 1, 0, NUMPY), clips[sources])


def test_shares_are_shares() -> None:
    for name in ("silence_share", "negatives_share", "neighbour_share"):
        with pytest.raises(ValueError, match=f"{name}=1"):
            dataclasses.replace(CONFIG, **{name: 1.0})


def test_a_limited_epoch_is_a_random_part_of_the_whole_one() -> None:
    whole, words = plan(LABELS, CONFIG, 1, 0)
    limited = dataclasses.replace(CONFIG, most=len(whole) // 2)
    parts = [plan(LABELS, limited, 1, epoch) for epoch in range(2)]
    np.testing.assert_array_equal(parts[0][0], whole[: len(whole) // 2])
    np.testing.assert_array_equal(parts[0][1], words[: len(whole) // 2])
    assert len(parts[1][0]) == len(whole) // 2 and set(parts[1][0]) != set(parts[0][0])
    np.testing.assert_array_equal(plan(LABELS, dataclasses.replace(CONFIG, most=len(whole) + 1), 1, 0)[0], whole)
    with pytest.raises(ValueError, match="most=0: expected 1 or more"):
        dataclasses.replace(CONFIG, most=0)


def test_rounds_draw_every_clip_so_often() -> None:
    first, _ = plan(LABELS, CONFIG, 1, 0)
    sources, _ = plan(LABELS, dataclasses.replace(CONFIG, rounds=3), 1, 0)
    assert (sources >= 0).sum() == 3 * (first >= 0).sum()
    # Of the large class each round draws a part of its own.
    assert len(set(sources[np.isin(sources, np.flatnonzero(LABELS == 0))])) > 60
    with pytest.raises(ValueError, match="rounds=0: expected 1 or more"):
        dataclasses.replace(CONFIG, rounds=0)
