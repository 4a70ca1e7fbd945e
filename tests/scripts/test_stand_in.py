"""A stand-in has the words, splits and noises of its corpus, and as many clips as asked for."""

import pathlib

import corpus
import numpy as np
import pytest

from kws import datasets
from kws.datasets import DatasetConfig
from kws_cli.command import UserError
from scripts import stand_in
from scripts.stand_in import StandInConfig


def test_clips_are_those_of_the_corpus_by_other_speakers(tmp_path: pathlib.Path) -> None:
    root = corpus.write(tmp_path / "corpus", training=6, evaluation=2)
    made = stand_in.make(StandInConfig(root, tmp_path / "large", 100))
    original, large = (
        datasets.load(DatasetConfig("speech_commands", str(folder), task="35")) for folder in (root, tmp_path / "large")
    )
    sizes = {split: len(clips) for split, clips in large.splits.items()}
    assert made == {"validation": sizes["validation"], "testing": sizes["testing"], "all": sum(sizes.values())}
    assert made["all"] == 100 and large.labels == original.labels and large.noises.keys() == original.noises.keys()
    for split, clips in large.splits.items():
        samples = {clip.tobytes() for clip in original.splits[split].samples}
        assert {clip.tobytes() for clip in clips.samples} == samples
        assert len(set(clips.speakers)) > len(set(original.splits[split].speakers))
        np.testing.assert_array_equal(np.unique(clips.labels), np.unique(original.splits[split].labels))


def test_what_is_in_the_way_is_one_line(tmp_path: pathlib.Path) -> None:
    root = corpus.write(tmp_path / "corpus", training=6, evaluation=2)
    with pytest.raises(UserError, match="File exists: give a corpus, and a new folder beside it"):
        stand_in.make(StandInConfig(root, root, 100))
    with pytest.raises(UserError, match="No such file or directory"):
        stand_in.make(StandInConfig(tmp_path / "nowhere", tmp_path / "large", 100))
