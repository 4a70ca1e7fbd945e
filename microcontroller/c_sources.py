"""The C of this folder: the files of each part, and the folders from which its headers are included.

Whoever compiles it asks here. It imports nothing of the project, so that `export`, which compiles the same C for the
host, can ask too.
"""

import dataclasses
import pathlib

_MICROCONTROLLER = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass(frozen=True)
class CSources:
    """One part: the engine, the front end, the detector, the self-test, the library around them, or many models.

    Attributes:
      files: C files, sorted.
      include_folders: of `#include` in these and in what is generated for them.
      headers: all headers, sorted.
      host: folder of the C files that show a part to the host.
    """

    files: tuple[pathlib.Path, ...]
    include_folders: tuple[pathlib.Path, ...]
    headers: tuple[pathlib.Path, ...]
    host: pathlib.Path


def engine(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """The kernels of every profile; what a model does not call is not linked."""
    folder = microcontroller / "engine"
    return _part(folder, folder / "nn", (folder / "include", folder))


def front_end(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """From samples to features; the generated tables include a private header."""
    folder = microcontroller / "frontend"
    return _part(folder, folder / "src", (folder / "include", folder / "src"))


def detector(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """From a stream's logits to keywords."""
    folder = microcontroller / "detector"
    return _part(folder, folder / "src", (folder / "include",))


def library(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """From samples to keywords in one call: what a package shows its user, around the parts above.

    Its public headers are generated for a bundle (`export.packaging`).
    """
    folder = microcontroller / "library"
    return _part(folder, folder / "src", (folder / "src",))


def many_models(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """Runs a table of generated models, each told by checksums."""
    folder = microcontroller / "many_models"
    return _part(folder, folder / "src", (folder / "include",))


def self_test(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """What tests the tables of the others' generated C where that is compiled with FXP_CHECK_TABLES."""
    folder = microcontroller / "self_test"
    return _part(folder, folder / "src", (folder / "include",))


def checksum(microcontroller: pathlib.Path = _MICROCONTROLLER) -> CSources:
    """The self-test's CRC-32, for whoever else tells bytes by it."""
    whole = self_test(microcontroller)
    files = tuple(path for path in whole.files if path.name == "fxp_crc32.c")
    return dataclasses.replace(whole, files=files)


def include_flags(*parts: CSources) -> list[str]:
    """A compiler's -I for these parts."""
    return [f"-I{folder}" for part in parts for folder in part.include_folders]


def _part(folder: pathlib.Path, source: pathlib.Path, include_folders: tuple[pathlib.Path, ...]) -> CSources:
    headers = {*(folder / "include").rglob("*.h"), *source.rglob("*.h")}
    return CSources(tuple(sorted(source.rglob("*.c"))), include_folders, tuple(sorted(headers)), folder / "host")
