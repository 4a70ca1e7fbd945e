"""The engine's objects by a test's own compiler and flags, kept for the next test that compiles it in the same way."""

import pathlib
import subprocess
from collections.abc import Sequence

from export.host import kept_objects
from microcontroller import c_sources


def objects(command: Sequence[str], folder: pathlib.Path) -> list[pathlib.Path]:
    """An object of every C file of the engine, in a new folder below `folder`.

    Args:
      command: the compiler, and its flags beside those of the engine's headers.
    """
    engine, place = c_sources.engine(), folder / "engine_objects"
    place.mkdir()
    whole = [*command, *c_sources.include_flags(engine), "-c"]
    version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True).stdout

    def compile_here() -> None:
        subprocess.run([*whole, *map(str, engine.files)], check=True, cwd=place)

    return kept_objects.place(place, whole, version, engine.files, engine.headers, compile_here)
