"""What a dataset takes of its negatives, in each kind of corpus, and where it must take nothing."""

import pathlib

import corpus
import numpy as np
import pytest

from kws import datasets
from kws.datasets.clip import SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives.clips import WORD, seconds

RNG = np.random.default_rng(3)


def _noise(seconds: float, level: int = 1000) -> np.ndarray:
    return RNG.integers(-level, level + 1, round(seconds * 16000)).astype(np.int16)


@pytest.fixture
def negatives(tmp_path: pathlib.Path) -> pathlib.Path:
    for name, length in (
        ("speech_training", 4.5),
        ("other_training", 2.0),
        ("other_validation", 1.0),
        ("music_training", 4.0),
        ("noise_testing", 2.0),
        ("speech_validation", 3.0),
        ("speech_testing", 2.0),
    ):
        corpus.write_wav(tmp_path / "negatives" / f"{name}.wav", _noise(length))
    return tmp_path / "negatives"


def _root(folder: pathlib.Path, words: tuple[str, ...]) -> pathlib.Path:
    listed: dict[str, list[str]] = {"validation": [], "testing": []}
    for word in words:
        for split, count in (("training", 3), ("validation", 2), ("testing", 2)):
            for number in range(count):
                name = f"{word}/{split}{number}_nohash_0.wav"
                corpus.write_wav(folder / name, _noise(1.0))
                if split in listed:
                    listed[split].append(name)
    for split, names in listed.items():
        (folder / f"{split}_list.txt").write_text("\n".join(names) + "\n")
    corpus.write_wav(folder / "_background_noise_" / "tap.wav", _noise(10.0))
    return folder


def _load(root: pathlib.Path | None, **settings: object) -> datasets.Dataset:
    given = {"dataset": "speech_commands", "data_dir": None if root is None else str(root), "cache_dir": ""}
    return datasets.load(DatasetConfig(**{**given, **settings}))


def _taken(dataset: datasets.Dataset) -> dict[str, list[str]]:
    """Names of each split's negatives, all of which must be `_unknown_` and nobody's."""
    found = {}
    for split in SPLITS:
        clips = [clip for clip in dataset.splits[split] if clip.name.startswith(f"{WORD}/")]
        assert all(dataset.labels[clip.label] == UNKNOWN and clip.speaker == "" for clip in clips)
        found[split] = [clip.name.removeprefix(f"{WORD}/") for clip in clips]
    return found


# Seconds overlap by half.
TRAINING = [
    *(f"other_training#{half / 2:g}" for half in range(3)),
    *(f"speech_training#{half / 2:g}" for half in range(8)),
]


def test_training_gets_seconds_of_speech_and_noises(negatives: pathlib.Path, tmp_path: pathlib.Path) -> None:
    root = _root(tmp_path / "corpus", ("yes", "no", "bed"))
    without = _load(root)
    dataset = _load(root, negatives=str(negatives))
    assert _taken(dataset) == {"training": TRAINING, "validation": [], "testing": []}
    # The music's last quarter is validation's.
    assert [len(noise) for noise in dataset.noises["training"]] == [96000, 48000]
    for split in ("validation", "testing"):
        np.testing.assert_array_equal(dataset.splits[split].samples, without.splits[split].samples)
        assert len(dataset.noises[split]) == 1


def test_a_folder_of_that_name_in_the_corpus_is_taken_and_no_word(negatives: pathlib.Path) -> None:
    root = _root(negatives.parent, ("yes", "no", "bed"))
    assert _taken(_load(root))["training"] == TRAINING
    left_out = _load(root, negatives="none")
    assert not any(_taken(left_out).values())
    assert {word for split in SPLITS for word in left_out.splits[split].words} == {"yes", "no", "bed", "_silence_"}


def test_without_other_words_negatives_make_the_class(negatives: pathlib.Path, tmp_path: pathlib.Path) -> None:
    root = _root(tmp_path / "corpus", ("yes", "no"))
    dataset = _load(root, dataset="folder", negatives=str(negatives))
    assert dataset.labels == ("_silence_", UNKNOWN, "no", "yes")
    expected = {
        "validation": ["other_validation#0", *(f"speech_validation#{n}" for n in range(3))],
        "testing": [f"speech_testing#{n}" for n in range(2)],
    }
    assert _taken(dataset) == {"training": TRAINING, **expected}
    assert UNKNOWN not in _load(root, dataset="folder", negatives="none").labels


def test_synthetic_speech_takes_them_too(negatives: pathlib.Path) -> None:
    settings = {"dataset": "synthetic", "words": ("yes", "no"), "clips_per_word": 10}
    assert _taken(_load(None, **settings, negatives=str(negatives)))["training"] == TRAINING


def test_every_word_has_no_class_for_them(negatives: pathlib.Path, tmp_path: pathlib.Path) -> None:
    root = _root(tmp_path / "corpus", ("yes", "no"))
    assert not any(_taken(_load(root, task="35", negatives=str(negatives))).values())


def test_a_store_is_of_its_negatives(negatives: pathlib.Path, tmp_path: pathlib.Path) -> None:
    root = _root(tmp_path / "corpus", ("yes", "no", "bed"))
    settings = {"cache_dir": str(tmp_path / "cache"), "negatives": str(negatives)}
    assert _taken(_load(root, **settings))["training"] == TRAINING
    corpus.write_wav(negatives / "speech_more_training.wav", _noise(1.0))
    assert "speech_more_training#0" in _taken(_load(root, **settings))["training"]
    assert not any(_taken(_load(root, **{**settings, "negatives": "none"})).values())


def test_pauses_and_what_is_left_of_a_second_are_passed_over() -> None:
    recording = np.concatenate([_noise(1.0), _noise(1.0, 50), _noise(1.7)])
    found = seconds(recording, 16000)
    assert [start for start, _ in found] == [0, 32000]
    np.testing.assert_array_equal(found[1][1], recording[32000:48000])
    assert [start for start, _ in seconds(recording, 8000)] == [0, 8000, 24000, 32000, 40000]
    assert seconds(np.zeros(40000, np.int16), 16000) == [] and seconds(recording[:15999], 16000) == []


def test_a_folder_that_is_not_there_is_one_line(tmp_path: pathlib.Path) -> None:
    root = _root(tmp_path / "corpus", ("yes", "no", "bed"))
    with pytest.raises(DatasetError, match=r"negatives=.*nowhere is not a folder: give one .*, or none"):
        _load(root, negatives=str(tmp_path / "nowhere"))
