"""Clips of another length than a second, and words of several parts."""

import pathlib

import numpy as np
import pytest
from corpus import write_wav

from kws import datasets
from kws.datasets import silence
from kws.datasets.clip import SAMPLE_RATE, SPLITS, DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings import cutting
from kws.datasets.synthetic.utterance import Utterance, render


def _parts(*seconds: float) -> np.ndarray:
    """Tone, pause, tone, ...: int16."""
    tones = [
        8000 * np.sin(np.arange(round(length * SAMPLE_RATE)) / 5) * (i % 2 == 0) for i, length in enumerate(seconds)
    ]
    return np.concatenate(tones).astype(np.int16)


@pytest.fixture
def recordings(tmp_path: pathlib.Path) -> pathlib.Path:
    """Ten recordings of a phrase with a pause of 0.4 s in it, and of a word."""
    for number in range(10):
        write_wav(tmp_path / "stop it" / f"{number}.wav", _parts(0.3, 0.4, 0.4 + number / 100))
        write_wav(tmp_path / "lamp" / f"{number}.wav", _parts(0.5, 0.7, 0.5))
    write_wav(tmp_path / "_background_noise_" / "room.wav", _parts(10))
    return tmp_path


def _config(root: pathlib.Path, **settings: object) -> DatasetConfig:
    return DatasetConfig(
        **{"dataset": "folder", "data_dir": str(root), "negatives": "none", "cache_dir": "", **settings}
    )


def test_a_phrase_is_one_clip_and_a_repeated_word_several(recordings: pathlib.Path) -> None:
    dataset = datasets.load(_config(recordings, clip_seconds=1.5))
    for split in SPLITS:
        clips = dataset.splits[split]
        assert clips.samples.shape[1] == 24000
        counts = {label: sum(clips.labels == i) for i, label in enumerate(dataset.labels)}
        assert counts["stop it"] == {"training": 8}.get(split, 1)
        assert counts["lamp"] == 2 * counts["stop it"]
    phrase = next(clip for clip in dataset.splits["training"] if dataset.labels[clip.label] == "stop it")
    sound = np.flatnonzero(phrase.samples)
    assert sound[-1] - sound[0] > 1.05 * SAMPLE_RATE
    assert abs(sound[0] + sound[-1] - 24000) < 700


def test_a_phrase_that_does_not_fit_is_skipped_with_what_to_set(
    recordings: pathlib.Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(DatasetError, match="class 'stop it' is empty"):
        datasets.load(_config(recordings))
    reason = "its words last 1.10 s, longer than clip_seconds=1 (give clip_seconds=1.10 or more)"
    assert reason in capsys.readouterr().err
    with pytest.raises(cutting.TooLong, match=r"2.40 s, longer than clip_seconds=1 \(no clip is longer than 2 s\)"):
        cutting.phrases(_parts(2.4))


def test_phrases_are_cut_where_they_are_repeated() -> None:
    twice = np.concatenate([_parts(0.3, 0.5, 0.3), np.zeros(16000, np.int16), _parts(0.3, 0.2, 0.3)])
    assert [clip.shape for clip in cutting.phrases(twice, 20000)] == [(20000,)] * 2
    assert cutting.phrases(np.zeros(9, np.int16)) == []
    assert [clip.shape for clip in cutting.phrases(_parts(0.3), 20000)] == [(20000,)]


def test_silence_and_spoken_words_are_as_long_as_a_clip() -> None:
    for length in (8000, 16000, 32000):
        clips = silence.fixed_set("testing", 12, [_parts(3)], length)
        assert all(samples.shape == (length,) for _, samples in clips)
        spoken = render(Utterance("lamp", "en+f3", 170, 50, 50, seed=1, clip_samples=length))
        assert spoken.shape == (length,) and np.abs(spoken).max() > 1000
    one_second = silence.fixed_set("testing", 12, [_parts(3)])
    longer = silence.fixed_set("testing", 12, [_parts(3)], 32000)
    assert all(np.array_equal(short, long[:16000]) for (_, short), (_, long) in zip(one_second, longer, strict=True))


@pytest.mark.parametrize("seconds", [0.4, 2.02, 1.01, -1.0, float("nan"), float("inf")])
def test_other_lengths_are_refused(seconds: float) -> None:
    with pytest.raises(DatasetError, match=r"clip_seconds=.*: give 0.5 to 2 in steps of 0.02"):
        DatasetConfig(clip_seconds=seconds)


def test_the_longest_word_is_at_most_a_clip() -> None:
    DatasetConfig("folder", clip_seconds=1.5, max_word_seconds=1.4)
    with pytest.raises(DatasetError, match=r"^max_word_seconds=1.6: a clip has 1.5 seconds"):
        DatasetConfig("folder", clip_seconds=1.5, max_word_seconds=1.6)
