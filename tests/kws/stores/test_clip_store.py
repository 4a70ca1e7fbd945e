"""A store is used only as it was written: what was cut, changed, copied or is of another version is noticed."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest

from kws.stores import clip_store
from kws.stores.clip_store import DamagedStore, open_store
from kws.stores.digests import content_sha256, row_digests
from kws.stores.making import Making

GROUPS = ("training", "testing")
CLIP_SAMPLES = 400
NOISES = {"training": [np.arange(700, dtype=np.int16), np.arange(5, dtype=np.int16)], "testing": []}


def clips(group: str) -> np.ndarray:
    count = {"training": 9, "testing": 2}[group]
    return np.random.default_rng(count).integers(-999, 999, (count, CLIP_SAMPLES)).astype(np.int16)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> pathlib.Path:
    making = Making(tmp_path / "one.making", GROUPS, CLIP_SAMPLES)
    for group in GROUPS:
        for samples in clips(group):
            making.add(group, samples)
    making.finish(tmp_path / "one", {"of": "noise"}, {group: {"names": [group]} for group in GROUPS}, NOISES)
    return tmp_path / "one"


def reads(monkeypatch: pytest.MonkeyPatch) -> list[pathlib.Path]:
    """The files of samples that are read whole from now on."""
    found: list[pathlib.Path] = []
    for name in ("_clips_are_good", "_noises_are_good"):
        good = getattr(clip_store, name)
        monkeypatch.setattr(
            clip_store, name, lambda store, group, good=good: found.append(store.folder) or good(store, group)
        )
    return found


def test_what_was_written_comes_back(store: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = reads(monkeypatch)
    opened = open_store(store)
    assert opened.about == {"of": "noise"} and not found
    for name in GROUPS:
        group = opened.groups[name]
        np.testing.assert_array_equal(group.samples, clips(name))
        np.testing.assert_array_equal(group.store.read_clips(1, 2), clips(name)[1:2])
        np.testing.assert_array_equal(group.store.open_clips()(1), clips(name)[1])
        assert [noise.tolist() for noise in group.noises] == [noise.tolist() for noise in NOISES[name]]
        assert [noise.tolist() for noise in group.store.read_noises()] == [noise.tolist() for noise in NOISES[name]]
        assert group.sha256 == content_sha256(row_digests(clips(name)))
        assert group.about == {"names": [name]}
        with pytest.raises(ValueError, match="read-only"):
            group.samples[0, 0] = 1


def edit(path: pathlib.Path, content: bytes) -> None:
    """Writes a file and gives it its old date back, as a careless program would."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


FILES = ("index.json", "seal.json", *(f"training/clips.{end}" for end in ("int16", "sha256", "json")))


@pytest.mark.parametrize("name", [*FILES, "training/noises.int16"])
@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "gone"])
def test_damage_is_noticed(store: pathlib.Path, name: str, damage: str) -> None:
    path = store / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "flipped":
        middle = len(content) // 2
        edit(path, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    else:
        edit(path, content[: len(content) - 2 if damage == "cut" else 0])
    if (name, damage) == ("seal.json", "flipped"):
        edit(path, content.replace(b'"index.json": "', b'"index.json": "0'))
    with pytest.raises(DamagedStore):
        open_store(store)


def test_another_version_is_not_read(store: pathlib.Path) -> None:
    index = json.loads((store / "index.json").read_bytes())
    clip_store.write_index(store, {**index, "format": clip_store.FORMAT + 1})
    with pytest.raises(DamagedStore, match=f"of version {clip_store.FORMAT + 1}, not {clip_store.FORMAT}"):
        open_store(store)


def test_a_copy_is_read_whole_once(
    store: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)
    found = reads(monkeypatch)
    open_store(copy)
    assert len(found) == 2 * len(GROUPS)
    open_store(copy)
    assert len(found) == 2 * len(GROUPS)
    open_store(copy, check=True)
    assert len(found) == 4 * len(GROUPS)


def test_what_the_medium_changed_is_found_by_a_check(store: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store / "testing" / "clips.int16"
    state = clip_store._state(path)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    real = clip_store._state
    monkeypatch.setattr(clip_store, "_state", lambda other: state if other == path else real(other))
    open_store(store)
    with pytest.raises(DamagedStore, match=r"testing/clips\.int16 is not what was written"):
        open_store(store, check=True)
