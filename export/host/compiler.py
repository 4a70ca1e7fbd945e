"""The C compiler of this machine, and the flags of every C file of the project."""

import pathlib
import shutil
import subprocess
from collections.abc import Iterable, Sequence

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
) -> pathlib.Path:
    """Compiles a bundle's generated C with the project's own, as a shared library for the host unless told otherwise.

    Args:
      c_folder: where the generated files lie.
      generated: their names; .c ones are compiled.
      files, includes: the project's own sources, and the folders of its headers.
      library: where to write it.
      remedy: what to do about files that are missing or don't compile.
      build: another compiler, and its flags beside language, warnings and folders.

    Raises:
      HostError: no compiler, a file missing, or C that does not compile.
    """
    check_written(c_folder, generated, remedy)
    own = [str(c_folder / name) for name in generated if name.endswith(".c")]
    build = build or (path(), *HOST_FLAGS)
    flags = [*C_FLAGS, *(f"-I{folder}" for folder in (*includes, c_folder))]
    result = _run([*build, *flags, *own, *map(str, files), "-o", str(library)])
    if result.returncode:
        lines = result.stderr.splitlines() or ["no message"]
        reason = next((line for line in lines if "error" in line), lines[0])
        raise HostError(f"{c_folder} does not compile ({reason}): {remedy}")
    return library


def check_written(c_folder: pathlib.Path, names: Sequence[str], remedy: str = REMEDY) -> None:
    """Raises `HostError` for the first of these files that is not in the folder."""
    for name in names:
        if not (c_folder / name).is_file():
            raise HostError(f"{c_folder / name} is missing: {remedy}")


def _run(command: list[str], timeout_s: float | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    except OSError as error:
        raise HostError(f"{command[0]} can't be started: {error.strerror}; install it again") from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{command[0]} {command[1]} has not ended after {timeout_s:g} s: install it again") from error
