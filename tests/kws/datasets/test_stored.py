"""A dataset from its store is the one that is read into memory; who makes it, who waits, and what is not used again."""

import dataclasses
import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import corpus
import numpy as np
import pytest

from kws import datasets
from kws.datasets import DatasetConfig, builder, identity, speech_commands
from kws.datasets.clip import SPLITS, Dataset
from kws.stores import catalogue, clip_store
from kws.stores.store_error import StoreError

# Loads a corpus, slowly and in blocks of a few files, and says how many files it read.
LOADS = """
import os, signal, sys, time
from kws import datasets
from kws.datasets import builder, speech_commands
root, cache, stop = sys.argv[1], sys.argv[2], int(sys.argv[3])
builder._BLOCK = 8
read, count = speech_commands.read_wav, 0
def slowly(path):
    global count
    count += 1
    time.sleep(0.005)
    if count == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path)
speech_commands.read_wav = slowly
config = datasets.DatasetConfig("speech_commands", root, ("yes", "no"), cache_dir=cache)
dataset = datasets.load(config)
print(count, sum(len(clips) for clips in dataset.splits.values()))
"""


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """The corpus: 42 clips of words, a noise, a file that is no audio."""
    folder = corpus.write(tmp_path / "corpus", training=10, evaluation=2)
    (folder / "yes" / "broken_nohash_0.wav").write_text("nothing")
    return folder


@pytest.fixture
def config(root: pathlib.Path, tmp_path: pathlib.Path) -> DatasetConfig:
    return DatasetConfig("speech_commands", str(root), ("yes", "no"), cache_dir=str(tmp_path / "cache"))


def in_memory(config: DatasetConfig) -> Dataset:
    return datasets.load(dataclasses.replace(config, cache_dir=""))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[pathlib.Path]]:
    """The files of the corpus that are read from now on."""
    found: list[pathlib.Path] = []
    read = speech_commands.read_wav
    monkeypatch.setattr(speech_commands, "read_wav", lambda path: found.append(path) or read(path))
    return found


def check_equal(one: Dataset, other: Dataset) -> None:
    assert (one.name, one.labels, one.skipped, one.divided) == (other.name, other.labels, other.skipped, other.divided)
    for split in SPLITS:
        mine, its = one.splits[split], other.splits[split]
        assert (mine.split, mine.names, mine.speakers, mine.words) == (its.split, its.names, its.speakers, its.words)
        np.testing.assert_array_equal(mine.samples, its.samples)
        np.testing.assert_array_equal(mine.labels, its.labels)
        assert mine.labels.dtype == its.labels.dtype
        for noise, its_noise in zip(one.noises[split], other.noises[split], strict=True):
            np.testing.assert_array_equal(noise, its_noise)
    assert identity.identity(one) == identity.identity(other)


def stores(config: DatasetConfig) -> list[pathlib.Path]:
    return sorted(path for path in pathlib.Path(config.cache_dir or "").joinpath("clips").iterdir() if path.is_dir())


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


def start(config: DatasetConfig, stop: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", LOADS, str(config.data_dir), str(config.cache_dir), str(stop)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_maker_s_blocks_are_used(config: DatasetConfig, reads: list, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(config, stop=31) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [path.suffix for path in stores(config)] == [".making"]
    monkeypatch.setattr(builder, "_BLOCK", 8)
    dataset = datasets.load(config)
    # A noise and 43 files; of these 30 less the noise were read, in whole blocks of 8: 24.
    assert len(reads) == 1 + 43 - 24
    check_equal(dataset, in_memory(config))


def test_of_two_makers_one_makes_it_and_the_other_waits(config: DatasetConfig) -> None:
    processes = [start(config) for _ in range(3)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    counts = sorted(tuple(map(int, output.split())) for output, _ in said)
    total = sum(len(clips) for clips in datasets.load(config).splits.values())
    assert counts == [(0, total), (0, total), (44, total)]
    assert sum("another process makes" in errors and "waiting for it" in errors for _, errors in said) == 2


def test_a_corpus_that_changes_while_it_is_read_is_refused(
    config: DatasetConfig, root: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = speech_commands.read_wav

    def changes(path: pathlib.Path) -> np.ndarray:
        if path.name == "speaker03_nohash_0.wav":
            os.utime(root / "no" / "speaker00_nohash_0.wav")
        return read(path)

    monkeypatch.setattr(speech_commands, "read_wav", changes)
    with pytest.raises(datasets.DatasetError, match="changed while it was read: run again"):
        datasets.load(config)
    assert not stores(config)


def test_what_is_wrong_with_the_data_leaves_nothing(config: DatasetConfig, root: pathlib.Path) -> None:
    for name in ("validation_list.txt", "testing_list.txt"):
        (root / name).write_text("")
    with pytest.raises(datasets.DatasetError, match="the validation split has no clips"):
        datasets.load(dataclasses.replace(config, words=None, task="35"))
    assert not stores(config)


def test_without_a_folder_for_caches_clips_are_held_in_memory(
    config: DatasetConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    monkeypatch.delenv("KWS_CACHE_DIR")
    dataset = datasets.load(dataclasses.replace(config, cache_dir=None))
    assert dataset.splits["testing"].stored is None
    lines = [line for line in capsys.readouterr().err.splitlines() if "cache_dir" in line]
    assert len(lines) == 1 and "can't be written: Not a directory" in lines[0] and "held in memory" in lines[0]


def test_a_store_on_a_medium_that_can_t_be_written_is_used(
    config: DatasetConfig, reads: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets.load(config)
    reads.clear()

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for place in ("kws.stores.keeping.file_lock.take", "kws.stores.clip_store.atomic.write_text", "os.utime"):
        monkeypatch.setattr(place, read_only)
    dataset = datasets.load(config)
    assert not reads
    check_equal(dataset, in_memory(config))
    with pytest.raises(StoreError, match="can't be written: Read-only file system"):
        datasets.load(dataclasses.replace(config, silence_percentage=20.0))


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_a_chosen_folder_that_can_t_be_used_is_one_line(
    config: DatasetConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    chosen = tmp_path / "file"
    chosen.touch()
    monkeypatch.setenv("KWS_CACHE_DIR", str(chosen if by == "environment" else tmp_path / "other"))
    with pytest.raises(StoreError, match=f"cache_dir={chosen} can't be written: Not a directory: make room"):
        datasets.load(dataclasses.replace(config, cache_dir=str(chosen) if by == "setting" else None))


def test_a_full_disk_leaves_nothing_behind(config: DatasetConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        datasets.load(config)
    assert not stores(config)


def test_what_is_in_use_is_not_pruned(config: DatasetConfig) -> None:
    dataset = datasets.load(config)
    folder = stores(config)[0].parent
    assert catalogue.entries(folder)[0].in_use and not catalogue.prune(folder, 0)
    training = dataset.splits["training"]
    del dataset
    assert not catalogue.prune(folder, 0)
    del training
    assert not catalogue.entries(folder)[0].in_use and len(catalogue.prune(folder, 0)) == 1
    assert not list(folder.iterdir())


def test_a_cache_that_grows_large_is_said(
    config: DatasetConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    datasets.load(config)
    assert "kws.cache" not in capsys.readouterr().err
    monkeypatch.setattr(catalogue, "MOST_BYTES", 10**6)
    datasets.load(config)
    assert "kws.cache" not in capsys.readouterr().err
    datasets.load(dataclasses.replace(config, silence_percentage=20.0))
    assert f"cache_dir={config.cache_dir} holds 0 GB: python -m kws.cache --prune" in capsys.readouterr().err


def test_those_not_used_for_longest_are_pruned_first(config: DatasetConfig) -> None:
    for percentage in (10.0, 20.0, 30.0):
        datasets.load(dataclasses.replace(config, silence_percentage=percentage))
        time.sleep(0.02)
    datasets.load(dataclasses.replace(config, silence_percentage=10.0))
    folder = stores(config)[0].parent
    entries = catalogue.entries(folder)
    assert [entry.about["settings"]["silence_percentage"] for entry in entries] == [10.0, 30.0, 20.0]
    removed = catalogue.prune(folder, sum(entry.size for entry in entries) - 1)
    assert [entry.about["settings"]["silence_percentage"] for entry in removed] == [20.0]
    assert len(catalogue.prune(folder, entries[0].size)) == 1
    assert [entry.key for entry in catalogue.entries(folder)] == [entries[0].key]
