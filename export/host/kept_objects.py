"""Objects of C that many libraries and firmwares share, such as the engine's: compiled once, kept for the next ones.

    ~/.cache/fixed-point-kws/objects/<SHA-256 of all that they depend on>.zip     (or under XDG_CACHE_HOME)

What can't be kept, or was damaged meanwhile (a zip file has a checksum of every member), is compiled as if there were
no such folder.
"""

import contextlib
import hashlib
import lzma
import os
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence

from kws_cli import atomic, user_cache

_MOST = 64
"""Files that are kept, those that were used last: one for each compiler and core, and a developer's last edits."""
# What zipfile raises for a damaged file, whose damage may also say that it is compressed.
_UNREADABLE = (
    OSError,
    KeyError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
# GCC looks there for headers, too.
_VARIABLES = ("CPATH", "C_INCLUDE_PATH")


def place(
    folder: pathlib.Path,
    command: Sequence[str],
    version: str,
    files: Sequence[pathlib.Path],
    headers: Iterable[pathlib.Path],
    compile_here: Callable[[], object],
) -> list[pathlib.Path]:
    """Puts the objects of C files into a folder, from an earlier compilation of the same or from a new one.

    Args:
      folder: where they are put.
      command: the compiler, and its flags.
      version: what the compiler says of itself.
      files: that are compiled, none of them named as another.
      headers: that they may include.
      compile_here: writes an object of each file to the folder; what it raises is the caller's.

    Returns:
      The objects, in the order of the files.
    """
    objects = [folder / f"{file.stem}.o" for file in files]
    kept = _folder() / f"{_identity(command, version, files, headers)}.zip"
    if not _taken(kept, objects):
        compile_here()
        _keep(kept, objects)
    return objects


def _folder() -> pathlib.Path:
    return user_cache.folder() / "objects"


def _identity(
    command: Sequence[str], version: str, files: Iterable[pathlib.Path], headers: Iterable[pathlib.Path]
) -> str:
    """SHA-256 of all that objects depend on: paths, too, which messages of a sanitizer name."""
    said = (*command, version, *(os.environ.get(name, "") for name in _VARIABLES))
    digest = hashlib.sha256("\0".join(said).encode())
    for file in (*files, *headers):
        content = file.read_bytes()
        digest.update(f"\0{file}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _taken(kept: pathlib.Path, objects: Sequence[pathlib.Path]) -> bool:
    """Copies kept objects to their places; False where there are none, or damaged ones."""
    try:
        with zipfile.ZipFile(kept) as file:
            contents = [file.read(path.name) for path in objects]
    except _UNREADABLE:
        return False
    for path, content in zip(objects, contents, strict=True):
        path.write_bytes(content)
    with contextlib.suppress(OSError):
        os.utime(kept)
    return True


def _keep(kept: pathlib.Path, objects: Sequence[pathlib.Path]) -> None:
    """Keeps objects, and forgets those that were used longest ago."""
    with contextlib.suppress(OSError):
        with atomic.writing(kept) as fresh, zipfile.ZipFile(fresh, "w") as file:
            for path in objects:
                file.write(path, path.name)
        found = sorted(kept.parent.glob("*.zip"), key=lambda path: path.stat().st_mtime_ns)
        for old in found[:-_MOST]:
            old.unlink(missing_ok=True)
