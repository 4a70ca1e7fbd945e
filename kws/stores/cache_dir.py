"""Where stores lie: the folder that is given, or the project's among the user's caches."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from kws.stores.store_error import StoreError
from kws_cli import user_cache

# The environment variable that names the folder where nothing else does.
CACHE_DIR_VARIABLE = "KWS_CACHE_DIR"
_CLIPS = "clips"


def given(cache_dir: str | None) -> str | None:
    """The folder that a setting or the environment names; None where none does."""
    return os.environ.get(CACHE_DIR_VARIABLE) or None if cache_dir is None else cache_dir


def of_clips(cache_dir: str | None) -> pathlib.Path:
    """The folder of the stores of clips.

    Args:
      cache_dir: None for what the environment says.

    Raises:
      StoreError: it says nothing.
    """
    if chosen := given(cache_dir):
        return pathlib.Path(chosen) / _CLIPS
    try:
        return user_cache.folder() / _CLIPS
    except FileNotFoundError as error:
        raise StoreError(
            f"{error.strerror}, or give a folder for clips by cache_dir or {CACHE_DIR_VARIABLE}"
        ) from error


@contextlib.contextmanager
def writing(folder: pathlib.Path) -> Iterator[None]:
    """Turns an `OSError` of the block into a `StoreError` about the cache that `folder` of stores lies in."""
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: pathlib.Path, error: OSError) -> StoreError:
    """What there is to say of a folder of stores that can't be written."""
    return StoreError(
        f"cache_dir={folder.parent} can't be written: {error.strerror or error}: make room there, with python -m "
        "kws.cache --prune, or give another folder"
    )
