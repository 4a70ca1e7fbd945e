"""Who makes a store and who waits; what is left of makers that end early."""

import dataclasses
import errno
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from stored_corpus import check_equal, in_memory, stores

from kws import datasets
from kws.datasets import DatasetConfig, builder, speech_commands
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


def test_a_full_disk_leaves_nothing_behind(config: DatasetConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        datasets.load(config)
    assert not stores(config)
