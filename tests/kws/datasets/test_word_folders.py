"""Words and speakers by the names of folders and files: which are one, which are passed over, which are refused."""

import os
import pathlib
import shutil

import numpy as np
import pytest
from corpus import write_wav
from own_recordings import config, tone

from kws import datasets
from kws.datasets import folder
from kws.datasets.clip import SILENCE, SPLITS, UNKNOWN
from kws.datasets.dataset_error import DatasetError
from kws.datasets.word_folders import Recording, speaker


def test_folders_and_links_that_can_not_be_read_are_one_line_each(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is read twice, and nothing is walked without end."""
    before = datasets.load(config(recordings))
    write_wav(recordings / "lamp" / "anna" / "monday" / "1.wav", tone(0.5))
    (recordings / "lamp" / "loop").symlink_to(recordings / "lamp")
    (recordings / "lamp" / "up").symlink_to("..")
    (recordings / "lamp" / "top").symlink_to("/")
    (recordings / "lamp" / "twin").symlink_to(recordings / "lamp" / "anna")
    (recordings / "lamp" / "noise").symlink_to(recordings / "_background_noise_")
    (recordings / "lamp" / "gone.wav").symlink_to("nowhere")
    (recordings / "lamp" / "circle.wav").symlink_to("circle.wav")
    (recordings / "cup").symlink_to("nowhere")
    os.mkfifo(recordings / "lamp" / "pipe.wav")
    capsys.readouterr()
    dataset = datasets.load(config(recordings))
    reasons = {str(pathlib.Path(path).relative_to(recordings)): reason for path, reason in dataset.skipped}
    assert {path: reason.replace(str(recordings), "DIR") for path, reason in reasons.items()} == {
        "lamp/anna/monday": "a folder inside a speaker's folder: put its recordings into the speaker's",
        "lamp/loop": "the same folder as DIR/lamp",
        "lamp/up": "a link to a folder that holds the corpus",
        "lamp/top": "a link to a folder that holds the corpus",
        "lamp/twin": "the same folder as DIR/lamp/anna",
        "lamp/noise": "the same folder as DIR/_background_noise_",
        "lamp/gone.wav": "a link that leads nowhere",
        "lamp/circle.wav": "a link that leads nowhere",
        "lamp/pipe.wav": "no file",
        "cup": "a link that leads nowhere",
    }
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(lines) == len(reasons) + 1
    assert [dataset.splits[split].names for split in SPLITS] == [before.splits[split].names for split in SPLITS]


def test_a_word_is_read_under_its_own_name_though_a_link_to_it_comes_first(recordings: pathlib.Path) -> None:
    (recordings / "alias").symlink_to(recordings / "lamp")
    with pytest.raises(DatasetError, match="'alias' holds no recordings: it is the folder 'lamp' by another name"):
        datasets.load(config(recordings))


@pytest.mark.parametrize(
    ("first", "second"), [("lamp", "Lamp"), ("stop it", "stop_it"), ("lamp", "lamp "), ("été", "Été")]
)
def test_one_word_in_two_folders_is_refused(recordings: pathlib.Path, first: str, second: str) -> None:
    for word in (first, second):
        shutil.copytree(recordings / "door", recordings / word, dirs_exist_ok=True)
    with pytest.raises(DatasetError, match=r"has one word in several folders, '.*' and '.*': put its recordings into"):
        datasets.load(config(recordings, words=("door", first)))
    for word in (first, second):
        for path in (recordings / word).iterdir():
            write_wav(path, tone(0.3 + int(path.stem) / 1000 + len(word) / 100 + (word == second) / 200))
    assert datasets.load(config(recordings, words=("door",))).labels == (SILENCE, UNKNOWN, "door")


def test_speakers_whose_names_differ_in_capitals_are_one(recordings: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for path in list((recordings / word).iterdir()):
            number = int(path.stem)
            path.rename(path.with_name(f"{('anna', 'Anna', 'ben', 'cem', 'ANNA ')[number % 5]}__{number}.wav"))
    for seed in range(5):
        dataset = datasets.load(config(recordings, seed=seed))
        people = [{clip.name[5:9].lower() for clip in dataset.splits[split] if clip.label} for split in SPLITS]
        assert [len(group) for group in people] == [1, 1, 1]
        assert {clip.speaker for split in SPLITS for clip in dataset.splits[split] if clip.label} == {
            "ANNA ",
            "ben",
            "cem",
        }


def test_recordings_without_a_speaker_beside_others_are_named(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets.load(config(recordings))
    assert "say no speaker" not in capsys.readouterr().err
    for number, person in enumerate(("anna", "ben", "cem")):
        write_wav(recordings / "lamp" / f"{person}__1.wav", tone(0.5 + number / 50))
    datasets.load(config(recordings))
    assert "warning: 20 recordings, as " in (said := capsys.readouterr().err) and "beside 3 that do: they are" in said


def test_stray_recordings_are_named_and_a_speakers_own_name_goes_before_a_links(recordings: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for person in ("anna", "ben", "cem"):
            write_wav(recordings / word / person / "1.wav", tone(0.5))
    (recordings / "lamp" / "aaa").symlink_to(recordings / "lamp" / "anna")
    write_wav(recordings / "stray.wav", tone(0.5))
    dataset = datasets.load(config(recordings))
    assert {clip.speaker for split in SPLITS for clip in dataset.splits[split]} == {"", "anna", "ben", "cem"}
    assert dict(dataset.skipped) == {
        str(recordings / "lamp" / "aaa"): f"the same folder as {recordings / 'lamp' / 'anna'}",
        str(recordings / "stray.wav"): "one of 1 in no word's folder: move them into one",
    }


def test_a_folder_that_is_set_apart_is_named(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "door").rename(recordings / "_door")
    dataset = datasets.load(config(recordings))
    assert dataset.skipped == ((str(recordings / "_door"), "its name begins with '_': rename it if it is a word"),)


def test_linked_words_and_speakers_are_read(recordings: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("anna", "ben", "cem"):
        write_wav(elsewhere / name / "1.wav", tone(0.5))
        (recordings / "lamp" / name).symlink_to(elsewhere / name)
    (recordings / "door").rename(elsewhere / "door")
    (recordings / "door").symlink_to(elsewhere / "door")
    dataset = datasets.load(config(recordings))
    assert sum(len(dataset.splits[split]) for split in SPLITS) == 23 + sum(
        int(np.sum(dataset.splits[split].labels == 0)) for split in SPLITS
    )
    assert dataset.skipped == ()


def test_both_normal_forms_of_a_name_are_one_class(recordings: pathlib.Path) -> None:
    """And give one split, whichever the machine writes: speakers, words and file names are compared in NFC."""
    composed, decomposed = "t\u00fcr", "tu\u0308r"
    (recordings / "door").rename(recordings / decomposed)
    for number in range(10, 20):
        write_wav(recordings / composed / f"{number}.wav", tone(0.5))
    dataset = datasets.load(config(recordings))
    assert dataset.labels == (SILENCE, "lamp", composed)
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 20
    for split in SPLITS:
        assert {word for word, label in zip(*_words(dataset, split), strict=True) if label == 2} == {composed}
    assert datasets.load(config(recordings, words=(decomposed,))).labels == (SILENCE, UNKNOWN, composed)
    assert speaker(f"{decomposed}__1.wav") == speaker(f"{composed}_nohash_1.wav") == composed
    splits = []
    for form in (composed, decomposed):
        found = [Recording(pathlib.Path(f"{form}{i}"), composed, "") for i in range(10)]
        splits.append({path.name[-1]: split for path, split in folder.assign({composed: found}, 0).items()})
    assert splits[0] == splits[1]


def _words(dataset: datasets.Dataset, split: str) -> tuple[tuple[str, ...], np.ndarray]:
    return dataset.splits[split].words, dataset.splits[split].labels


@pytest.mark.parametrize("word", ["turn on", "it's", '"on"', "a,b", "größe", "日本", "a#b", "50%", "$HOME"])
def test_names_with_spaces_quotes_and_any_letters(recordings: pathlib.Path, word: str) -> None:
    for path in sorted((recordings / "door").iterdir()):
        path.rename(path.with_name(f"{word} {path.name}"))
    (recordings / "door").rename(recordings / word)
    dataset = datasets.load(config(recordings))
    assert set(dataset.labels) == {SILENCE, "lamp", word}
    label = dataset.labels.index(word)
    assert sum(np.sum(dataset.splits[split].labels == label) for split in SPLITS) == 10
    assert datasets.load(config(recordings, words=(word,))).labels == (SILENCE, UNKNOWN, word)


def test_file_names_that_are_not_utf_8_are_read(recordings: pathlib.Path) -> None:
    for number in range(10):
        (recordings / "lamp" / f"{number}.wav").rename(recordings / "lamp" / f"\udcff{number}.wav")
    dataset = datasets.load(config(recordings))
    assert dataset.skipped == ()
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 10


def test_a_warning_is_one_line_whatever_a_file_is_called(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("two\nlines.wav", "\x1b[31m.wav", "\udcff.wav", "zwei  Wörter.wav"):
        (recordings / "lamp" / name).touch()
    datasets.load(config(recordings))
    lines = capsys.readouterr().err.splitlines()
    for name in (r"two\nlines.wav", r"\x1b[31m.wav", r"\udcff.wav", "zwei  Wörter.wav"):
        assert f"warning: skipped {recordings}/lamp/{name}: the file is empty" in lines


@pytest.mark.parametrize("word", ["\udcff", "two\nlines", "\x1b[31m", " "])
def test_a_folder_that_can_be_no_class_is_one_line(recordings: pathlib.Path, word: str) -> None:
    (recordings / "door").rename(recordings / word)
    with pytest.raises(DatasetError, match=r"has a folder .*: expected a word of printable characters") as refused:
        datasets.load(config(recordings))
    assert str(refused.value).isprintable()
