"""Types, configuration and what the builder refuses."""

import numpy as np
import pytest

from kws import datasets
from kws.datasets import labels
from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import CLIP_SAMPLES, SPLITS, Clips, DatasetConfig, centre, split_noise
from kws.datasets.dataset_error import DatasetError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "librispeech"}, "dataset=librispeech"),
        ({"task": "13"}, "task=13"),
        ({"words": ("yes", "yes")}, "twice"),
        ({"words": ("yes", " ")}, "empty word"),
        ({"words": ("_silence_",)}, "added by themselves"),
        ({"words": ("yes",), "task": "35"}, "exclude each other"),
        ({"seed": -1}, "seed=-1"),
        ({"silence_percentage": -1.0}, "silence_percentage=-1.0"),
        ({"unknown_percentage": float("nan")}, "unknown_percentage=nan"),
        ({"clips_per_word": 2}, "clips_per_word=2"),
        ({"processes": 0}, "processes=0"),
        ({"words": ("yes", "a/b")}, "words holds 'a/b': expected a word of printable"),
        ({"words": ("two\nlines",)}, r"words holds 'two\\nlines'"),
        ({"words": ("caf\u00e9", "cafe\u0301")}, "twice"),
        ({"dataset": "folder", "max_word_seconds": 0.0}, "max_word_seconds=0.0: a clip has one second"),
        ({"dataset": "folder", "max_word_seconds": 1.01}, "max_word_seconds=1.01: a clip has one second"),
        ({"dataset": "folder", "max_word_seconds": float("nan")}, "max_word_seconds=nan"),
        ({"max_word_seconds": 0.9}, "max_word_seconds is for dataset=folder, not for synthetic"),
    ],
)
def test_config_refuses(settings: dict, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        DatasetConfig(**settings)


def test_what_a_user_can_mend_is_known_without_a_command() -> None:
    assert issubclass(DatasetError, ValueError) and DatasetError.user_can_mend


@pytest.mark.parametrize("dataset", ["folder", "speech_commands"])
def test_a_folder_that_can_not_be_read_is_one_line(dataset: str) -> None:
    with pytest.raises(DatasetError, match=r"data_dir=x+ can't be read: x+: File name too long") as refused:
        datasets.load(DatasetConfig(dataset, data_dir="x" * 5000))
    assert "\n" not in str(refused.value)


def test_centre_pads_both_sides_and_cuts_the_middle() -> None:
    short = centre(np.ones(10, np.int16))
    assert short.shape == (CLIP_SAMPLES,)
    np.testing.assert_array_equal(np.flatnonzero(short), np.arange(7995, 8005))
    long = centre(np.arange(CLIP_SAMPLES + 100).astype(np.int16))
    assert (long[0], long[-1]) == (50, CLIP_SAMPLES + 49)


def test_noise_is_cut_in_time_without_overlap() -> None:
    recording = np.arange(1001, dtype=np.int16)
    parts = split_noise(recording)
    np.testing.assert_array_equal(np.concatenate([parts[split] for split in SPLITS]), recording)
    assert [len(parts[split]) for split in SPLITS] == [601, 200, 200]


def test_clips_iterate_and_check_their_shapes() -> None:
    clips = Clips("testing", ("a", "b"), np.zeros((2, CLIP_SAMPLES), np.int16), np.array([1, 0]), ("x", "y"))
    assert [(clip.name, clip.label, clip.speaker, clip.split) for clip in clips] == [
        ("a", 1, "x", "testing"),
        ("b", 0, "y", "testing"),
    ]
    with pytest.raises(ValueError, match="expected int16"):
        Clips("testing", ("a",), np.zeros((1, 10), np.int16), np.array([1]), ("x",))
    with pytest.raises(ValueError, match="speakers"):
        Clips("testing", ("a",), np.zeros((1, CLIP_SAMPLES), np.int16), np.array([1]), ())


def test_builder_keeps_order_over_several_blocks() -> None:
    builder = DatasetBuilder("folder", ("yes",))
    for split in SPLITS:
        for index in range(1030 if split == "training" else 1):
            builder.add(split, f"{split}{index}", np.full(CLIP_SAMPLES, index, np.int16), "yes", "")
    clips = builder.build({}, "here").splits["training"]
    assert len(clips) == 1030
    np.testing.assert_array_equal(clips.samples[:, 0], np.arange(1030))
    np.testing.assert_array_equal(clips.samples[:, -1], np.arange(1030))


def _built(per_split: dict[str, list[str]]) -> DatasetBuilder:
    builder = DatasetBuilder("folder", ("_silence_", "yes", "no"))
    for split, words in per_split.items():
        for index, word in enumerate(words):
            builder.add(split, f"{word}{index}", np.zeros(CLIP_SAMPLES, np.int16), word, "")
    return builder


@pytest.mark.parametrize(
    ("per_split", "message"),
    [
        ({"training": ["yes"], "validation": ["yes"], "testing": ["yes"]}, "class 'no' is empty"),
        ({"training": ["yes"], "validation": ["no"], "testing": ["yes"]}, "class 'no' has no training clips"),
        ({"training": ["yes", "no"], "testing": ["yes"]}, "validation split has no clips"),
    ],
)
def test_builder_refuses(per_split: dict[str, list[str]], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        _built(per_split).build({}, "here")


def test_labels_of_the_tasks() -> None:
    present = ["bed", "down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes"]
    assert labels.choose(DatasetConfig(), present, "here") == (
        *("_silence_", "_unknown_", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"),
    )
    assert labels.choose(DatasetConfig(task="35"), present, "here") == tuple(present)
    chosen = labels.choose(DatasetConfig(words=("stop", "bed")), present, "here")
    assert chosen == ("_silence_", "_unknown_", "stop", "bed")
    assert labels.choose(DatasetConfig(words=("stop", "bed")), ["bed", "stop"], "here") == ("_silence_", "stop", "bed")
    with pytest.raises(DatasetError, match="names 'cat'"):
        labels.choose(DatasetConfig(words=("cat",)), present, "here")
    with pytest.raises(DatasetError, match="none of the ten keywords"):
        labels.choose(DatasetConfig(), ["hund", "katze"], "here")
    with pytest.raises(DatasetError, match="no folder of a word"):
        labels.choose(DatasetConfig(), [], "here")


def test_thinning_is_seeded_for_training_and_fixed_for_the_rest() -> None:
    unknown = list(range(100))
    first, second = DatasetConfig(seed=1, unknown_percentage=10), DatasetConfig(seed=2, unknown_percentage=10)
    training = labels.thin_unknown(first, "training", unknown, 200)
    assert len(training) == 20
    assert training == sorted(training)
    assert training == labels.thin_unknown(first, "training", unknown, 200)
    assert training != labels.thin_unknown(second, "training", unknown, 200)
    assert labels.thin_unknown(first, "testing", unknown, 200) == labels.thin_unknown(second, "testing", unknown, 200)
    assert labels.thin_unknown(DatasetConfig(), "training", unknown, 200) == unknown
