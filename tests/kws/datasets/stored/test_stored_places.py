"""Where stores may lie, on what can't be written, and which of them are pruned."""

import dataclasses
import errno
import os
import pathlib
import time

import pytest
from stored_corpus import check_equal, in_memory, stores

from kws import datasets
from kws.datasets import DatasetConfig
from kws.stores import catalogue
from kws.stores.store_error import StoreError


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
