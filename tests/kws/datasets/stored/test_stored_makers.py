"""Who makes a store and who waits; what is left of makers that end early."""

import dataclasses
import errno
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from stored_corpus import check_equal, in_memory, stores

from kws import datasets
from kws.datasets import DatasetConfig, builder, speech_commands
from kws.stores.store_error import StoreError

# Loads a corpus, in blocks of a few files and not before there is the file `go`, and says how many files it read.
LOADS = """
import os, pathlib, signal, sys, time
from kws import datasets
from kws.datasets import builder, speech_commands
root, cache, stop, go = sys.argv[1], sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4])
builder._BLOCK = 8
read, count = speech_commands.read_wav, 0
def slowly(path):
    global count
    count += 1
    while not go.exists():
        time.sleep(0.01)
    if count == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path)
speech_commands.read_wav = slowly
config = datasets.DatasetConfig("speech_commands", root, ("yes", "no"), cache_dir=cache)
dataset = datasets.load(config)
print(count, sum(len(clips) for clips in dataset.splits.values()))
"""


def start(config: DatasetConfig, folder: pathlib.Path, name: str = "maker", stop: int = 0) -> subprocess.Popen[str]:
    """Of a folder with or without `go`, where NAME.err holds what it says on stderr."""
    places = str(config.data_dir), str(config.cache_dir), str(stop), str(folder / "go")
    with (folder / f"{name}.err").open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", LOADS, *places], stdout=subprocess.PIPE, stderr=errors, text=True
        )


def test_a_killed_maker_s_blocks_are_used(
    config: DatasetConfig, reads: list, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "go").touch()
    with start(config, tmp_path, stop=31) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [path.suffix for path in stores(config)] == [".making"]
    monkeypatch.setattr(builder, "_BLOCK", 8)
    dataset = datasets.load(config)
    # A noise and 43 files; of these 30 less the noise were read, in whole blocks of 8: 24.
    assert len(reads) == 1 + 43 - 24
    check_equal(dataset, in_memory(config))


def test_of_three_makers_one_makes_it_and_the_others_wait(config: DatasetConfig, tmp_path: pathlib.Path) -> None:
    processes = [start(config, tmp_path, name) for name in "abc"]
    waiting, latest = 0, time.monotonic() + 120
    while waiting < 2 and time.monotonic() < latest:
        time.sleep(0.05)
        said = [(tmp_path / f"{name}.err").read_text() for name in "abc"]
        waiting = sum("another process makes" in errors and "waiting for it" in errors for errors in said)
    (tmp_path / "go").touch()
    printed = [process.communicate(timeout=60)[0] for process in processes]
    assert (waiting, [process.returncode for process in processes]) == (2, [0, 0, 0])
    counts = sorted(tuple(map(int, output.split())) for output in printed)
    total = sum(len(clips) for clips in datasets.load(config).splits.values())
    assert counts == [(0, total), (0, total), (44, total)]


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


def test_a_full_disk_leaves_nothing_behind(config: DatasetConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        datasets.load(config)
    assert not stores(config)
