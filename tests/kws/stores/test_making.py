"""What was finished when a maker is stopped is used by the next one, and nothing else."""

import errno
import os
import pathlib

import numpy as np
import pytest

from kws.stores.clip_store import open_store
from kws.stores.making import Making
from kws.stores.store_error import StoreError

CLIPS = np.random.default_rng(0).integers(-999, 999, (6, 400)).astype(np.int16)


def begin(folder: pathlib.Path) -> Making:
    """Two finished blocks of two clips, and one clip of a third."""
    making = Making(folder, ("a", "b"), 400)
    for number, samples in enumerate(CLIPS[:4]):
        making.add("a" if number < 3 else "b", samples)
        if number % 2:
            making.finish_block({"number": number, "name": "\udcff"})
    making.add("a", CLIPS[4])
    making.close()
    return making


def finish(making: Making, place: pathlib.Path, start: int) -> None:
    for number, samples in enumerate(CLIPS[start:], start):
        making.add("a" if number < 3 else "b", samples)
    making.finish(place, {}, {"a": {}, "b": {}}, {"a": [], "b": [CLIPS[0]]})


def content(place: pathlib.Path) -> dict[str, bytes]:
    files = [path for path in place.rglob("*") if path.is_file() and path.name != "seal.json"]
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def whole(tmp_path: pathlib.Path) -> dict[str, bytes]:
    """The content of a store that was made in one go."""
    finish(Making(tmp_path / "whole.making", ("a", "b"), 400), tmp_path / "whole", 0)
    return content(tmp_path / "whole")


def test_finished_blocks_are_used_again(tmp_path: pathlib.Path, whole: dict[str, bytes]) -> None:
    begin(tmp_path / "one.making")
    making = Making(tmp_path / "one.making", ("a", "b"), 400)
    assert making.finished == [{"number": 1, "name": "\udcff"}, {"number": 3, "name": "\udcff"}]
    np.testing.assert_array_equal(making.samples("a"), CLIPS[:3])
    np.testing.assert_array_equal(making.samples("b"), CLIPS[3:4])
    finish(making, tmp_path / "one", 4)
    assert content(tmp_path / "one") == whole
    assert not (tmp_path / "one.making").exists()
    assert len(open_store(tmp_path / "one").groups["b"].samples) == 3


def test_what_is_said_last_may_be_cut_off(tmp_path: pathlib.Path, whole: dict[str, bytes]) -> None:
    begin(tmp_path / "one.making")
    journal = tmp_path / "one.making" / "journal"
    journal.write_bytes(journal.read_bytes()[:-9])
    making = Making(tmp_path / "one.making", ("a", "b"), 400)
    assert [said["number"] for said in making.finished] == [1]
    finish(making, tmp_path / "one", 2)
    assert content(tmp_path / "one") == whole


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
@pytest.mark.parametrize("name", ["a/clips.int16", "a/clips.sha256", "b/clips.int16"])
def test_damaged_clips_are_made_again(tmp_path: pathlib.Path, whole: dict[str, bytes], damage: str, name: str) -> None:
    begin(tmp_path / "one.making")
    path = tmp_path / "one.making" / name
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(data[:30] if damage == "cut" else bytes([data[0] ^ 1]) + data[1:])
    making = Making(tmp_path / "one.making", ("a", "b"), 400)
    assert making.finished == [] and len(making.samples("a")) == 0
    finish(making, tmp_path / "one", 0)
    assert content(tmp_path / "one") == whole


def test_a_full_disk_is_one_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clips").mkdir()
    making = Making(tmp_path / "clips" / "one.making", ("a", "b"), 400)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=f"cache_dir={tmp_path} can't be written: No space left on device: make room"):
        making.finish_block({})
    making.discard()
    assert not list((tmp_path / "clips").iterdir())


def test_others_may_read_what_the_umask_lets_them(tmp_path: pathlib.Path) -> None:
    mask = os.umask(0o027)
    try:
        finish(Making(tmp_path / "one.making", ("a", "b"), 400), tmp_path / "one", 0)
    finally:
        os.umask(mask)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert modes == {0o640}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "one", tmp_path / "one" / "a")} == {0o750}
