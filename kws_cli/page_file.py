"""An HTML page that a command writes: over a page of before, and over no other file."""

import pathlib

from kws_cli import atomic
from kws_cli.command import UserError

_BEGINNING = b"<!doctype html"


def check(path: pathlib.Path, flag: str) -> None:
    """Raises `UserError` where `write` would, for a command that works long for its page.

    Args:
      flag: the setting that named `path`.
    """
    try:
        atomic.check(path)
        if path.is_file() and not _is_page(path):
            raise UserError(f"--{flag}={path} exists and is no HTML page: give another path")
    except OSError as error:
        raise UserError(f"can't write --{flag}={path}: {error.strerror}: give another path") from error


def write(path: pathlib.Path, text: str, flag: str) -> None:
    """Writes a page, whole or not at all.

    Raises:
      UserError: `path` can't be written, or is a file that is no page.
    """
    check(path, flag)
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise UserError(f"can't write --{flag}={path}: {error.strerror}: give another path") from error


def _is_page(path: pathlib.Path) -> bool:
    """Whether a file begins as a page does; an empty one may become a page, too."""
    with path.open("rb") as file:
        beginning = file.read(len(_BEGINNING)).lower()
    return beginning in (b"", _BEGINNING)
