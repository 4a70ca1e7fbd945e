"""A dataset from its store is the one that is read into memory; what is not used again."""

import dataclasses
import json
import os
import pathlib

import corpus
import numpy as np
import pytest
from stored_corpus import check_equal, in_memory, stores

from kws import datasets
from kws.datasets import DatasetConfig, identity
from kws.datasets.clip import SPLITS
from kws.stores import clip_store


def test_the_store_holds_what_is_read_into_memory(config: DatasetConfig, reads: list[pathlib.Path]) -> None:
    plain = in_memory(config)
    reads.clear()
    made = datasets.load(config)
    assert len(reads) == 44
    kept = datasets.load(config)
    assert len(reads) == 44
    for dataset in (made, kept):
        check_equal(dataset, plain)
        assert all(dataset.splits[split].stored for split in SPLITS)
    assert not any(plain.splits[split].stored for split in SPLITS)


def test_so_it_does_of_synthetic_speech(tmp_path: pathlib.Path) -> None:
    config = DatasetConfig(words=("yes", "no"), clips_per_word=10, cache_dir=str(tmp_path))
    plain = in_memory(config)
    check_equal(datasets.load(config), plain)
    check_equal(datasets.load(config), plain)
    assert len(stores(config)) == 1


def test_and_of_a_folder_of_ones_own(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    long = np.tile(np.random.default_rng(0).normal(0, 3000, 16000), 3)
    long[9000:24000] = 0
    corpus.write_wav(root / "no" / "speaker00__long.wav", long)
    config = DatasetConfig("folder", str(root), cache_dir=str(tmp_path), negatives="none")
    plain = in_memory(config)
    assert plain.divided and plain.skipped
    check_equal(datasets.load(config), plain)
    check_equal(datasets.load(config), plain)


def test_warnings_are_said_again_in_one_line(config: DatasetConfig, capsys: pytest.CaptureFixture[str]) -> None:
    datasets.load(config)
    first = capsys.readouterr().err
    assert first.count("warning:") == 2 and "1 skipped in all, each named above" in first
    datasets.load(config)
    again = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert len(again) == 1
    assert "1 skipped in all, as when it was read first (such as " in again[0] and "broken_nohash_0.wav" in again[0]


def test_other_samples_in_the_place_of_stored_ones_are_not_taken_for_them(config: DatasetConfig) -> None:
    dataset = datasets.load(config)
    training = dataset.splits["training"]
    louder = dataclasses.replace(training, samples=training.samples * 2)
    assert louder.stored is None
    assert dataclasses.replace(training, labels=1 - training.labels).stored is training.stored
    changed = dataclasses.replace(dataset, splits={**dataset.splits, "training": louder})
    assert "of other sound" in identity.difference(identity.identity(dataset), identity.identity(changed))


def test_a_corpus_that_moved_uses_its_store(config: DatasetConfig, root: pathlib.Path, reads: list) -> None:
    datasets.load(config)
    reads.clear()
    moved = dataclasses.replace(config, data_dir=str(root.rename(root.with_name("moved"))))
    dataset = datasets.load(moved)
    assert not reads and dataset.skipped[0][0] == str(root.with_name("moved") / "yes" / "broken_nohash_0.wav")


CHANGES = {
    "content": lambda root: corpus.write_wav(root / "yes" / "speaker03_nohash_0.wav", np.arange(16000) % 99),
    "date": lambda root: os.utime(root / "yes" / "speaker03_nohash_0.wav"),
    "new file": lambda root: corpus.write_wav(root / "yes" / "new_nohash_0.wav", np.arange(16000) % 99),
    "lost file": lambda root: (root / "yes" / "speaker03_nohash_0.wav").unlink(),
    "list": lambda root: (root / "testing_list.txt").write_text((root / "testing_list.txt").read_text()),
    "noise": lambda root: corpus.write_wav(root / "_background_noise_" / "hiss.wav", np.arange(32000) % 99),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_corpus_is_read_again(config: DatasetConfig, root: pathlib.Path, reads: list, what: str) -> None:
    before = datasets.load(config)
    reads.clear()
    CHANGES[what](root)
    now = datasets.load(config)
    assert len(reads) > 40
    check_equal(now, in_memory(config))
    assert (identity.identity(before) == identity.identity(now)) == (what in ("date", "list"))


def test_content_of_the_same_size_and_date_is_noticed(config: DatasetConfig, root: pathlib.Path) -> None:
    path = root / "yes" / "speaker03_nohash_0.wav"
    before, status = datasets.load(config), path.stat()
    corpus.write_wav(path, np.arange(16000) % 99)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size and path.stat().st_mtime_ns == status.st_mtime_ns
    assert identity.identity(datasets.load(config)) != identity.identity(before)


def test_settings_that_decide_what_the_clips_are_have_a_store_each(config: DatasetConfig, reads: list) -> None:
    datasets.load(config)
    reads.clear()
    for same in ({"seed": 3}, {"clips_per_word": 77}, {"processes": 5}):
        datasets.load(dataclasses.replace(config, **same))
    assert len(stores(config)) == 1 and not reads
    for other in ({"words": ("no", "yes")}, {"unknown_percentage": 50.0}, {"silence_percentage": 50.0}):
        changed = dataclasses.replace(config, **other)
        check_equal(datasets.load(changed), in_memory(changed))
    assert len(stores(config)) == 4
    datasets.load(dataclasses.replace(config, unknown_percentage=50.0, seed=3))
    assert len(stores(config)) == 5


def test_other_code_has_another_store(config: DatasetConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.load(config)
    monkeypatch.setattr("kws.datasets.stored.code_sha256", lambda *_: "edited")
    datasets.load(config)
    assert len(stores(config)) == 2


@pytest.mark.parametrize("name", ["training/clips.int16", "index.json", "validation/clips.json"])
def test_a_truncated_store_is_made_again(
    config: DatasetConfig, name: str, reads: list, capsys: pytest.CaptureFixture[str]
) -> None:
    before = identity.identity(datasets.load(config))
    reads.clear()
    path = stores(config)[0] / name
    path.write_bytes(path.read_bytes()[:-1000])
    capsys.readouterr()
    dataset = datasets.load(config)
    assert identity.identity(dataset) == before and reads
    check_equal(dataset, in_memory(config))
    assert capsys.readouterr().err.count("is damaged (") == 1
    reads.clear()
    datasets.load(config)
    assert not reads and len(stores(config)) == 1


def test_a_store_of_another_version_is_made_again(
    config: DatasetConfig, reads: list, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets.load(config)
    reads.clear()
    index = json.loads((stores(config)[0] / "index.json").read_bytes())
    clip_store.write_index(stores(config)[0], {**index, "format": 0})
    check_equal(datasets.load(config), in_memory(config))
    assert reads and "it is of version 0, not 1" in capsys.readouterr().err
