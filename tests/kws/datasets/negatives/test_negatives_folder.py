"""Recordings without keywords: kinds and splits by their files' names, cut in time where none is named."""

import pathlib

import corpus
import numpy as np
import pytest

from kws.datasets import negatives
from kws.datasets.clip import SPLITS
from kws.datasets.dataset_error import DatasetError


def _recording(path: pathlib.Path, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(0, 1000, round(16000 * seconds)).astype(np.int16)
    corpus.write_wav(path, samples)
    return samples


def test_a_name_says_kind_and_split(tmp_path):
    names = ("speech_training", "speech_books_testing", "Music_testing", "noise", "speech_validation", "kitchen")
    sounds = {name: _recording(tmp_path / f"{name}.wav", 2, seed) for seed, name in enumerate(names)}
    _recording(tmp_path / "room_impulse_responses.wav")
    (tmp_path / "sources.csv").write_text("file\n")
    (tmp_path / ".hidden.wav").write_bytes(b"")
    found = {split: negatives.recordings(tmp_path, split) for split in SPLITS}
    assert {split: [(one.name, one.kind) for one in found[split]] for split in SPLITS} == {
        "training": [("kitchen", "other"), ("noise", "noise"), ("speech_training", "speech")],
        "validation": [("kitchen", "other"), ("noise", "noise"), ("speech_validation", "speech")],
        "testing": [
            ("Music_testing", "music"),
            ("kitchen", "other"),
            ("noise", "noise"),
            ("speech_books_testing", "speech"),
        ],
    }
    whole = np.concatenate([one.samples for split in SPLITS for one in found[split] if one.name == "noise"])
    assert np.array_equal(whole, sounds["noise"])
    assert np.array_equal(found["training"][2].samples, sounds["speech_training"])
    hours = negatives.hours_by_kind(found["testing"])
    assert list(hours) == ["speech", "music", "noise", "other"]
    assert hours == pytest.approx({"speech": 2 / 3600, "music": 2 / 3600, "noise": 0.4 / 3600, "other": 0.4 / 3600})


def test_training_gives_validation_the_end_of_a_kind_that_it_lacks(tmp_path):
    sounds = {
        name: _recording(tmp_path / f"{name}.wav", 4, seed)
        for seed, name in enumerate(("noise_a_training", "noise_b_training", "speech_training", "speech_validation"))
    }
    training, validation = (negatives.recordings(tmp_path, split) for split in ("training", "validation"))
    assert [one.name for one in training] == ["noise_a_training", "noise_b_training", "speech_training"]
    assert [one.name for one in validation] == ["noise_a_training", "noise_b_training", "speech_validation"]
    for kept, given in zip(training[:2], validation[:2], strict=True):
        assert len(given.samples) == 16000
        assert np.array_equal(np.concatenate([kept.samples, given.samples]), sounds[kept.name])
    assert np.array_equal(training[2].samples, sounds["speech_training"])


def test_a_folder_without_the_split_gives_nothing(tmp_path):
    _recording(tmp_path / "speech_training.wav")
    assert negatives.recordings(tmp_path, "testing") == []
    assert negatives.impulse_responses(tmp_path, "testing") == []


def test_folders_that_cannot_be_used_are_one_line(tmp_path):
    empty, damaged = tmp_path / "empty", tmp_path / "damaged"
    empty.mkdir()
    damaged.mkdir()
    (damaged / "speech.wav").write_bytes(b"RIFF")
    file = tmp_path / "file.wav"
    _recording(file)
    for folder, message in (
        (tmp_path / "none", "can't be read .*: give a folder"),
        (file, "can't be read .*: give a folder"),
        (empty, "has no recordings: put some there"),
        (damaged, r"speech\.wav can't be used: "),
    ):
        with pytest.raises(DatasetError, match=f"negatives.*{message}") as error:
            negatives.recordings(folder, "testing")
        assert "\n" not in str(error.value)
    for read in (negatives.recordings, negatives.impulse_responses):
        with pytest.raises(DatasetError, match="split=test is unknown"):
            read(tmp_path, "test")
