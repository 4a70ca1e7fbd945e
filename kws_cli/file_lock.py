"""Locks between processes, each on a file of its own: whoever comes second waits, or is told.

By flock(2): a lock ends with the process that holds it, however that ends.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import weakref
from types import TracebackType


class FileLock:
    """A lock that is held until it is released, or collected."""

    def __init__(self, path: pathlib.Path, handle: int) -> None:
        """`handle` is the open file at `path`, locked already: see `take`."""
        self._path = path
        self._release = weakref.finalize(self, os.close, handle)

    def release(self) -> None:
        """Lets the next one have it. Releasing twice does no harm."""
        self._release()

    def remove(self) -> None:
        """Releases the lock and removes its file; for the one alone who holds it."""
        if self._release.alive:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._release()

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take(path: str | pathlib.Path, *, shared: bool = False, wait: bool = True, needed: bool = True) -> FileLock | None:
    """Takes the lock at `path`, whose file is made where it is missing.

    Args:
      shared: with others who take it so.
      wait: until it is free.
      needed: if false, a file system that has no locks gives one that keeps nobody off.

    Returns:
      The lock; None where it is another's and `wait` is false.

    Raises:
      OSError: the file can't be made, or lies on a file system that has no locks, which are needed.
    """
    path = pathlib.Path(path)
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        handle = _open(path)
        try:
            _lock(handle, operation, needed)
            if _is_at(path, handle):
                return FileLock(path, handle)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, operation: int, needed: bool) -> None:
    try:
        fcntl.flock(handle, operation)
    except OSError as error:
        if needed or error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise


def _open(path: pathlib.Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        # Another user's, or on a medium that can't be written: it can be locked all the same.
        return os.open(path, os.O_RDONLY)


def _is_at(path: pathlib.Path, handle: int) -> bool:
    """Whether the locked file is still the one at `path`: who held it before may have removed it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
