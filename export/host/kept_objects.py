"""Objects of C that many libraries and firmwares share, such as the engine's: compiled once, kept for the next ones.

    ~/.cache/fixed-point-kws/objects/<SHA-256 of all that they depend on>.zip     (or under XDG_CACHE_HOME)

What can't be kept, or was damaged meanwhile (a zip file has a checksum of every member), is compiled as if there were
no such folder. So is everything where somebody else may write the folder, whose objects would run in this user's name,
and where the environment sends the compiler to other headers or to other programs than those it was installed with.
"""

import contextlib
import hashlib
import os
import pathlib
import platform
import stat
import zipfile
from collections.abc import Callable, Iterable, Sequence

from kws_cli import atomic, user_cache

_MOST = 64
"""Files that are kept, those that were used last: one for each compiler and core, and a developer's last edits."""
_LARGEST = 1 << 26
"""Bytes of such a file, 64 MB."""
# What zipfile raises for a damaged file.
_UNREADABLE = (OSError, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile)
_ELSEWHERE = ("CPATH", "C_INCLUDE_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX")
"""Folders of headers and programs that nobody has looked into."""
_FLAGS = ("CCC_OVERRIDE_OPTIONS", "NIX_CFLAGS_COMPILE", "NIX_HARDENING_ENABLE")
"""What clang, and compilers in the wrappers of Nix, take beside the flags that they are given."""


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
    kept = _kept_file(command, version, files, headers)
    if kept is None or not _taken(kept, objects):
        compile_here()
        if kept is not None:
            _keep(kept, objects)
    return objects


def _kept_file(
    command: Sequence[str], version: str, files: Iterable[pathlib.Path], headers: Iterable[pathlib.Path]
) -> pathlib.Path | None:
    """Where these objects are kept; None where nothing is."""
    if any(os.environ.get(name) for name in _ELSEWHERE):
        return None
    try:
        return user_cache.of_code("objects") / f"{_identity(command, version, files, headers)}.zip"
    except OSError:
        return None


def _identity(
    command: Sequence[str], version: str, files: Iterable[pathlib.Path], headers: Iterable[pathlib.Path]
) -> str:
    """SHA-256 of all that objects depend on: paths, too, which messages of a sanitizer name."""
    said = (*command, *surroundings(command[0], version))
    digest = hashlib.sha256("\0".join(said).encode(errors="surrogateescape"))
    for file in (*files, *headers):
        content = file.read_bytes()
        digest.update(f"\0{file}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return digest.hexdigest()


def surroundings(compiler: str, version: str) -> tuple[str, ...]:
    """What compiled C depends on beside flags and files, as text.

    Machines that share a home may have different compilers that are called and say the same.
    """
    program = os.stat(compiler)
    variables = (os.environ.get(name, "") for name in (*_FLAGS, *_ELSEWHERE))
    return (version, platform.machine(), str(program.st_size), str(program.st_mtime_ns), *variables)


def _taken(kept: pathlib.Path, objects: Sequence[pathlib.Path]) -> bool:
    """Copies kept objects to their places; False where there are none, or damaged ones."""
    try:
        with open(kept, "rb", opener=_opened) as opened, zipfile.ZipFile(opened) as file:
            if any(member.compress_type != zipfile.ZIP_STORED for member in file.infolist()):
                return False
            contents = [file.read(path.name) for path in objects]
    except _UNREADABLE:
        return False
    for path, content in zip(objects, contents, strict=True):
        path.write_bytes(content)
    with contextlib.suppress(OSError):
        os.utime(kept)
    return True


def _opened(path: str, flags: int) -> int:
    """A file of this user's own of a size that objects may have; a pipe is not waited for. Raises `OSError`."""
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST and user_cache.is_own(handle):
        return handle
    os.close(handle)
    raise PermissionError(f"{path} is none of this user's own files")


def _keep(kept: pathlib.Path, objects: Sequence[pathlib.Path]) -> None:
    """Keeps objects, and forgets those that were used longest ago."""
    with contextlib.suppress(OSError):
        with atomic.writing(kept) as fresh, zipfile.ZipFile(fresh, "w", strict_timestamps=False) as file:
            for path in objects:
                file.write(path, path.name)
            fresh.chmod(0o600)
        found = [path for path in kept.parent.glob("*.zip") if path.is_file()]
        for old in sorted(found, key=lambda path: path.stat().st_mtime_ns)[:-_MOST]:
            old.unlink(missing_ok=True)
