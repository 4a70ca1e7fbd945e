"""A batch that fits the data, and data that can't be trained on."""

import numpy as np
import pytest

from kws.datasets.clip import SPLITS, Clips, Dataset
from kws.training.training_data import MIN_STEPS, batch_size, check_enough, check_splits, rounds
from kws.training.training_error import TrainingError


@pytest.mark.parametrize(
    ("examples", "largest", "expected"),
    [(8, 64, 1), (15, 64, 1), (16, 64, 2), (65, 64, 8), (511, 64, 63), (512, 64, 64), (10**6, 64, 64), (9, 1, 1)],
)
def test_a_batch_leaves_an_epoch_its_steps(examples: int, largest: int, expected: int) -> None:
    assert batch_size(examples, largest) == expected
    assert examples // expected >= MIN_STEPS


@pytest.mark.parametrize("examples", [0, 1, 2, 7])
def test_less_than_a_step_of_one_each_is_refused(examples: int) -> None:
    with pytest.raises(TrainingError, match=f"has {examples} examples, too few to train on: 8 are the least"):
        batch_size(examples, 64)


@pytest.mark.parametrize(
    ("examples", "least", "expected"), [(7, 1536, 1), (8, 1536, 192), (65, 1536, 24), (1535, 1536, 2), (1536, 1536, 1)]
)
def test_few_clips_are_drawn_again_until_an_epoch_is_full(examples: int, least: int, expected: int) -> None:
    assert rounds(examples, least) == expected
    assert rounds(10**6, least) == 1


def dataset(labels: tuple[str, ...], **clips: list[int]) -> Dataset:
    """Splits with clips of these labels; those not given have one of each."""
    splits = {}
    for split in SPLITS:
        numbers = clips.get(split, list(range(len(labels))))
        names = tuple(f"{split}{i}" for i in range(len(numbers)))
        samples = np.zeros((len(numbers), 16000), np.int16)
        splits[split] = Clips(split, names, samples, np.array(numbers, np.int64), ("",) * len(numbers))
    return Dataset("folder", labels, splits, {split: () for split in SPLITS})


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("clips", [[], [0, 0]])
def test_a_split_without_keywords_is_named(split: str, clips: list[int]) -> None:
    with pytest.raises(TrainingError, match=f"the {split} split has no clip of a keyword, of {len(clips)} in all"):
        check_splits(dataset(("_silence_", "yes"), **{split: clips}))


def test_a_class_of_too_few_clips_is_named_with_what_to_do() -> None:
    enough = [1, 1, 1, 2, 2, 2]
    check_enough(dataset(("_silence_", "yes", "no"), training=enough))
    with pytest.raises(TrainingError) as refused:
        check_enough(dataset(("_silence_", "yes", "no"), training=[1, 1, 2, 2, 2], testing=[1, 1]))
    assert str(refused.value) == (
        "too few training clips: yes 2 (the least is 3); testing clips: no 0 (the least is 1): record more, of other "
        "speakers where they are known (30 of each word are a start), or give allow_few=true"
    )


def test_one_keyword_and_nothing_else_cannot_be_measured() -> None:
    check_splits(dataset(("yes", "no"), validation=[1, 1]))
    with pytest.raises(TrainingError, match="the testing split has clips of the one keyword alone"):
        check_splits(dataset(("_silence_", "yes"), testing=[1, 1]))
