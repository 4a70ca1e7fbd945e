"""C that stands in for Python on this machine: compiled on first use, and used if it gives Python's results."""

import functools
import multiprocessing
import pathlib
import sys
from collections.abc import Callable
from typing import TypeVar

from export.host.library import HostLibrary
from kws_cli import user_cache

Library = TypeVar("Library", bound=HostLibrary)


def stand_in(
    name: str, build: Callable[[pathlib.Path | None], Library], is_equal: Callable[[Library], bool]
) -> Library | None:
    """The library that `build` compiles, or None where Python has to serve, which one line on stderr says.

    Args:
      name: what Python computes otherwise.
      build: makes the library, in a folder that keeps it or, of None, in none, as `HostLibrary.build` does. Its
        `ValueError` says why there is no such library here, such as a missing compiler; worker processes leave it to
        their parent to say so.
      is_equal: whether the library gives Python's results on a sample. Where it doesn't, every process says so.
    """
    try:
        library = _built(build)
    except (OSError, ValueError) as error:
        if multiprocessing.parent_process() is None:
            _say(f"{error}; Python does what C would do several times faster")
        return None
    if is_equal(library):
        return library
    library.close()
    _say(f"warning: {name} compiled by this machine's C compiler gives other results than Python, which serves instead")
    return None


def _built(build: Callable[[pathlib.Path | None], Library]) -> Library:
    """Kept among the user's caches; compiled for this process alone where that can't be written or executed."""
    try:
        return build(user_cache.of_code("compiled"))
    except (OSError, ValueError):
        return build(None)


@functools.cache
def _say(line: str) -> None:
    print(line, file=sys.stderr)
