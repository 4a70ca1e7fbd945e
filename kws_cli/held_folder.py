"""Temporary folders that a killed program doesn't leave for good: the next one of their kind removes them.

    <prefix>xxxxxxxx/     as `tempfile.mkdtemp` makes it
        .held             locked by the process that works in it, as long as it lives

A folder whose lock nobody holds was left by a process that was killed. One without the file is none of these. Before it
is locked, and when its lock goes, it has another name, <prefix>xxxxxxxx.new, by which an empty one is known.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from kws_cli import file_lock
from kws_cli.file_lock import FileLock

HELD = ".held"
_NEW = ".new"
_OF_COMMAND = "kws-temporary-"


@contextlib.contextmanager
def made(prefix: str, parent: str | pathlib.Path | None = None) -> Iterator[pathlib.Path]:
    """A new folder, removed at the end; before it is made, those of its kind that nobody holds are removed.

    Args:
      prefix: of its name, which says what it is for.
      parent: where it lies; None for the system's folder of temporary files.

    Raises:
      OSError: it can't be made.
    """
    parent = pathlib.Path(parent or tempfile.gettempdir())
    remove_abandoned(prefix, parent)
    folder, lock = _new(prefix, parent)
    try:
        yield folder
    finally:
        _clear(folder)
        lock.release()


@contextlib.contextmanager
def of_command() -> Iterator[None]:
    """What this process and the libraries in it make as temporary files lies in one such folder while the block lasts.

    TensorFlow writes one for each function that it traces and removes them when the process ends by itself. Where no
    folder can be made they lie where they did.
    """
    before = tempfile.tempdir
    if before is None and os.access(place := os.environ.get("TMPDIR", "/tmp"), os.W_OK | os.X_OK):
        tempfile.tempdir = os.path.abspath(place)  # Python would try by a file, which a kill may leave
    with contextlib.ExitStack() as kept:
        with contextlib.suppress(OSError):
            tempfile.tempdir = str(kept.enter_context(made(_OF_COMMAND, system_folder())))
        try:
            yield
        finally:
            tempfile.tempdir = before


def system_folder() -> pathlib.Path:
    """The system's folder of temporary files, in a command, too: for what another process shall find."""
    folder = pathlib.Path(tempfile.gettempdir())
    return folder.parent if folder.name.startswith(_OF_COMMAND) else folder


def remove_abandoned(prefix: str, parent: pathlib.Path) -> None:
    """Removes the folders of a kind that killed processes left; what can't be removed stays."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.is_dir(follow_symlinks=False):
                _remove(pathlib.Path(entry.path))


def is_one(path: pathlib.Path) -> bool:
    """Whether a path is such a folder, in use or left."""
    return (path / HELD).is_file() or (path.name.endswith(_NEW) and path.is_dir() and not any(path.iterdir()))


def _remove(folder: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        if (folder / HELD).is_file() and (lock := file_lock.take(folder / HELD, wait=False)):
            with lock:
                _clear(folder)
        elif folder.name.endswith(_NEW):
            folder.rmdir()  # only an empty one; a maker who has not locked it yet makes another


def _clear(folder: pathlib.Path) -> None:
    """Removes a folder, the lock last: where this is cut short, the rest is still known for what it is."""
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != HELD:
                entry.unlink()
        bare = folder if folder.name.endswith(_NEW) else folder.rename(folder.with_name(folder.name + _NEW))
        (bare / HELD).unlink(missing_ok=True)
        bare.rmdir()


def _new(prefix: str, parent: pathlib.Path) -> tuple[pathlib.Path, FileLock]:
    while True:
        new = pathlib.Path(tempfile.mkdtemp(_NEW, prefix, parent))
        # Between its making and its locking another process may take it for an abandoned one.
        with contextlib.suppress(FileNotFoundError):
            if lock := file_lock.take(new / HELD, wait=False, needed=False):
                return new.rename(new.with_name(new.name.removesuffix(_NEW))), lock
