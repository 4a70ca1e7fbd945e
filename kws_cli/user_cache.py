"""The project's folder among the user's caches."""

import errno
import os
import pathlib
import stat

_FOR_OTHERS_TO_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ROOT = 0


def folder() -> pathlib.Path:
    """Where the XDG Base Directory Specification puts it, which takes absolute paths alone.

    Raises:
      FileNotFoundError: nothing says where this user's home is.
    """
    chosen = pathlib.Path(os.environ.get("XDG_CACHE_HOME", ""))
    caches = chosen if chosen.is_absolute() else pathlib.Path(os.path.expanduser("~/.cache"))
    if not caches.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "no home folder: set HOME or XDG_CACHE_HOME", "~/.cache")
    return caches / "fixed-point-kws"


def of_code(name: str) -> pathlib.Path:
    """A folder in it for what is executed later, made where it is missing, which this user alone may write.

    What others put there, as long as they could, is still there: `is_own` tells it.

    Raises:
      OSError: it can't be made, or is somebody else's.
    """
    place = folder() / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir(mode=0o700, exist_ok=True)
    if place.stat().st_uid == os.geteuid():
        place.chmod(0o700)
    if not is_own(place):
        raise PermissionError(errno.EPERM, "it is somebody else's", str(place))
    return place


def is_own(place: pathlib.Path | int) -> bool:
    """Whether a file or folder is this user's (or root's, who may do anything), and nobody else may write it.

    Args:
      place: its path, or an open file's number.

    Raises:
      OSError: there is none.
    """
    status = os.stat(place)
    return status.st_uid in (os.geteuid(), _ROOT) and not status.st_mode & _FOR_OTHERS_TO_WRITE
