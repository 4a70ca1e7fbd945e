"""Negatives that espeak-ng speaks: none of their texts says a keyword, and who gets them without asking."""

import itertools
import pathlib

import corpus
import numpy as np
import pytest
import soundfile

from kws import datasets
from kws.datasets.clip import SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.negatives import clips, spoken, texts

KEYWORDS = ("stop it", "lamp", "the")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds of each split instead of minutes."""
    monkeypatch.setattr(spoken, "MINUTES", dict.fromkeys(SPLITS, 0.1))
    monkeypatch.setattr(spoken, "NOISE_MINUTES", 0.05)


@pytest.mark.parametrize(
    ("text", "keyword", "expected"),
    [
        ("please stop it now", "stop it", True),
        ("stop the car, it is red", "stop it", False),
        ("Many lamps, many doors", "lamp", True),
        ("the clamp", "lamp", False),
        ("Stop!", "stop", True),
        ("she stopped", "stop", False),
        ("nobody knows", "no", False),
        ("no", "no", True),
        ("do stop it", "stop_it", True),
        ("stop here", "stop-it", False),
    ],
)
def test_what_says_a_keyword(text: str, keyword: str, expected: bool) -> None:
    assert texts.says(text, keyword) == expected


@pytest.mark.parametrize("split", SPLITS)
def test_no_text_says_a_keyword_but_its_parts_are_said(split: str) -> None:
    found = list(itertools.islice(texts.endless(split, KEYWORDS[:2], np.random.default_rng(1)), 300))
    assert not any(texts.says(text, keyword) for text in found for keyword in KEYWORDS[:2])
    words = " ".join(found).replace(",", "").split()
    assert "stop" in words and len(set(words)) > 60
    # A keyword that stands in every sentence leaves lists of words.
    lists = itertools.islice(texts.endless(split, KEYWORDS, np.random.default_rng(1)), 100)
    assert not any(texts.says(text, "the") for text in lists)


def test_no_word_of_its_own_is_in_two_splits() -> None:
    parts = [set(texts._of_split(texts._NOUNS, split)) for split in SPLITS]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(texts._NOUNS) == len(set(texts._NOUNS))


def test_invented_words_are_of_one_split_and_none_sounds_like_a_keyword() -> None:
    found = {split: texts.invented(split, 200) for split in SPLITS}
    assert sum(len(set(words)) for words in found.values()) == len(set().union(*found.values())) == 600
    assert spoken.unlike(["dore", "lampe", "lamb", "klamp", "stoppit", "stop"], ("door", "lamp", "stop it")) == [
        "lamb",
        "stop",
    ]
    lists = itertools.islice(texts.endless("testing", KEYWORDS, np.random.default_rng(1), found["testing"]), 60)
    assert any(word in found["testing"] for text in lists for word in text.split(", "))


def test_a_folder_is_made_once_for_a_set_of_keywords(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spoken.folder(("lamp", "door"), str(tmp_path))
    said = capsys.readouterr().err
    assert "of other words and sentences, without door, lamp" in said and "negatives=none leaves them out" in said
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert times.keys() == {f"{kind}_{split}.wav" for kind in ("speech", "noise") for split in SPLITS}
    for split in SPLITS:
        assert soundfile.info(folder / f"speech_{split}.wav").duration > 6
    assert spoken.folder(("door", "lamp"), str(tmp_path)) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    assert capsys.readouterr().err == ""
    blocked = tmp_path / "file"
    blocked.write_text("")
    other = spoken.folder(("lamp",), str(blocked))
    assert other.is_dir() and tmp_path not in other.parents
    assert spoken.folder(("lamp",), "") == other


def _own(root: pathlib.Path, *words: str) -> pathlib.Path:
    rng = np.random.default_rng(0)
    for word in (*words, "_background_noise_"):
        for number in range(10):
            corpus.write_wav(root / word / f"{number}.wav", rng.integers(-999, 999, 20000))
    return root


@pytest.mark.parametrize(
    ("words", "settings", "without"),
    [
        (("lamp", "door"), {}, ("door", "lamp")),
        (("lamp", "door"), {"words": ("lamp",)}, ()),
        (("lamp", "door"), {"words": ("lamp",), "negatives": "synthetic"}, ("lamp",)),
        (("lamp", "door"), {"negatives": "none"}, ()),
        (("lamp", "_unknown_"), {}, ()),
        (("lamp", "negatives"), {}, ()),
        (("lamp",), {"task": "35"}, ()),
        (("lamp",), {}, ("lamp",)),
    ],
)
def test_who_gets_spoken_negatives(
    tmp_path: pathlib.Path, words: tuple[str, ...], settings: dict, without: tuple[str, ...]
) -> None:
    root = _own(tmp_path, *words)
    config = DatasetConfig("folder", str(root), cache_dir="", **settings)
    assert clips.spoken_without(config, root) == without
    corpora = DatasetConfig("speech_commands", str(root), cache_dir="")
    assert clips.spoken_without(corpora, root) == () == clips.to_hear(corpora, root, ("lamp",))[1]


def test_ones_own_words_get_a_class_of_other_words(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "_MEASURED", 3)
    config = DatasetConfig("folder", str(_own(tmp_path / "own", "lamp", "door")), cache_dir=str(tmp_path / "cache"))
    dataset = datasets.load(config)
    assert dataset.labels == ("_silence_", UNKNOWN, "door", "lamp")
    counts = {split: int((dataset.splits[split].labels == 1).sum()) for split in SPLITS}
    assert counts["training"] > 3 >= counts["validation"] > 0 and 3 >= counts["testing"] > 0
    folder, never_said = clips.to_hear(config, tmp_path / "own", ("door", "lamp"))
    assert folder == spoken.folder(("lamp", "door"), config.cache_dir) and never_said == ("door", "lamp")


def test_recordings_with_unknown_words_are_heard_beside_spoken_ones(tmp_path: pathlib.Path) -> None:
    root = _own(tmp_path / "own", "lamp", "_unknown_")
    config = DatasetConfig("folder", str(root), cache_dir=str(tmp_path / "cache"))
    folder, never_said = clips.to_hear(config, root, ("lamp",))
    assert folder is not None and (folder / "speech_testing.wav").is_file() and never_said == ("lamp",)
