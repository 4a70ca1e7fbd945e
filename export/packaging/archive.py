"""The package's zip: the same files give the same bytes."""

import os
import pathlib
import zipfile

from export.packaging.packaging_error import PackagingError
from kws_cli import atomic

_BEGINNING = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644 << 16


def check(output: pathlib.Path) -> None:
    """Raises `PackagingError` where `output` is there already, or its folder can't be written."""
    try:
        if os.path.lexists(output):
            raise PackagingError(f"output={output} exists: remove it, or give another path")
        atomic.check(output)
    except OSError as error:
        raise _cant_write(output, error) from error


def write(output: pathlib.Path, files: dict[str, bytes]) -> None:
    """Writes a zip of `files`, path in the zip -> content, sorted, without times; whole or not at all.

    Raises:
      PackagingError: `output` is there already, or can't be written.
    """
    check(output)
    try:
        with atomic.writing(output) as fresh:
            _write(fresh, files)
    except OSError as error:
        raise _cant_write(output, error) from error


def _cant_write(output: pathlib.Path, error: OSError) -> PackagingError:
    return PackagingError(f"can't write output={output}: {error.strerror}: give another path")


def _write(path: pathlib.Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _BEGINNING)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
