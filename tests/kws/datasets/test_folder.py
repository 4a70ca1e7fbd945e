"""A user's recordings: splits, labels and refusals. Integer WAV needs no TensorFlow, so these tests are fast."""

import os
import pathlib
import shutil

import numpy as np
import pytest
from corpus import write_wav

from kws import datasets
from kws.datasets import folder
from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.word_folders import Recording, speaker


def _tone(seconds: float) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * 300 * np.arange(int(16000 * seconds)) / 16000)


@pytest.fixture
def recordings(tmp_path: pathlib.Path) -> pathlib.Path:
    for word in ("lamp", "door"):
        for number in range(10):
            write_wav(tmp_path / word / f"{number}.wav", _tone(0.4 + number / 100))
    write_wav(tmp_path / "_background_noise_" / "room.wav", _tone(5))
    return tmp_path


def _config(root: pathlib.Path, **settings: object) -> DatasetConfig:
    alone = {"negatives": "none", "top_up": "none"}
    return DatasetConfig(**{"dataset": "folder", "data_dir": str(root), **alone, **settings})


def _recordings(*names: str) -> list[Recording]:
    return [Recording(pathlib.Path(name), "lamp", speaker(name)) for name in names]


def test_without_speakers_each_word_is_split_by_file(recordings: pathlib.Path) -> None:
    dataset = datasets.load(_config(recordings))
    assert dataset.labels == (SILENCE, "door", "lamp")
    for split, expected in (("training", 8), ("validation", 1), ("testing", 1)):
        labels = dataset.splits[split].labels
        assert (np.sum(labels == 1), np.sum(labels == 2)) == (expected, expected)
    again = datasets.load(_config(recordings))
    assert all(again.splits[split].names == dataset.splits[split].names for split in SPLITS)
    others = [datasets.load(_config(recordings, seed=seed)).splits["testing"].names for seed in range(1, 5)]
    assert any(names != dataset.splits["testing"].names for names in others)


def test_speakers_are_in_one_split_only(recordings: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for path in (recordings / word).iterdir():
            path.unlink()
        for person in ("anna", "ben", "cem", "dora", "eli"):
            for number in range(3):
                mark = "__" if number else "_nohash_"
                write_wav(recordings / word / f"{person}{mark}{number}.wav", _tone(0.5))
    for seed in range(5):
        dataset = datasets.load(_config(recordings, seed=seed))
        people = [{clip.speaker for clip in dataset.splits[split] if clip.label} for split in SPLITS]
        assert [len(group) for group in people] == [3, 1, 1]
        assert set().union(*people) == {"anna", "ben", "cem", "dora", "eli"}


def test_a_dominant_speaker_trains_and_small_ones_share_the_rest() -> None:
    names = [f"main__{i}.wav" for i in range(50)] + [f"{name}__1.wav" for name in ("a", "b", "c")]
    for seed in range(5):
        splits = folder.assign({"lamp": _recordings(*names)}, seed)
        assert {splits[pathlib.Path(name)] for name in names[:50]} == {"training"}
        assert {splits[pathlib.Path(name)] for name in names[50:]} == {"validation", "testing"}


def test_there_may_be_more_words_than_speech_commands_has(recordings: pathlib.Path) -> None:
    for number in range(34):
        for take in range(3):
            write_wav(recordings / f"word{number}" / f"{take}.wav", _tone(0.3 + (3 * number + take) / 1000))
    dataset = datasets.load(_config(recordings))
    assert len(dataset.labels) == 37
    assert set(dataset.splits["training"].labels.tolist()) == set(range(1, 37))


def test_a_folder_in_a_word_is_its_speaker(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also beside files whose names say who speaks; the folder goes first."""
    for word in ("lamp", "door"):
        for path in (recordings / word).iterdir():
            path.unlink()
        for person in ("anna", "ben", "cem"):
            write_wav(recordings / word / f"{person}__9.wav", _tone(0.5))
            for number in range(3):
                write_wav(recordings / word / person / f"x__{number}.wav", _tone(0.5))
    dataset = datasets.load(_config(recordings))
    people = [{clip.speaker for clip in dataset.splits[split] if clip.label} for split in SPLITS]
    assert [len(group) for group in people] == [1, 1, 1]
    assert set().union(*people) == {"anna", "ben", "cem"}
    assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 12
    names = {clip.name for split in SPLITS for clip in dataset.splits[split]}
    assert "lamp/anna/x__0.wav" in names and "lamp/anna__9.wav" in names
    assert dataset.skipped == () and "warning" not in capsys.readouterr().err


def test_noise_unknown_and_silence_may_have_folders(recordings: pathlib.Path) -> None:
    (recordings / "_background_noise_" / "kitchen").mkdir()
    (recordings / "_background_noise_" / "room.wav").rename(recordings / "_background_noise_" / "kitchen" / "room.wav")
    for number in range(10):
        for name in ("a", "b", "c"):
            write_wav(recordings / "_unknown_" / name / f"{number}.wav", _tone(0.3))
            write_wav(recordings / "_silence_" / name / f"{number}.wav", np.zeros(16000))
    dataset = datasets.load(_config(recordings))
    assert sum(np.sum(dataset.splits[split].labels == 0) for split in SPLITS) == 30
    assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 30
    assert all(len(dataset.noises[split]) == 1 for split in SPLITS)


def test_folders_and_links_that_can_not_be_read_are_one_line_each(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is read twice, and nothing is walked without end."""
    before = datasets.load(_config(recordings))
    write_wav(recordings / "lamp" / "anna" / "monday" / "1.wav", _tone(0.5))
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
    dataset = datasets.load(_config(recordings))
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
        datasets.load(_config(recordings))


@pytest.mark.parametrize(
    ("first", "second"), [("lamp", "Lamp"), ("stop it", "stop_it"), ("lamp", "lamp "), ("été", "Été")]
)
def test_one_word_in_two_folders_is_refused(recordings: pathlib.Path, first: str, second: str) -> None:
    for word in (first, second):
        shutil.copytree(recordings / "door", recordings / word, dirs_exist_ok=True)
    with pytest.raises(DatasetError, match=r"has one word in several folders, '.*' and '.*': put its recordings into"):
        datasets.load(_config(recordings, words=("door", first)))
    for word in (first, second):
        for path in (recordings / word).iterdir():
            write_wav(path, _tone(0.3 + int(path.stem) / 1000 + len(word) / 100 + (word == second) / 200))
    assert datasets.load(_config(recordings, words=("door",))).labels == (SILENCE, UNKNOWN, "door")


def test_speakers_whose_names_differ_in_capitals_are_one(recordings: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for path in list((recordings / word).iterdir()):
            number = int(path.stem)
            path.rename(path.with_name(f"{('anna', 'Anna', 'ben', 'cem', 'ANNA ')[number % 5]}__{number}.wav"))
    for seed in range(5):
        dataset = datasets.load(_config(recordings, seed=seed))
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
    datasets.load(_config(recordings))
    assert "say no speaker" not in capsys.readouterr().err
    for number, person in enumerate(("anna", "ben", "cem")):
        write_wav(recordings / "lamp" / f"{person}__1.wav", _tone(0.5 + number / 50))
    datasets.load(_config(recordings))
    assert "warning: 20 recordings, as " in (said := capsys.readouterr().err) and "beside 3 that do: they are" in said


def test_stray_recordings_are_named_and_a_speakers_own_name_goes_before_a_links(recordings: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for person in ("anna", "ben", "cem"):
            write_wav(recordings / word / person / "1.wav", _tone(0.5))
    (recordings / "lamp" / "aaa").symlink_to(recordings / "lamp" / "anna")
    write_wav(recordings / "stray.wav", _tone(0.5))
    dataset = datasets.load(_config(recordings))
    assert {clip.speaker for split in SPLITS for clip in dataset.splits[split]} == {"", "anna", "ben", "cem"}
    assert dict(dataset.skipped) == {
        str(recordings / "lamp" / "aaa"): f"the same folder as {recordings / 'lamp' / 'anna'}",
        str(recordings / "stray.wav"): "one of 1 in no word's folder: move them into one",
    }


def test_a_folder_that_is_set_apart_is_named(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "door").rename(recordings / "_door")
    dataset = datasets.load(_config(recordings))
    assert dataset.skipped == ((str(recordings / "_door"), "its name begins with '_': rename it if it is a word"),)


def test_linked_words_and_speakers_are_read(recordings: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("anna", "ben", "cem"):
        write_wav(elsewhere / name / "1.wav", _tone(0.5))
        (recordings / "lamp" / name).symlink_to(elsewhere / name)
    (recordings / "door").rename(elsewhere / "door")
    (recordings / "door").symlink_to(elsewhere / "door")
    dataset = datasets.load(_config(recordings))
    assert sum(len(dataset.splits[split]) for split in SPLITS) == 23 + sum(
        int(np.sum(dataset.splits[split].labels == 0)) for split in SPLITS
    )
    assert dataset.skipped == ()


def test_both_normal_forms_of_a_name_are_one_class(recordings: pathlib.Path) -> None:
    """And give one split, whichever the machine writes: speakers, words and file names are compared in NFC."""
    composed, decomposed = "t\u00fcr", "tu\u0308r"
    (recordings / "door").rename(recordings / decomposed)
    for number in range(10, 20):
        write_wav(recordings / composed / f"{number}.wav", _tone(0.5))
    dataset = datasets.load(_config(recordings))
    assert dataset.labels == (SILENCE, "lamp", composed)
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 20
    for split in SPLITS:
        assert {word for word, label in zip(*_words(dataset, split), strict=True) if label == 2} == {composed}
    assert datasets.load(_config(recordings, words=(decomposed,))).labels == (SILENCE, UNKNOWN, composed)
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
    dataset = datasets.load(_config(recordings))
    assert set(dataset.labels) == {SILENCE, "lamp", word}
    label = dataset.labels.index(word)
    assert sum(np.sum(dataset.splits[split].labels == label) for split in SPLITS) == 10
    assert datasets.load(_config(recordings, words=(word,))).labels == (SILENCE, UNKNOWN, word)


def test_file_names_that_are_not_utf_8_are_read(recordings: pathlib.Path) -> None:
    for number in range(10):
        (recordings / "lamp" / f"{number}.wav").rename(recordings / "lamp" / f"\udcff{number}.wav")
    dataset = datasets.load(_config(recordings))
    assert dataset.skipped == ()
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 10


def test_a_warning_is_one_line_whatever_a_file_is_called(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("two\nlines.wav", "\x1b[31m.wav", "\udcff.wav", "zwei  Wörter.wav"):
        (recordings / "lamp" / name).touch()
    datasets.load(_config(recordings))
    lines = capsys.readouterr().err.splitlines()
    for name in (r"two\nlines.wav", r"\x1b[31m.wav", r"\udcff.wav", "zwei  Wörter.wav"):
        assert f"warning: skipped {recordings}/lamp/{name}: the file is empty" in lines


@pytest.mark.parametrize("word", ["\udcff", "two\nlines", "\x1b[31m", " "])
def test_a_folder_that_can_be_no_class_is_one_line(recordings: pathlib.Path, word: str) -> None:
    (recordings / "door").rename(recordings / word)
    with pytest.raises(DatasetError, match=r"has a folder .*: expected a word of printable characters") as refused:
        datasets.load(_config(recordings))
    assert str(refused.value).isprintable()


def test_two_speakers_are_too_few() -> None:
    with pytest.raises(DatasetError, match=r"speakers a, b alone, three splits need three: .* straight into the word"):
        folder.assign({"lamp": _recordings("a__1.wav", "b__1.wav")}, 0)


def test_cuts_of_one_file_stay_together(recordings: pathlib.Path) -> None:
    three = np.concatenate([np.zeros(8000), _tone(0.5), np.zeros(16000), _tone(0.5), np.zeros(16000), _tone(0.5)])
    for number in range(10):
        write_wav(recordings / "lamp" / f"{number}.wav", three)
    dataset = datasets.load(_config(recordings))
    for split in SPLITS:
        names = [clip.name for clip in dataset.splits[split] if clip.label == 2]
        assert len(names) == 3 * len({name.partition("#")[0] for name in names})
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 30


def _phrases(root: pathlib.Path) -> None:
    """Ten doors: two of 1.4 s, two with a pause within 0.9 s, two with one in 1.3 s, the rest of half a second."""
    gap = np.zeros(16000)
    phrases = (
        [np.concatenate([gap, _tone(1.4), gap])] * 2
        + [np.concatenate([gap, _tone(0.2), gap[:8000], _tone(0.2), gap])] * 2
        + [np.concatenate([gap, _tone(0.4), gap[:8000], _tone(0.4), gap])] * 2
        + [_tone(0.5)] * 4
    )
    for number, samples in enumerate(phrases):
        write_wav(root / "door" / f"{number}.wav", samples)


def test_files_that_give_several_clips_are_counted(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _phrases(recordings)
    dataset = datasets.load(_config(recordings))
    assert sorted((pathlib.Path(path).name, clips) for path, clips in dataset.divided) == [
        (f"{number}.wav", 2) for number in range(6)
    ]
    said = [line for line in capsys.readouterr().err.splitlines() if "max_word_seconds" in line]
    assert len(said) == 1 and "6 files (such as" in said[0] and "gave 12 clips" in said[0]
    assert "files that gave several clips: 6" in dataset.summary()


def test_one_word_a_file_is_one_clip_or_none(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    _phrases(recordings)
    dataset = datasets.load(_config(recordings, max_word_seconds=1.0))
    reasons = {pathlib.Path(path).name: reason for path, reason in dataset.skipped}
    assert reasons == {
        "0.wav": "its word lasts 1.40 s, longer than max_word_seconds=1.0",
        "1.wav": "its word lasts 1.40 s, longer than max_word_seconds=1.0",
        "4.wav": "its word lasts 1.30 s, longer than max_word_seconds=1.0",
        "5.wav": "its word lasts 1.30 s, longer than max_word_seconds=1.0",
    }
    assert dataset.divided == () and "gave" not in capsys.readouterr().err
    assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 6
    shorter = datasets.load(_config(recordings, max_word_seconds=0.5))
    assert {pathlib.Path(path).parent.name for path, _ in shorter.skipped} == {"door"}
    assert len(shorter.skipped) == 6


def test_long_recordings_of_other_words_and_of_silence_are_cut_as_ever(recordings: pathlib.Path) -> None:
    for number in range(10):
        write_wav(recordings / "_unknown_" / f"{number}.wav", _tone(3))
        write_wav(recordings / "_silence_" / f"{number}.wav", np.zeros(40000))
    for longest in (None, 1.0):
        dataset = datasets.load(_config(recordings, max_word_seconds=longest))
        assert dataset.divided == () and dataset.skipped == ()
        assert sum(np.sum(dataset.splits[split].labels == 0) for split in SPLITS) == 20
        assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 30


def test_a_class_that_can_not_be_measured_is_said(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        write_wav(recordings / "cup" / f"{number}.wav", _tone(0.5))
        write_wav(recordings / "bell" / f"{number}.wav", _tone(0.5))
    datasets.load(_config(recordings))
    assert [line for line in capsys.readouterr().err.splitlines() if "warning" in line] == [
        f"warning: data_dir={recordings}: no validation clips of bell, cup; no testing clips of bell, cup: "
        "accuracy says nothing about these classes there"
    ]


def test_unknown_from_a_folder_or_from_words(recordings: pathlib.Path) -> None:
    assert datasets.load(_config(recordings, words=("lamp",))).labels == (SILENCE, UNKNOWN, "lamp")
    assert datasets.load(_config(recordings, task="35")).labels == ("door", "lamp")
    for number in range(10):
        write_wav(recordings / "_unknown_" / f"{number}.wav", _tone(0.3))
        write_wav(recordings / "_silence_" / f"{number}.wav", np.zeros(40000))
    dataset = datasets.load(_config(recordings, unknown_percentage=10))
    assert dataset.labels == (SILENCE, UNKNOWN, "door", "lamp")
    labels = dataset.splits["training"].labels
    assert np.sum(labels == 0) == 16
    assert np.sum(labels == 1) == 2


def test_damaged_silent_and_hidden_files(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "lamp" / "empty.wav").touch()
    write_wav(recordings / "lamp" / "silent.wav", np.zeros(20000))
    write_wav(recordings / "_background_noise_" / "click.wav", _tone(0.2))
    (recordings / "lamp" / ".DS_Store").write_text("hidden")
    dataset = datasets.load(_config(recordings))
    assert {pathlib.Path(path).name for path, _ in dataset.skipped} == {"empty.wav", "silent.wav", "click.wav"}
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    # The silent files were the only ones of their split.
    assert "no testing clips of lamp" in warnings.pop()
    assert len(warnings) == 4
    assert warnings.pop().endswith(": 3 skipped in all, each named above")
    assert sum("silent.wav: there is no sound in it" in line for line in warnings) == 1


def test_refusals(recordings: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DatasetError, match="needs a data_dir"):
        datasets.load(DatasetConfig(dataset="folder"))
    with pytest.raises(DatasetError, match="is not a folder"):
        datasets.load(_config(recordings / "nowhere"))
    with pytest.raises(DatasetError, match="no folder of a word"):
        datasets.load(_config(tmp_path_factory.mktemp("bare")))
    with pytest.raises(DatasetError, match="names 'cup'"):
        datasets.load(_config(recordings, words=("cup",)))
    (recordings / "cup").mkdir()
    with pytest.raises(DatasetError, match="folder 'cup' holds no recordings: put some there"):
        datasets.load(_config(recordings))
    write_wav(recordings / "cup" / "lamp" / "anna" / "1.wav", _tone(0.5))
    with pytest.raises(DatasetError, match=r"if the words are the folders in it, give data_dir=.*/cup, else"):
        datasets.load(_config(recordings))
    shutil.rmtree(recordings / "cup" / "lamp")
    (recordings / "cup" / "only.wav").touch()
    with pytest.raises(
        DatasetError, match=r"class 'cup' is empty, 1 of its files were skipped \(the file is empty\): add"
    ):
        datasets.load(_config(recordings))
    (recordings / "_background_noise_" / "room.wav").unlink()
    with pytest.raises(DatasetError, match="no recordings in _background_noise_/: put some there"):
        datasets.load(_config(recordings))


def test_too_few_files_for_three_splits(tmp_path: pathlib.Path) -> None:
    for number in range(2):
        write_wav(tmp_path / "lamp" / f"{number}.wav", _tone(0.5))
    write_wav(tmp_path / "_background_noise_" / "room.wav", _tone(5))
    with pytest.raises(DatasetError, match="validation split has no clips"):
        datasets.load(_config(tmp_path, task="35"))


def test_short_clips_are_centred(recordings: pathlib.Path) -> None:
    splits = datasets.load(_config(recordings)).splits.values()
    clip = next(clip for clips in splits for clip in clips if clip.name == "lamp/5.wav")
    sounding = np.flatnonzero(clip.samples)
    assert abs((sounding[0] + sounding[-1]) / 2 - CLIP_SAMPLES / 2) < 30


def test_a_file_is_warned_of_once_in_a_command(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that measures several models reads a split several times."""
    (recordings / "lamp" / "broken.wav").write_bytes(b"no sound")
    for _ in range(2):
        assert len(datasets.load(_config(recordings, cache_dir="")).skipped) == 1
    assert capsys.readouterr().err.count("skipped " + str(recordings / "lamp" / "broken.wav")) == 1
