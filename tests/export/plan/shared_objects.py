"""Generated C as libraries for the host, linked with an engine that is compiled once."""

import pathlib
import subprocess
from collections.abc import Mapping, Sequence

import compiled_engine

from export.host import compiler
from microcontroller import c_sources

_ENGINE = c_sources.engine()
_COMPILE = (compiler.path(), *compiler.C_FLAGS, "-O1", "-fPIC")


def engine(folder: pathlib.Path) -> list[pathlib.Path]:
    """The engine's object files, written to an empty folder."""
    return compiled_engine.objects(_COMPILE, folder)


def library(
    folder: pathlib.Path, texts: Mapping[str, str], binding: str, objects: Sequence[pathlib.Path]
) -> pathlib.Path:
    """Compiles generated C, the file of the engine's host folder that shows it to Python, and the engine's objects."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    files = [*(folder / name for name in texts if name.endswith(".c")), _ENGINE.host / binding, *objects]
    path = folder / "library.so"
    include = [*c_sources.include_flags(_ENGINE), f"-I{folder}"]
    subprocess.run([*_COMPILE, "-shared", *include, *map(str, files), "-o", str(path)], check=True)
    return path
