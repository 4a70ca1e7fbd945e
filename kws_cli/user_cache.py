"""The project's folder among the user's caches."""

import os
import pathlib


def folder() -> pathlib.Path:
    """Where the XDG Base Directory Specification puts it."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(caches) / "fixed-point-kws"
