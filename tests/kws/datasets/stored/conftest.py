"""A small corpus, its settings with a cache of their own, and which of its files are read."""

import pathlib

import corpus
import pytest

from kws.datasets import DatasetConfig, speech_commands


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """The corpus: 42 clips of words, a noise, a file that is no audio."""
    folder = corpus.write(tmp_path / "corpus", training=10, evaluation=2)
    (folder / "yes" / "broken_nohash_0.wav").write_text("nothing")
    return folder


@pytest.fixture
def config(root: pathlib.Path, tmp_path: pathlib.Path) -> DatasetConfig:
    return DatasetConfig("speech_commands", str(root), ("yes", "no"), cache_dir=str(tmp_path / "cache"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[pathlib.Path]:
    """The files of the corpus that are read from now on."""
    found: list[pathlib.Path] = []
    read = speech_commands.read_wav
    monkeypatch.setattr(speech_commands, "read_wav", lambda path: found.append(path) or read(path))
    return found
