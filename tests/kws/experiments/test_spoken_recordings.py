"""Recordings as phones write them: read back, all but the damaged ones, and other people's words and reading."""

import pathlib
from collections.abc import Iterator

import pytest

from kws.datasets.recordings import audio_file
from kws.datasets.synthetic import voices
from kws.experiments import spoken_recordings
from kws.experiments.spoken_recordings import SpokenRecordingsConfig
from kws_cli.command import UserError


def test_all_are_read_but_the_damaged_ones(tmp_path: pathlib.Path) -> None:
    config = SpokenRecordingsConfig(tmp_path / "all", ("lamp", "stop it"), 3, 6, damaged=4, others=2, minutes=0.05)
    spoken_recordings.write(config)
    own = tmp_path / "all" / "own"
    takes = sorted(own.rglob("take *"))
    assert len(takes) == 12 and len({path.suffix for path in takes}) >= 4
    assert all(1 < len(audio_file.read(path)) / 16000 < 4 for path in takes)
    # What is left of one whose end is missing may be read, as a shorter one.
    for path in (path for path in own.rglob("damaged *") if path.stem != "damaged 1"):
        with pytest.raises(audio_file.NotAudio):
            audio_file.read(path)
    assert len(list((tmp_path / "all" / "others").rglob("*_nohash_*.wav"))) == 4
    assert len(audio_file.read(tmp_path / "all" / "read" / "speech_testing.wav")) >= 0.05 * 60 * 16000
    with pytest.raises(UserError, match="exists"):
        spoken_recordings.write(config)


def test_other_people_speak_with_other_voices() -> None:
    own, others = ({next(found).name for _ in range(200)} for found in map(_people, ("training", "testing")))
    assert not own & others and len(others) == len(voices.VARIANTS["testing"])


def _people(split: str) -> Iterator[spoken_recordings.Speaker]:
    return spoken_recordings.people(split, 1)


def test_no_sentence_that_is_read_says_a_keyword() -> None:
    found = spoken_recordings.paragraphs(["lamp", "stop it"])
    assert sum(len(text.split()) for text in found) > 5000
    assert not any("lamp" in text.lower().split() for text in found)
