"""Recordings that no training can use, each named in a line."""

import numpy as np
import pytest

from kws.datasets import identity
from kws.datasets.clip import SPLITS, Clips, Dataset
from kws.training.amounts import own_recordings
from kws.training.training_error import TrainingError

LABELS = ("_silence_", "_unknown_", "door", "lamp")


def _dataset(samples: np.ndarray, filled_up: tuple[int, ...] = ()) -> Dataset:
    """Two splits of the same number of clips, half "door", half "lamp"; of training, those that are no recordings."""
    half = len(samples) // 2
    labels = np.array([2, 3] * (half // 2), np.int64)
    splits = {}
    for number, split in enumerate(SPLITS[:2]):
        inside = ["_synthetic_/" if split == "training" and i in filled_up else "" for i in range(half)]
        names = tuple(f"{LABELS[label]}/{inside[i]}{split}{i}" for i, label in enumerate(labels))
        splits[split] = Clips(split, names, samples[number * half : (number + 1) * half], labels, ("",) * half)
    return Dataset("folder", LABELS, splits, {})


def _check(samples: np.ndarray, filled_up: tuple[int, ...] = ()) -> None:
    dataset = _dataset(samples, filled_up)
    own_recordings.check(dataset, identity.identity(dataset))


def _noise(count: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(-9000, 9000, (count, 16000)).astype(np.int16)


def test_sound_recordings_pass_and_so_does_one_twice_under_its_word() -> None:
    samples = _noise()
    _check(samples)
    samples[4] = samples[0]
    _check(samples)


def test_a_recording_under_two_words_is_named() -> None:
    samples = _noise()
    samples[5] = samples[0]
    with pytest.raises(TrainingError, match=r"^door/training0 and lamp/validation1 are the same recording under two"):
        _check(samples)


def test_a_word_that_is_clipped_everywhere_is_named_but_not_one_clip() -> None:
    samples = _noise()
    # As an automatic gain leaves it: cut off below full scale.
    samples[3::2] = np.clip(3 * samples[3::2].astype(np.int32), -20000, 20000)
    _check(samples)
    samples[1] = np.clip(8 * samples[1].astype(np.int32), -32768, 32767)
    with pytest.raises(TrainingError, match=r"^all recordings of 'lamp' are clipped: .* at a lower level"):
        _check(samples)


def test_what_a_word_was_filled_up_with_says_nothing_about_its_recordings() -> None:
    samples = _noise()
    samples[3::2] = np.clip(8 * samples[3::2].astype(np.int32), -20000, 20000)
    _check(samples)
    with pytest.raises(TrainingError, match=r"^all recordings of 'lamp' are clipped"):
        _check(samples, filled_up=(1,))


def test_a_word_that_is_silent_everywhere_is_named_but_not_one_clip() -> None:
    samples = _noise()
    samples[3::2] //= 2000
    _check(samples)
    samples[1] //= 2000
    with pytest.raises(TrainingError, match=r"^all recordings of 'lamp' are silent: record them anew, nearer"):
        _check(samples)


def test_a_recording_under_a_word_and_among_the_others_is_named() -> None:
    samples = _noise()
    dataset = _dataset(samples)
    samples[5] = samples[0]
    dataset.splits["validation"].labels[1] = LABELS.index("_unknown_")
    with pytest.raises(TrainingError, match="the same recording under two words, 'door' and '_unknown_'"):
        own_recordings.check(dataset, identity.identity(dataset))
