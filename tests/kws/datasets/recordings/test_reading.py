"""Files that worker processes read give the store that one process makes, byte by byte."""

import functools
import pathlib

import corpus
import pytest

from kws import datasets
from kws.datasets import DatasetConfig, builder
from kws.datasets.recordings import reading


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """42 clips of words, a noise, and files that are no audio: one at the beginning, one among the others."""
    folder = corpus.write(tmp_path / "corpus", training=10, evaluation=2)
    (folder / "no" / "a_nohash_0.wav").write_text("nothing")
    (folder / "yes" / "speaker05x_nohash_0.wav").write_bytes(b"RIFF")
    return folder


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of workers that were started from now on; a few files are enough for one."""
    started: list[int] = []
    start = reading.start_workers
    monkeypatch.setattr(reading, "_LEAST_FILES_OF_A_WORKER", 8)
    monkeypatch.setattr(reading, "_FILES_PER_TASK", 3)
    monkeypatch.setattr(reading, "start_workers", lambda processes: started.append(processes) or start(processes))
    return started


def files(cache: pathlib.Path) -> dict[str, bytes]:
    """What a store holds, without what says when it was made."""
    (store,) = (path for path in (cache / "clips").iterdir() if path.is_dir())
    kept = {path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*.*") if path.is_file()}
    return {name: content for name, content in kept.items() if name not in ("index.json", "seal.json")}


@pytest.mark.parametrize("dataset", ["speech_commands", "folder"])
def test_workers_make_the_same_store(
    dataset: str,
    root: pathlib.Path,
    tmp_path: pathlib.Path,
    workers: list[int],
    capfd: pytest.CaptureFixture,
) -> None:
    made, said = [], []
    for processes in (1, 2):
        builder._warn_once.cache_clear()  # each is as a command of its own
        cache = tmp_path / f"cache{processes}"
        config = DatasetConfig(dataset, str(root), ("yes", "no"), cache_dir=str(cache), processes=processes)
        found = datasets.load(config)
        made.append(files(cache))
        said.append([line for line in capfd.readouterr().err.splitlines() if line.startswith("warning: skipped")])
        assert len(found.skipped) == 2
    assert workers == [2]
    assert len(made[0]) == 12 and made[0] == made[1]
    assert len(said[0]) == 2 and said[0] == said[1]


def test_workers_go_on_where_another_maker_was_stopped(
    root: pathlib.Path, tmp_path: pathlib.Path, workers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "_BLOCK", 8)
    whole, parts = (
        DatasetConfig("speech_commands", str(root), ("yes", "no"), cache_dir=str(tmp_path / name), processes=processes)
        for name, processes in (("whole", 1), ("parts", 3))
    )
    add = builder.DatasetBuilder.add
    left = iter(range(19))

    def stopped(*args: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        add(*args)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(builder.DatasetBuilder, "add", stopped)
        datasets.load(parts)
    assert list((tmp_path / "parts" / "clips").glob("*.making/journal"))
    datasets.load(parts)
    datasets.load(whole)
    assert workers == [3, 3]
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_errors_come_when_it_is_their_turn(workers: list[int]) -> None:
    for processes in (1, 2):
        found = reading.in_order(range(16), functools.partial(divmod, 60), processes)
        with pytest.raises(ZeroDivisionError):
            next(found)
        later = reading.in_order([*range(1, 20), 0], functools.partial(divmod, 60), processes)
        assert [next(later) for _ in range(18)] == [divmod(60, number) for number in range(1, 19)]
        with pytest.raises(ZeroDivisionError):
            list(later)
    assert workers == [2, 2]


def test_few_files_start_no_worker(root: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "start_workers", lambda processes: pytest.fail("a worker was started"))
    config = DatasetConfig("speech_commands", str(root), ("yes", "no"), cache_dir="", processes=8)
    assert sum(map(len, datasets.load(config).splits.values())) > 40
