"""What a cache holds: its stores, how large they are, when they were used last; and making room in it."""

import contextlib
import dataclasses
import pathlib
import shutil
from typing import Any

from kws.stores import clip_store
from kws.stores.clip_store import DamagedStore
from kws.stores.keeping import LOCK, MAKING
from kws_cli import file_lock
from kws_cli.file_lock import FileLock

# What a cache may hold before a new store says so, and what pruning leaves by default.
MOST_BYTES = 20 * 10**9
WHOLE, UNFINISHED, DAMAGED = "whole", "unfinished", "damaged"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A store, or what a maker has of one.

    Attributes:
      key: its name.
      about: what its maker says of it, JSON values; empty where that can't be read.
      clips: how many.
      size: bytes on the disk.
      used: the time of its last use, in seconds since the epoch.
      state: WHOLE, UNFINISHED or DAMAGED; by its index and sizes alone where it was not checked.
      reason: why it is damaged.
      in_use: some process uses or makes it.
    """

    folder: pathlib.Path
    key: str
    about: dict[str, Any]
    clips: int
    size: int
    used: float
    state: str
    reason: str
    in_use: bool


def entries(folder: pathlib.Path, *, check: bool = False) -> list[Entry]:
    """The stores in a folder, the one used last first.

    Args:
      check: read all that they hold.
    """
    if not folder.is_dir():
        return []
    keys = {path.name.removesuffix(MAKING) for path in folder.iterdir() if path.is_dir()}
    return sorted((_entry(folder, key, check) for key in keys), key=lambda entry: -entry.used)


def prune(folder: pathlib.Path, keep: int) -> list[Entry]:
    """Removes stores, the one whose last use is longest ago first, until no more than `keep` bytes are left.

    One in use stays, whatever its size.

    Returns:
      What was removed.

    Raises:
      OSError: one can't be removed.
    """
    found = entries(folder)
    left = sum(entry.size for entry in found)
    removed = []
    for entry in reversed(found):
        if left > keep and _remove(entry):
            removed.append(entry)
            left -= entry.size
    return removed


def _entry(folder: pathlib.Path, key: str, check: bool) -> Entry:
    about, clips, state, reason = _described(folder / key, check)
    size = sum(_size(path) for path in _folders(folder, key))
    return Entry(folder, key, about, clips, size, _used(folder, key), state, reason, _is_in_use(folder, key))


def _described(place: pathlib.Path, check: bool) -> tuple[dict[str, Any], int, str, str]:
    """What its index says, the number of its clips, its state, and what is wrong with it."""
    if not place.is_dir():
        return {}, 0, UNFINISHED, ""
    try:
        index = clip_store.read_index(place)
        about, clips = index["about"], sum(group["clips"] for group in index["groups"].values())
    except (OSError, ValueError, KeyError, TypeError, DamagedStore) as damage:
        return {}, 0, DAMAGED, str(damage)
    if not check:
        return about, clips, WHOLE, ""
    try:
        clip_store.open_store(place, check=True)
    except DamagedStore as damage:
        _unseal(place)
        return about, clips, DAMAGED, str(damage)
    return about, clips, WHOLE, ""


def _unseal(place: pathlib.Path) -> None:
    """Lets the next use notice what a seal does not show."""
    with contextlib.suppress(OSError):
        (place / clip_store.SEAL).unlink()


def _folders(folder: pathlib.Path, key: str) -> list[pathlib.Path]:
    return [folder / key, folder / f"{key}{MAKING}"]


def _size(folder: pathlib.Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # moved or removed a moment ago
            size += path.stat().st_size
    return size


def _used(folder: pathlib.Path, key: str) -> float:
    dates = [folder / f"{key}{LOCK}", *_folders(folder, key)]
    return next((path.stat().st_mtime for path in dates if path.exists()), 0.0)


def _is_in_use(folder: pathlib.Path, key: str) -> bool:
    if not (folder / f"{key}{LOCK}").exists():
        return False
    lock = _alone(folder, key)
    if lock:
        lock.release()
    return lock is None


def _alone(folder: pathlib.Path, key: str) -> FileLock | None:
    return file_lock.take(folder / f"{key}{LOCK}", wait=False)


def _remove(entry: Entry) -> bool:
    """Removes a store unless it is in use."""
    lock = _alone(entry.folder, entry.key)
    if lock is None:
        return False
    try:
        for path in _folders(entry.folder, entry.key):
            if path.exists():
                shutil.rmtree(path)
    finally:
        lock.remove()
    return True
