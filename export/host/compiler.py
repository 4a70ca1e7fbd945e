"""The C compiler of this machine, and the flags of every C file of the project."""

import errno
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterable, Sequence

from export.host import kept_objects
from export.host.host_error import HostError

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
C_FLAGS = ("-std=c11", *WARNINGS)
"""Language and warnings for every C file of the project, on the host and on the device."""
COMPILE_FLAGS = ("-O2", "-ffp-contract=off", "-fPIC")
HOST_FLAGS = (*COMPILE_FLAGS, "-shared")
"""Of a shared library of this machine; a product and a sum of floats stay two operations, as NumPy has them."""
REMEDY = "write the bundle again with python -m export.convert"
_COMPILERS = ("cc", "gcc", "clang")
_VERSION_TIMEOUT_S = 60.0


def path() -> str:
    """Path of the host's C compiler. Raises `HostError` where there is none."""
    for name in _COMPILERS:
        if found := shutil.which(name):
            return found
    raise HostError("no C compiler: install gcc")


def version() -> str:
    """What the host's compiler says of itself. Raises `HostError` where it can't be started, or never ends."""
    return _run([path(), "--version"], _VERSION_TIMEOUT_S).stdout


def compile_library(
    c_folder: pathlib.Path,
    generated: Sequence[str],
    files: Iterable[pathlib.Path],
    includes: Iterable[pathlib.Path],
    library: pathlib.Path,
    remedy: str = REMEDY,
    build: Sequence[str] = (),
    objects: Sequence[pathlib.Path] = (),
) -> pathlib.Path:
    """Compiles a bundle's generated C with the project's own, as a shared library for the host unless told otherwise.

    Args:
      c_folder: where the generated files lie.
      generated: their names; .c ones are compiled.
      files, includes: the project's own sources, and the folders of its headers.
      library: where to write it.
      remedy: what to do about files that are missing or don't compile.
      build: another compiler, and its flags beside language, warnings and folders.
      objects: that are linked, too.

    Raises:
      HostError: no compiler, a file missing, or C that does not compile.
    """
    check_written(c_folder, generated, remedy)
    own = [str(c_folder / name) for name in generated if name.endswith(".c")]
    build = build or (path(), *HOST_FLAGS)
    flags = [*C_FLAGS, *(f"-I{folder}" for folder in (*includes, c_folder))]
    result = _run([*build, *flags, *own, *map(str, files), *map(str, objects), "-o", str(library)])
    if result.returncode:
        raise HostError(f"{c_folder} does not compile ({_reason(result)}): {remedy}")
    return library


def compile_objects(
    folder: pathlib.Path,
    files: Sequence[pathlib.Path],
    includes: Iterable[pathlib.Path],
    headers: Iterable[pathlib.Path],
) -> list[pathlib.Path]:
    """Objects for a library of this machine, of C that includes nothing generated: compiled once for all libraries.

    Args:
      folder: where they are put.
      files, includes: the project's own sources, and the folders of its headers.
      headers: those of these folders.

    Raises:
      HostError: no compiler, or C that does not compile.
    """
    command = [path(), *COMPILE_FLAGS, *C_FLAGS, *(f"-I{folder}" for folder in includes), "-c"]

    def compile_here() -> None:
        result = _run([*command, *map(str, files)], folder=folder)
        if result.returncode:
            raise HostError(f"the engine does not compile ({_reason(result)}): is the compiler too old?")

    return kept_objects.place(folder, command, version(), files, headers, compile_here)


def check_written(c_folder: pathlib.Path, names: Sequence[str], remedy: str = REMEDY) -> None:
    """Raises `HostError` for the first of these files that is not in the folder."""
    for name in names:
        if not (c_folder / name).is_file():
            raise HostError(f"{c_folder / name} is missing: {remedy}")


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    """The line that says why C does not compile. Raises `HostError` where the C is not to blame."""
    if os.strerror(errno.ENOSPC) in result.stderr:
        raise HostError(f"{os.strerror(errno.ENOSPC)} for what is compiled: free some, or set TMPDIR to another folder")
    lines = result.stderr.splitlines() or ["no message"]
    return next((line for line in lines if "error" in line), lines[0])


def _run(
    command: list[str], timeout_s: float | None = None, folder: pathlib.Path | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=timeout_s)
    except OSError as error:
        raise HostError(f"{command[0]} can't be started: {error.strerror}; install it again") from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{command[0]} {command[1]} has not ended after {timeout_s:g} s: install it again") from error
