"""The identity of a folder's files, without reading them."""

import hashlib
import os
import pathlib
from collections.abc import Iterator

DEPTH = 3


def sha256(root: pathlib.Path, depth: int = DEPTH) -> str:
    """SHA-256 of the names, sizes and times of the files in `root` and `depth - 1` levels of folders below.

    Times are of the last change of the content and of the file's entry (ctime), which no program can set: other content
    of the same size and date is noticed, and a copy is other files. Names that begin with a dot are passed over; links
    are followed. Some 200,000 files in a second.

    Raises:
      OSError: `root` can't be read.
    """
    os.scandir(root).close()
    digest = hashlib.sha256()
    for lines in _folders(os.fspath(root), "", depth):
        digest.update("".join(lines).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _folders(path: str, name: str, depth: int) -> Iterator[list[str]]:
    """For each folder a line per entry, the names relative to the root; no line has another's content in it."""
    try:
        with os.scandir(path) as found:
            entries = sorted((entry for entry in found if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError:
        yield [f"{name!r} can't be read\n"]
        return
    yield [f"{name!r} {len(entries)}\n", *map(_line, entries)]
    if depth > 1:
        for entry in entries:
            if _is_folder(entry):
                yield from _folders(entry.path, f"{name}/{entry.name}", depth - 1)


def _line(entry: os.DirEntry[str]) -> str:
    if _is_folder(entry):
        return f"{entry.name!r} folder\n"
    try:
        status = entry.stat()
    except OSError:
        return f"{entry.name!r} leads nowhere\n"
    return f"{entry.name!r} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}\n"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circle of links
        return False
