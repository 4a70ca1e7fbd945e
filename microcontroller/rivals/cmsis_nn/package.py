"""Where CMSIS-NN's C sources are: in the installed PyPI package `bakenn` (Apache-2.0)."""

import importlib.metadata
import importlib.util
import pathlib

from microcontroller.firmware.build_error import BuildError

_PACKAGE = "bakenn"
_VENDOR = pathlib.Path("backend", "cmsis_nn", "vendor")


def root() -> pathlib.Path:
    """The folder that holds cmsis_nn/ and cmsis_core/. The package itself is not imported.

    Raises:
      BuildError: the package is not installed, or holds no such folder.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BuildError(
            f"CMSIS-NN's sources come with the Python package {_PACKAGE}, which is missing: run make setup"
        )
    folder = pathlib.Path(next(iter(spec.submodule_search_locations))) / _VENDOR
    if not (folder / "cmsis_nn" / "Source").is_dir():
        raise BuildError(
            f"the installed {_PACKAGE} has no {_VENDOR}/cmsis_nn/Source: run make setup for the pinned version"
        )
    return folder


def version() -> str:
    """What the sources are, for a report."""
    return f"CMSIS-NN 4.0.0 as in {_PACKAGE} {importlib.metadata.version(_PACKAGE)}"


def sources() -> list[pathlib.Path]:
    """All C files, sorted; the linker drops what a model does not call."""
    return sorted((root() / "cmsis_nn" / "Source").rglob("*.c"))


def include_dirs() -> list[pathlib.Path]:
    """Folders of public headers."""
    return [root() / "cmsis_nn" / "Include", root() / "cmsis_core" / "Include"]
