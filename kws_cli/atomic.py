"""Files and folders that others see whole or not at all: written beside their place, then moved into it."""

import contextlib
import ctypes
import errno
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from kws_cli import held_folder

# Of renameat2(2): paths as they are, and both names stay.
_HERE = -100
_EXCHANGE = 2


@contextlib.contextmanager
def writing(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """A path, which does not exist yet, for a file or folder that replaces `path` when the block ends.

    It ends in `path`'s own name and lies in a folder beside it, on the same file system, that is removed at the end.
    What is written is on the disk before it takes its place; where the block raises, what was there stays. `path`'s
    folder is made where it is missing; a symbolic link is followed, not replaced. What a killed writer left beside
    `path` is removed.

    Raises:
      OSError: the folder can't be written.
    """
    place = pathlib.Path(os.path.realpath(path))
    _make_folder(place.parent)
    with held_folder.made(f".{place.name}-", place.parent) as staging:
        fresh = staging / place.name
        yield fresh
        put(fresh, place)


def _make_folder(path: pathlib.Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # as the system says of a file below a file
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error


def put(fresh: pathlib.Path, place: pathlib.Path) -> None:
    """Writes `fresh`, on the file system of `place`, to the disk and moves it there. Raises `OSError`."""
    for written in (fresh, *fresh.rglob("*")):
        _flush(written)
    _move(fresh, place)
    _flush(place.parent)


def check(path: str | pathlib.Path) -> None:
    """Raises `OSError` where `writing` a file would: before the work of which it is to tell, not behind it.

    A pipe or a device, which nothing may replace, is not looked at.
    """
    path = pathlib.Path(path).absolute()
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.exists() or path.is_file():
        with tempfile.TemporaryFile(dir=next(parent for parent in path.parents if parent.exists())):
            pass


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
    """Puts `fresh` where `place` is; a folder there changes places with it: at every moment one of the two is there."""
    if not (fresh.is_dir() and place.is_dir()):
        os.replace(fresh, place)
    elif _exchange(fresh, place):
        shutil.rmtree(fresh, ignore_errors=True)
    else:
        _move_aside(fresh, place)


def _exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Exchanges two folders in one step, by renameat2(2); False where the file system has no such step."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _move_aside(fresh: pathlib.Path, place: pathlib.Path) -> None:
    aside = fresh.with_name(f"{fresh.name}.old")
    os.replace(place, aside)
    try:
        os.replace(fresh, place)
    except BaseException:
        os.replace(aside, place)
        raise
    shutil.rmtree(aside, ignore_errors=True)
