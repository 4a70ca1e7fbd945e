"""Recordings of one's own, filled up from a corpus, from spoken words and from a folder of noise."""

import pathlib
import string

import corpus as small_corpus
import numpy as np
import pytest

from kws import datasets
from kws.datasets.clip import SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.sources import shares, top_up
from kws.datasets.synthetic import speaking

RNG = np.random.default_rng(2)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Ten recordings of "yes", which the corpus has, too, and of "lamp"; no noise."""
    root = tmp_path_factory.mktemp("own")
    for word in ("yes", "lamp"):
        for number in range(10):
            small_corpus.write_wav(root / word / f"{number}.wav", RNG.integers(-999, 999, 14000))
    return root


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return small_corpus.write(tmp_path_factory.mktemp("corpus"), training=12, evaluation=4)


def _load(own: pathlib.Path, other: pathlib.Path, **settings: object) -> datasets.Dataset:
    folders = {"data_dir": str(own), "corpus_dir": str(other), "noise": str(other / "_background_noise_")}
    return datasets.load(DatasetConfig("folder", **{**folders, "cache_dir": "", "processes": 1, **settings}))


def test_other_words_of_the_corpus_are_unknown_as_its_lists_say(own: pathlib.Path, other: pathlib.Path) -> None:
    dataset = _load(own, other, negatives="speech_commands")
    assert dataset.labels == ("_silence_", UNKNOWN, "lamp", "yes")
    for split, count in (("training", 24), ("validation", 8), ("testing", 8)):
        clips = dataset.splits[split]
        taken = [clip.name for clip in clips if dataset.labels[clip.label] == UNKNOWN]
        assert len(taken) == count and {name.partition("/")[0] for name in taken} == {"no", "bird"}
    listed = (other / "testing_list.txt").read_text().split()
    taken = [clip.name.replace("/_speech_commands_/", "/") for clip in dataset.splits["testing"]]
    assert set(listed) & set(taken) == {name for name in listed if not name.startswith("yes/")}


@pytest.mark.parametrize(("source", "yes", "lamp"), [("speech_commands", 15, 8), ("synthetic", 15, 15)])
def test_keywords_are_filled_up_in_training_alone(
    own: pathlib.Path, other: pathlib.Path, source: str, yes: int, lamp: int
) -> None:
    dataset = _load(own, other, negatives="none", top_up=source, clips_per_word=15)
    counts = {split: np.bincount(dataset.splits[split].labels, minlength=3).tolist() for split in SPLITS}
    assert counts == {"training": [0, lamp, yes], "validation": [1, 1, 1], "testing": [1, 1, 1]}
    found = shares.sources(dataset)
    assert found[source] == {"training": yes + lamp - 16, "validation": 0, "testing": 0}
    assert found["folder"]["training"] == 16
    share = 100 * (yes + lamp - 16) / (yes + lamp)
    assert f"{share:.1f} % {source}" in shares.line(dataset).removeprefix("training clips: ").split(", ")
    assert set(dataset.splits["training"].words) == {"lamp", "yes"}


def test_a_card_says_where_each_source_is_from(own: pathlib.Path, other: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def described(negatives: str | None, loaded: str | None = None) -> dict:
        dataset = _load(own, other, top_up="none", negatives=loaded or negatives)
        return shares.described(dataset, DatasetConfig("folder", data_dir=str(own), negatives=negatives))

    assert described("none") == {}
    small_corpus.write_wav(tmp_path / "speech.wav", RNG.integers(-999, 999, 160000))
    of_a_folder = described(str(tmp_path))
    assert of_a_folder["negatives"]["source"] == "the user's own recordings without keywords"
    assert of_a_folder["folder"] == {
        "source": "the user's own recordings",
        **{"training": 16, "validation": 2, "testing": 2},
    }
    # As none are given, they are spoken: a minute's work, for which the folder's stand here.
    spoken = described(None, loaded=str(tmp_path))
    assert spoken["negatives"]["source"] == "spoken by espeak-ng; no recording of a person"
    assert described("speech_commands")["speech_commands"]["licence"] == "CC BY 4.0"


@pytest.fixture
def few(tmp_path: pathlib.Path) -> pathlib.Path:
    """Twenty people say "lamp", ten of whom train at least; three of them say "door", too."""
    for word, speakers in (("lamp", string.ascii_lowercase[:20]), ("door", "abc")):
        for speaker in speakers:
            for take in range(3):
                small_corpus.write_wav(tmp_path / word / f"{speaker}__{take}.wav", RNG.integers(-999, 999, 14000))
    return tmp_path


def test_a_keyword_of_few_voices_is_filled_up_without_being_asked(
    few: pathlib.Path, other: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = _load(few, other, negatives="none", clips_per_word=30).splits["training"]
    said = capsys.readouterr().err
    spoken = [name.partition("/")[0] for name in training.names if "/_synthetic_/" in name]
    assert set(spoken) == {"door"} and len(spoken) == 30 - (training.words.count("door") - len(spoken))
    assert f"espeak-ng says it {len(spoken)} times in others (--top_up=none: it does not;" in said
    assert "'lamp'" not in said
    people = {speaker for speaker, word in zip(training.speakers, training.words, strict=True) if word == "lamp"}
    assert len(people) >= top_up.FEW_VOICES
    for path in list((few / "door").glob("?__[01].wav")):  # a recording each: too few to train on, filled up or not
        path.unlink()
    capsys.readouterr()
    assert "espeak-ng" not in (_load(few, other, negatives="none") and capsys.readouterr().err)
    alone = _load(few, other, negatives="none", clips_per_word=30, top_up="none").splits["training"]
    assert not any("/_synthetic_/" in name for name in alone.names)


def test_a_keyword_of_few_voices_that_cannot_be_spoken_is_named(
    few: pathlib.Path, other: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> np.ndarray:
        raise DatasetError("'door' can't be pronounced")

    monkeypatch.setattr(speaking, "render_all", fails)
    training = _load(few, other, negatives="none", clips_per_word=30).splits["training"]
    assert not any("/_synthetic_/" in name for name in training.names)
    assert "warning: 'door' is trained on" in (said := capsys.readouterr().err)
    assert "alone, and is not filled up: 'door' can't be pronounced" in said
    with pytest.raises(DatasetError, match="can't be pronounced"):
        _load(few, other, negatives="none", clips_per_word=30, top_up="synthetic")


def test_noise_comes_from_a_folder_or_is_synthesized(own: pathlib.Path, other: pathlib.Path) -> None:
    assert [len(noise) for noise in _load(own, other, negatives="none").noises["testing"]] == [25600]
    assert len(_load(own, other, negatives="none", noise="synthetic").noises["training"]) == 4
    assert shares.line(_load(own, other, negatives="none")) == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": None}, "has no recordings in _background_noise_/: .*, or give noise=synthetic$"),
        ({"noise": "nowhere"}, "^noise=nowhere is not a folder: give one of recordings without speech, or synthetic$"),
        ({"corpus_dir": "nowhere"}, "^corpus_dir=nowhere holds no Speech Commands: give the folder with its lists$"),
        ({"top_up": "radio"}, "^top_up=radio: give synthetic, speech_commands or none, with dataset=folder$"),
    ],
)
def test_what_is_not_there_is_one_line(own: pathlib.Path, other: pathlib.Path, settings: dict, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        _load(own, other, **{"negatives": "speech_commands", **settings})


def test_a_store_is_of_all_its_sources(own: pathlib.Path, other: pathlib.Path, tmp_path: pathlib.Path) -> None:
    cache = {"cache_dir": str(tmp_path)}
    first = _load(own, other, negatives="speech_commands", **cache)
    again = _load(own, other, negatives="speech_commands", **cache)
    assert again.splits["training"].names == first.splits["training"].names
    without = _load(own, other, negatives="none", **cache)
    assert UNKNOWN not in without.labels
    silent = _load(own, other, negatives="none", noise="synthetic", **cache)
    assert len(silent.noises["testing"]) != len(without.noises["testing"])
