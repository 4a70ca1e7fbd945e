"""A user's recordings: splits, labels and refusals. Integer WAV needs no TensorFlow, so these tests are fast."""

import pathlib
import wave

import numpy as np
import pytest

from kws import datasets
from kws.datasets import folder
from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError


def write_wav(path: pathlib.Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.astype("<i2").tobytes())


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
    return DatasetConfig(dataset="folder", data_dir=str(root), **settings)


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
    files = {"lamp": [pathlib.Path(f"main__{i}.wav") for i in range(50)]}
    files["lamp"] += [pathlib.Path(f"{name}__1.wav") for name in ("a", "b", "c")]
    for seed in range(5):
        splits = folder.assign(files, seed)
        assert {splits[path] for path in files["lamp"][:50]} == {"training"}
        assert {splits[path] for path in files["lamp"][50:]} == {"validation", "testing"}


def test_two_speakers_are_too_few() -> None:
    with pytest.raises(DatasetError, match=r"2 speakers \(a, b\)"):
        folder.assign({"lamp": [pathlib.Path("a__1.wav"), pathlib.Path("b__1.wav")]}, 0)


def test_cuts_of_one_file_stay_together(recordings: pathlib.Path) -> None:
    three = np.concatenate([np.zeros(8000), _tone(0.5), np.zeros(16000), _tone(0.5), np.zeros(16000), _tone(0.5)])
    for number in range(10):
        write_wav(recordings / "lamp" / f"{number}.wav", three)
    dataset = datasets.load(_config(recordings))
    for split in SPLITS:
        names = [clip.name for clip in dataset.splits[split] if clip.label == 2]
        assert len(names) == 3 * len({name.partition("#")[0] for name in names})
    assert sum(np.sum(dataset.splits[split].labels == 2) for split in SPLITS) == 30


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
    assert len(warnings) == 3
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
    with pytest.raises(DatasetError, match="folder 'cup' is empty"):
        datasets.load(_config(recordings))
    (recordings / "cup" / "only.wav").touch()
    with pytest.raises(DatasetError, match="class 'cup' is empty"):
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
