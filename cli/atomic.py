"""Files and folders that others see whole or not at all: written beside their place, then moved into it."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def writing(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """A path, which does not exist yet, for a file or folder that replaces `path` when the block ends.

    It ends in `path`'s own name and lies in a folder beside it, on the same file system, that is removed at the end.
    What is written is on the disk before it takes its place; where the block raises, what was there stays. `path`'s
    folder is made where it is missing; a symbolic link is followed, not replaced.

    Raises:
      OSError: the folder can't be written.
    """
    place = pathlib.Path(os.path.realpath(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    staging = pathlib.Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        fresh = staging / place.name
        yield fresh
        put(fresh, place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put(fresh: pathlib.Path, place: pathlib.Path) -> None:
    """Writes `fresh`, on the file system of `place`, to the disk and moves it there. Raises `OSError`."""
    for written in (fresh, *fresh.rglob("*")):
        _flush(written)
    _move(fresh, place)
    _flush(place.parent)


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a text file. Raises `OSError` where it can't be."""
    with writing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def _flush(path: pathlib.Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _move(fresh: pathlib.Path, place: pathlib.Path) -> None:
    """Puts `fresh` where `place` is; a folder there is moved aside first: at every moment one of the two is whole."""
    if not (fresh.is_dir() and place.is_dir()):
        os.replace(fresh, place)
        return
    aside = fresh.with_name(f"{fresh.name}.old")
    os.replace(place, aside)
    try:
        os.replace(fresh, place)
    except BaseException:
        os.replace(aside, place)
        raise
    shutil.rmtree(aside, ignore_errors=True)
