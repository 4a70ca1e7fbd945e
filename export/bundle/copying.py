"""Copies a bundle's folder, with whatever else lies in it."""

import pathlib
import shutil
from collections.abc import Iterable

from export.bundle import manifest as manifests
from export.bundle.bundle_error import BundleError


def copy(path: pathlib.Path, fresh: pathlib.Path, files: Iterable[str]) -> None:
    """Copies a bundle's folder to a new one. Links beside its own files stay links: they may lead in circles.

    Args:
      files: names of its own.

    Raises:
      OSError, BundleError: a pipe, a device, or something larger than any file of a bundle.
    """

    def checked(folder: str, names: list[str]) -> tuple[str, ...]:
        for inside in (pathlib.Path(folder, name) for name in names):
            is_file = inside.is_file() and inside.lstat().st_size <= manifests.LARGEST_FILE
            if not (inside.is_symlink() or inside.is_dir() or is_file):
                raise BundleError(f"{inside} is no file of a bundle: move it elsewhere")
        return ()

    try:
        shutil.copytree(path, fresh, symlinks=True, ignore=checked)
    except shutil.Error as error:
        # It lists every file; one of them tells what is wrong.
        source, _, reason = error.args[0][0]
        raise OSError(f"{source} can't be copied: {reason}") from None
    for name in files:
        if (fresh / name).is_symlink():
            (fresh / name).unlink()
            shutil.copyfile(path / name, fresh / name)
