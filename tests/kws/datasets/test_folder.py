"""A user's recordings: splits, labels and refusals. Integer WAV needs no TensorFlow, so these tests are fast."""

import pathlib
import shutil

import numpy as np
import pytest
from corpus import write_wav
from own_recordings import config, tone

from kws import datasets
from kws.datasets import folder
from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.word_folders import Recording, speaker


def _recordings(*names: str) -> list[Recording]:
    return [Recording(pathlib.Path(name), "lamp", speaker(name)) for name in names]


def test_without_speakers_each_word_is_split_by_file(recordings: pathlib.Path) -> None:
    dataset = datasets.load(config(recordings))
    assert dataset.labels == (SILENCE, "door", "lamp")
    for split, expected in (("training", 8), ("validation", 1), ("testing", 1)):
        labels = dataset.splits[split].labels
        assert (np.sum(labels == 1), np.sum(labels == 2)) == (expected, expected)
    again = datasets.load(config(recordings))
    assert all(again.splits[split].names == dataset.splits[split].names for split in SPLITS)
    others = [datasets.load(config(recordings, seed=seed)).splits["testing"].names for seed in range(1, 5)]
    assert any(names != dataset.splits["testing"].names for names in others)


def test_speakers_are_in_one_split_only(recordings: pathlib.Path) -> None:
    for word in ("lamp", "door"):
        for path in (recordings / word).iterdir():
            path.unlink()
        for person in ("anna", "ben", "cem", "dora", "eli"):
            for number in range(3):
                mark = "__" if number else "_nohash_"
                write_wav(recordings / word / f"{person}{mark}{number}.wav", tone(0.5))
    for seed in range(5):
        dataset = datasets.load(config(recordings, seed=seed))
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
            write_wav(recordings / f"word{number}" / f"{take}.wav", tone(0.3 + (3 * number + take) / 1000))
    dataset = datasets.load(config(recordings))
    assert len(dataset.labels) == 37
    assert set(dataset.splits["training"].labels.tolist()) == set(range(1, 37))


def test_a_folder_in_a_word_is_its_speaker(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also beside files whose names say who speaks; the folder goes first."""
    for word in ("lamp", "door"):
        for path in (recordings / word).iterdir():
            path.unlink()
        for person in ("anna", "ben", "cem"):
            write_wav(recordings / word / f"{person}__9.wav", tone(0.5))
            for number in range(3):
                write_wav(recordings / word / person / f"x__{number}.wav", tone(0.5))
    dataset = datasets.load(config(recordings))
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
            write_wav(recordings / "_unknown_" / name / f"{number}.wav", tone(0.3))
            write_wav(recordings / "_silence_" / name / f"{number}.wav", np.zeros(16000))
    dataset = datasets.load(config(recordings))
    assert sum(np.sum(dataset.splits[split].labels == 0) for split in SPLITS) == 30
    assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 30
    assert all(len(dataset.noises[split]) == 1 for split in SPLITS)


def test_two_speakers_are_too_few() -> None:
    with pytest.raises(DatasetError, match=r"speakers a, b alone, three splits need three: .* straight into the word"):
        folder.assign({"lamp": _recordings("a__1.wav", "b__1.wav")}, 0)


def test_cuts_of_one_file_stay_together(recordings: pathlib.Path) -> None:
    three = np.concatenate([np.zeros(8000), tone(0.5), np.zeros(16000), tone(0.5), np.zeros(16000), tone(0.5)])
    for number in range(10):
        write_wav(recordings / "lamp" / f"{number}.wav", three)
    dataset = datasets.load(config(recordings))
    for split in SPLITS:
        names = [clip.name for clip in dataset.splits[split] if clip.label == 2]
        assert len(names) == 3 * len({name.partition("#")[0] for name in names})
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 30


def _phrases(root: pathlib.Path) -> None:
    """Ten doors: two of 1.4 s, two with a pause within 0.9 s, two with one in 1.3 s, the rest of half a second."""
    gap = np.zeros(16000)
    phrases = (
        [np.concatenate([gap, tone(1.4), gap])] * 2
        + [np.concatenate([gap, tone(0.2), gap[:8000], tone(0.2), gap])] * 2
        + [np.concatenate([gap, tone(0.4), gap[:8000], tone(0.4), gap])] * 2
        + [tone(0.5)] * 4
    )
    for number, samples in enumerate(phrases):
        write_wav(root / "door" / f"{number}.wav", samples)


def test_files_that_give_several_clips_are_counted(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _phrases(recordings)
    dataset = datasets.load(config(recordings))
    assert sorted((pathlib.Path(path).name, clips) for path, clips in dataset.divided) == [
        (f"{number}.wav", 2) for number in range(6)
    ]
    said = [line for line in capsys.readouterr().err.splitlines() if "max_word_seconds" in line]
    assert len(said) == 1 and "6 files (such as" in said[0] and "gave 12 clips" in said[0]
    assert "files that gave several clips: 6" in dataset.summary()


def test_one_word_a_file_is_one_clip_or_none(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    _phrases(recordings)
    dataset = datasets.load(config(recordings, max_word_seconds=1.0))
    reasons = {pathlib.Path(path).name: reason for path, reason in dataset.skipped}
    assert reasons == {
        "0.wav": "its word lasts 1.40 s, longer than max_word_seconds=1.0",
        "1.wav": "its word lasts 1.40 s, longer than max_word_seconds=1.0",
        "4.wav": "its word lasts 1.30 s, longer than max_word_seconds=1.0",
        "5.wav": "its word lasts 1.30 s, longer than max_word_seconds=1.0",
    }
    assert dataset.divided == () and "gave" not in capsys.readouterr().err
    assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 6
    shorter = datasets.load(config(recordings, max_word_seconds=0.5))
    assert {pathlib.Path(path).parent.name for path, _ in shorter.skipped} == {"door"}
    assert len(shorter.skipped) == 6


def test_long_recordings_of_other_words_and_of_silence_are_cut_as_ever(recordings: pathlib.Path) -> None:
    for number in range(10):
        write_wav(recordings / "_unknown_" / f"{number}.wav", tone(3))
        write_wav(recordings / "_silence_" / f"{number}.wav", np.zeros(40000))
    for longest in (None, 1.0):
        dataset = datasets.load(config(recordings, max_word_seconds=longest))
        assert dataset.divided == () and dataset.skipped == ()
        assert sum(np.sum(dataset.splits[split].labels == 0) for split in SPLITS) == 20
        assert sum(np.sum(dataset.splits[split].labels == 1) for split in SPLITS) == 30


def test_a_class_that_can_not_be_measured_is_said(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        write_wav(recordings / "cup" / f"{number}.wav", tone(0.5))
        write_wav(recordings / "bell" / f"{number}.wav", tone(0.5))
    datasets.load(config(recordings))
    assert [line for line in capsys.readouterr().err.splitlines() if "warning" in line] == [
        f"warning: data_dir={recordings}: no validation clips of bell, cup; no testing clips of bell, cup: "
        "accuracy says nothing about these classes there"
    ]


def test_unknown_from_a_folder_or_from_words(recordings: pathlib.Path) -> None:
    assert datasets.load(config(recordings, words=("lamp",))).labels == (SILENCE, UNKNOWN, "lamp")
    assert datasets.load(config(recordings, task="35")).labels == ("door", "lamp")
    for number in range(10):
        write_wav(recordings / "_unknown_" / f"{number}.wav", tone(0.3))
        write_wav(recordings / "_silence_" / f"{number}.wav", np.zeros(40000))
    dataset = datasets.load(config(recordings, unknown_percentage=10))
    assert dataset.labels == (SILENCE, UNKNOWN, "door", "lamp")
    labels = dataset.splits["training"].labels
    assert np.sum(labels == 0) == 16
    assert np.sum(labels == 1) == 2


def test_damaged_silent_and_hidden_files(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (recordings / "lamp" / "empty.wav").touch()
    write_wav(recordings / "lamp" / "silent.wav", np.zeros(20000))
    write_wav(recordings / "_background_noise_" / "click.wav", tone(0.2))
    (recordings / "lamp" / ".DS_Store").write_text("hidden")
    dataset = datasets.load(config(recordings))
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
        datasets.load(config(recordings / "nowhere"))
    with pytest.raises(DatasetError, match="no folder of a word"):
        datasets.load(config(tmp_path_factory.mktemp("bare")))
    with pytest.raises(DatasetError, match="names 'cup'"):
        datasets.load(config(recordings, words=("cup",)))
    (recordings / "cup").mkdir()
    with pytest.raises(DatasetError, match="folder 'cup' holds no recordings: put some there"):
        datasets.load(config(recordings))
    write_wav(recordings / "cup" / "lamp" / "anna" / "1.wav", tone(0.5))
    with pytest.raises(DatasetError, match=r"if the words are the folders in it, give data_dir=.*/cup, else"):
        datasets.load(config(recordings))
    shutil.rmtree(recordings / "cup" / "lamp")
    (recordings / "cup" / "only.wav").touch()
    with pytest.raises(
        DatasetError, match=r"class 'cup' is empty, 1 of its files were skipped \(the file is empty\): add"
    ):
        datasets.load(config(recordings))
    (recordings / "_background_noise_" / "room.wav").unlink()
    with pytest.raises(DatasetError, match="no recordings in _background_noise_/: put some there"):
        datasets.load(config(recordings))


def test_too_few_files_for_three_splits(tmp_path: pathlib.Path) -> None:
    for number in range(2):
        write_wav(tmp_path / "lamp" / f"{number}.wav", tone(0.5))
    write_wav(tmp_path / "_background_noise_" / "room.wav", tone(5))
    with pytest.raises(DatasetError, match="validation split has no clips"):
        datasets.load(config(tmp_path, task="35"))


def test_short_clips_are_centred(recordings: pathlib.Path) -> None:
    splits = datasets.load(config(recordings)).splits.values()
    clip = next(clip for clips in splits for clip in clips if clip.name == "lamp/5.wav")
    sounding = np.flatnonzero(clip.samples)
    assert abs((sounding[0] + sounding[-1]) / 2 - CLIP_SAMPLES / 2) < 30


def test_a_file_is_warned_of_once_in_a_command(recordings: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that measures several models reads a split several times."""
    (recordings / "lamp" / "broken.wav").write_bytes(b"no sound")
    for _ in range(2):
        assert len(datasets.load(config(recordings, cache_dir="")).skipped) == 1
    assert capsys.readouterr().err.count("skipped " + str(recordings / "lamp" / "broken.wav")) == 1
