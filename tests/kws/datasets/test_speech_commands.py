"""The published layout: lists, labels, silence, damaged files, and the real corpus where there is one."""

import os
import pathlib
import wave

import numpy as np
import pytest

from kws import datasets
from kws.datasets import speech_commands
from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError

_WORDS = ("yes", "no", "bed", "cat")


def write_wav(path: pathlib.Path, samples: np.ndarray, rate: int = 16000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


@pytest.fixture
def corpus(tmp_path: pathlib.Path) -> pathlib.Path:
    rng = np.random.default_rng(0)
    listed = {"validation": [], "testing": []}
    for word in _WORDS:
        for number, split in enumerate(("training",) * 4 + ("validation",) * 2 + ("testing",) * 2):
            name = f"{word}/{split}{number}_nohash_0.wav"
            write_wav(tmp_path / name, rng.integers(-3000, 3000, 15000 if number else 17000))
            if split != "training":
                listed[split].append(name)
    (tmp_path / "validation_list.txt").write_text("\n".join(listed["validation"]) + "\n")
    (tmp_path / "testing_list.txt").write_text("\n".join(listed["testing"]) + "\n")
    write_wav(tmp_path / "_background_noise_" / "tap.wav", rng.integers(-3000, 3000, 160000))
    return tmp_path


def _config(root: pathlib.Path, **settings: object) -> DatasetConfig:
    return DatasetConfig(dataset="speech_commands", data_dir=str(root), **settings)


def test_lists_labels_and_speakers(corpus: pathlib.Path) -> None:
    dataset = datasets.load(_config(corpus))
    assert dataset.labels == (SILENCE, UNKNOWN, "yes", "no")
    assert dataset.skipped == ()
    for split, expected in (("training", 16), ("validation", 9), ("testing", 9)):
        clips = dataset.splits[split]
        assert len(clips) == expected
        spoken = [clip for clip in clips if clip.label != 0]
        assert all(clip.speaker.startswith(split) and f"/{split}" in clip.name for clip in spoken)
        assert all((clip.label == 1) == (clip.name.split("/")[0] in ("bed", "cat")) for clip in spoken)
        assert sum(len(noise) for noise in dataset.noises[split]) == (96000 if split == "training" else 32000)
    assert "skipped" not in dataset.summary()


def test_silence_does_not_depend_on_the_training_seed(corpus: pathlib.Path) -> None:
    first, second = (datasets.load(_config(corpus, seed=seed, silence_percentage=100)) for seed in (0, 1))
    for split in ("validation", "testing"):
        one, other = first.splits[split], second.splits[split]
        assert np.sum(one.labels == 0) == 4
        np.testing.assert_array_equal(one.samples[one.labels == 0], other.samples[other.labels == 0])


def test_own_silence_folder_is_used_as_listed(corpus: pathlib.Path) -> None:
    for name in ("a", "b"):
        write_wav(corpus / "_silence_" / f"{name}.wav", np.full(16000, 7))
    with (corpus / "testing_list.txt").open("a") as file:
        file.write("_silence_/a.wav\n")
    dataset = datasets.load(_config(corpus))
    silent = {split: clips.samples[clips.labels == 0] for split, clips in dataset.splits.items()}
    assert (len(silent["training"]), len(silent["testing"])) == (1, 1)
    assert np.all(silent["testing"] == 7)
    assert len(silent["validation"]) == 1


def test_lists_and_folders_in_different_normal_forms_agree(corpus: pathlib.Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for path in (corpus / "cat").iterdir():
        path.rename(path.with_name(path.name.replace("_nohash", f"{decomposed}_nohash")))
    (corpus / "cat").rename(corpus / decomposed)
    for name in ("validation_list.txt", "testing_list.txt"):
        text = (corpus / name).read_text(encoding="utf-8")
        lines = [
            line.replace("_nohash", f"{composed}_nohash") if line.startswith("cat/") else line
            for line in text.splitlines()
        ]
        (corpus / name).write_text("\n".join(lines).replace("cat/", f"{composed}/"), encoding="utf-8")
    dataset = datasets.load(_config(corpus, words=(decomposed,)))
    assert dataset.labels == (SILENCE, UNKNOWN, composed)
    assert [int(np.sum(dataset.splits[split].labels == 2)) for split in SPLITS] == [4, 2, 2]
    assert composed in dataset.splits["training"].words


def test_a_list_that_is_no_text_is_refused(corpus: pathlib.Path) -> None:
    (corpus / "testing_list.txt").write_bytes(b"yes/\xff.wav\n")
    with pytest.raises(DatasetError, match=r"testing_list\.txt is not text in UTF-8"):
        datasets.load(_config(corpus))


def test_words_task_35_and_unknown_percentage(corpus: pathlib.Path) -> None:
    assert datasets.load(_config(corpus, words=("cat",))).labels == (SILENCE, UNKNOWN, "cat")
    everything = datasets.load(_config(corpus, task="35"))
    assert everything.labels == tuple(sorted(_WORDS))
    assert [len(everything.splits[split]) for split in SPLITS] == [16, 8, 8]
    thinned = datasets.load(_config(corpus, unknown_percentage=50)).splits["training"]
    assert (np.sum(thinned.labels == 1), np.sum(thinned.labels > 1)) == (4, 8)


def test_damaged_files_are_skipped_with_one_warning_each(
    corpus: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "yes" / "text.wav").write_text("this is no audio")
    (corpus / "yes" / "empty.wav").touch()
    whole = (corpus / "yes" / "training0_nohash_0.wav").read_bytes()
    (corpus / "yes" / "half.wav").write_bytes(whole[: len(whole) // 2])
    write_wav(corpus / "yes" / "fast.wav", np.zeros(100), rate=44100)
    write_wav(corpus / "yes" / "nothing.wav", np.zeros(0))
    dataset = datasets.load(_config(corpus))
    reasons = {pathlib.Path(path).name: reason for path, reason in dataset.skipped}
    assert reasons.keys() == {"text.wav", "empty.wav", "half.wav", "fast.wav", "nothing.wav"}
    assert "empty" in reasons["empty.wav"]
    assert "truncated" in reasons["half.wav"]
    assert "44100 Hz" in reasons["fast.wav"]
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 6
    assert warnings.pop() == f"warning: data_dir={corpus}: 5 skipped in all, each named above"
    assert all(sum(name in line for line in warnings) == 1 for name in reasons)
    assert "skipped files: 5" in dataset.summary()
    assert len(dataset.splits["training"]) == 16


def _remove(root: pathlib.Path, pattern: str) -> None:
    for path in root.glob(pattern):
        path.unlink()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("validation_list.txt", "has no validation_list.txt"),
        ("testing_list.txt", "has no testing_list.txt"),
        ("_background_noise_/*", "no recordings in _background_noise_/: put some there"),
        ("yes/*", "class 'yes' is empty"),
        ("yes/training*", "class 'yes' has no training clips"),
    ],
)
def test_an_incomplete_corpus_is_refused(corpus: pathlib.Path, pattern: str, message: str) -> None:
    _remove(corpus, pattern)
    with pytest.raises(DatasetError, match=message):
        datasets.load(_config(corpus))


def test_a_split_without_clips_is_refused(corpus: pathlib.Path) -> None:
    _remove(corpus, "*/testing*_nohash_*")
    with pytest.raises(DatasetError, match="testing split has no clips"):
        datasets.load(_config(corpus, task="35"))


def test_missing_folder_data_dir_and_word(corpus: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        datasets.load(_config(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match="needs a data_dir"):
        datasets.load(DatasetConfig(dataset="speech_commands"))
    with pytest.raises(DatasetError, match="names 'marvin'"):
        datasets.load(_config(corpus, words=("marvin",)))


def test_the_excerpt_uses_the_published_rule_and_synthesized_noise(tmp_path: pathlib.Path) -> None:
    rng = np.random.default_rng(0)
    for word in ("go", "stop"):
        for number in range(60):
            write_wav(tmp_path / word / f"{number:08x}_nohash_0.wav", rng.integers(-3000, 3000, 16000))
    dataset = datasets.load(DatasetConfig(dataset="mini_speech_commands", data_dir=str(tmp_path)))
    assert dataset.labels == (SILENCE, "stop", "go")
    speakers = {split: {clip.speaker for clip in clips if clip.label} for split, clips in dataset.splits.items()}
    assert sum(map(len, speakers.values())) == len(set().union(*speakers.values())) == 60
    assert all(len(dataset.noises[split]) == 4 for split in SPLITS)


def test_published_split_of_known_clips() -> None:
    """Names and splits from the corpus' own lists."""
    assert speech_commands.published_split("bfd26d6b_nohash_2.wav") == "testing"
    assert speech_commands.published_split("16db1582_nohash_1.wav") == "validation"
    assert speech_commands.speaker_of("026290a7_nohash_0.wav") == "026290a7"
    assert speech_commands.speaker_of("noise.wav") == ""


@pytest.fixture
def real_corpus() -> pathlib.Path:
    folder = os.environ.get("KWS_DATA_DIR")
    if not folder:
        pytest.skip("KWS_DATA_DIR is not set: point it at an unpacked Speech Commands v0.02")
    return pathlib.Path(folder)


def test_published_rule_agrees_with_the_real_lists(real_corpus: pathlib.Path) -> None:
    """Of a subset, which may list the corpus' speakers elsewhere, this alone: what it lists is held out."""
    rule = speech_commands.published_split
    listed = {split: set((real_corpus / name).read_text().split()) for split, name in speech_commands.LISTS.items()}
    held_out = set().union(*listed.values())
    assert {rule(pathlib.Path(name).name) for name in held_out} == {"validation", "testing"}
    clips = {f"{path.parent.name}/{path.name}" for path in real_corpus.glob("[a-z]*/*_nohash_*.wav")}
    validation = {clip for clip in clips if rule(clip) == "validation"}
    assert validation and validation <= held_out
    if len(clips) > 100_000:
        assert validation == listed["validation"]
        assert {clip for clip in clips if rule(clip) == "testing"} == listed["testing"]


def test_real_testing_split_alone(real_corpus: pathlib.Path) -> None:
    labels = (SILENCE, UNKNOWN, "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    dataset = datasets.load(_config(real_corpus), datasets.Part(("testing",), labels))
    assert dataset.labels == labels and dataset.splits.keys() == dataset.noises.keys() == {"testing"}
    testing = dataset.splits["testing"]
    listed = (real_corpus / "testing_list.txt").read_text().split()
    spoken = {name for name, label in zip(testing.names, testing.labels, strict=True) if labels[label] != SILENCE}
    assert spoken == {name for name in listed if not name.startswith(SILENCE)}
    assert set(testing.labels.tolist()) == set(range(len(labels)))


@pytest.mark.slow
def test_real_corpus(real_corpus: pathlib.Path) -> None:
    dataset = datasets.load(_config(real_corpus))
    assert dataset.labels[:4] == (SILENCE, UNKNOWN, "yes", "no")
    assert len(dataset.labels) == 12
    assert dataset.skipped == ()
    speakers = [{clip.speaker for clip in dataset.splits[split] if clip.label} for split in SPLITS]
    assert not (speakers[0] & speakers[1] or speakers[0] & speakers[2] or speakers[1] & speakers[2])
    for split in ("validation", "testing"):
        listed = (real_corpus / speech_commands.LISTS[split]).read_text().split()
        assert {clip.name for clip in dataset.splits[split] if clip.label} == set(listed)
        assert all(sum(len(noise) for noise in dataset.noises[s]) > CLIP_SAMPLES for s in SPLITS)
