"""Stores under their keys: one that is there is used, one that is missing or damaged is made, by one maker at a time.

<key>/              the store
<key>.making/       what a maker has so far, and what a killed one leaves
<key>.lock          held together by all who use the store, alone to remove it; its date is that of the last use
<key>.making.lock   held by the maker
"""

import contextlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence

from kws.stores import cache_dir, clip_store
from kws.stores.clip_store import ClipStore, DamagedStore
from kws.stores.making import Making
from kws.stores.store_error import StoreError
from kws_cli import file_lock
from kws_cli.file_lock import FileLock

MAKING, LOCK = ".making", ".lock"


def kept_or_made(
    folder: pathlib.Path,
    key: str,
    groups: Sequence[str],
    clip_samples: int,
    make: Callable[[Making, pathlib.Path], None],
) -> ClipStore:
    """The store `key` in `folder`, which is made where there is none.

    Of several processes that want to make it one does; the others wait and use it. A store that is damaged is made
    again, with a warning.

    Args:
      groups: names of its groups.
      make: adds all clips and calls `Making.finish` with the place.

    Raises:
      StoreError: the folder can't be written, locked or read.
    """
    place = folder / key
    with cache_dir.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    use = _use(place)
    store = _opened(place, use)
    if store is None:
        with _making_alone(place):
            store = _opened(place, use, say_damage=True)
            if store is None:
                _make(place, groups, clip_samples, make)
                store = _made(place, use)
    with contextlib.suppress(OSError):  # another user's
        os.utime(f"{place}{LOCK}")
    return store


def kept(folder: pathlib.Path, key: str) -> ClipStore | None:
    """The store `key` in `folder`, to be used as `kept_or_made` gives it; None where there is none that is whole.

    Raises:
      StoreError: it can't be locked.
    """
    place = folder / key
    if not place.is_dir():
        return None
    store = _opened(place, _use(place))
    with contextlib.suppress(OSError):  # another user's
        os.utime(f"{place}{LOCK}")
    return store


def _use(place: pathlib.Path) -> FileLock | None:
    """The lock of who uses the store. None for a store on a medium that can't be written, which nobody can remove."""
    try:
        return file_lock.take(f"{place}{LOCK}", shared=True)
    except OSError as error:
        if place.is_dir():
            return None
        raise cache_dir.unwritable(place.parent, error) from error


def _opened(place: pathlib.Path, use: FileLock | None, say_damage: bool = False) -> ClipStore | None:
    if not place.is_dir():
        return None
    try:
        return clip_store.open_store(place, use)
    except DamagedStore as damage:
        if say_damage:
            print(f"warning: {place} is damaged ({damage}): it is made again", file=sys.stderr)
        return None


def _made(place: pathlib.Path, use: FileLock | None) -> ClipStore:
    """The store that was made a moment ago."""
    try:
        return clip_store.open_store(place, use)
    except DamagedStore as damage:
        raise StoreError(f"cache_dir={place.parent.parent} does not keep what is written to it: {damage}") from damage


@contextlib.contextmanager
def _making_alone(place: pathlib.Path) -> Iterator[None]:
    path = f"{place}{MAKING}{LOCK}"
    with cache_dir.writing(place.parent):
        lock = file_lock.take(path, wait=False)
        if lock is None:
            print(f"another process makes {place}: waiting for it", file=sys.stderr)
            lock = file_lock.take(path)
    assert lock is not None
    try:
        yield
    finally:
        lock.remove()


def _make(
    place: pathlib.Path,
    groups: Sequence[str],
    clip_samples: int,
    make: Callable[[Making, pathlib.Path], None],
) -> None:
    """What is finished stays for the next maker where this one is stopped, and goes where it can't be made."""
    making = Making(pathlib.Path(f"{place}{MAKING}"), groups, clip_samples)
    try:
        make(making, place)
    except Exception:
        making.discard()
        raise
    finally:
        making.close()
