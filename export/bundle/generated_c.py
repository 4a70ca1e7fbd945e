"""The C of a bundle: written from its integer model, front end and detector wherever it is needed.

It is derived, so no C is taken on trust: what is in a bundle's c/ is used where it equals, to the letter, what this
program writes, and is written again where it does not. c/ has its own manifest, `written.json`, the sha256 of each of
its files as some version of this program wrote them: it tells C of another version, which is replaced, from C that was
edited or damaged, which is refused.
"""

import atexit
import contextlib
import functools
import hashlib
import json
import pathlib
from typing import Annotated, Any

import msgspec

from export.bundle.bundle_error import BundleError
from export.model.detector import Detector
from export.model.integer_model import IntegerModel
from export.plan import FAST
from export.source import detector_source, frontend_source, model_source, stream_source
from kws_cli import atomic, held_folder, json_file

FOLDER = "c"
WRITTEN = "written.json"
_COMPILED = (".c", ".h")
# None leads out of the folder.
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")]
LARGEST_FILE = 1 << 26
"""Bytes of a file of C, 64 MB: that of a network whose weights fill 8 MB."""


def files(
    model: IntegerModel, frontend: dict[str, Any], detector: Detector | None, profile: str = FAST
) -> dict[str, str]:
    """Everything that belongs into c/, name -> text (ASCII).

    Args:
      frontend: the parameters that a bundle stores; empty for a model without a front end of this project.
      detector: None for a bundle that has none yet.
      profile: kernels of the C, one of `export.plan.PROFILES`.

    Raises:
      ValueError: no C runs this model in this profile.
      ModelError, SourceError: front-end parameters for which there is no C.
    """
    texts = model_source.with_plan(model, profile) | stream_source.of_model(model, profile)
    if frontend:
        texts |= frontend_source.of_bundle(frontend)
    if detector is not None:
        texts |= detector_source.generate(detector)
    return dict(sorted(texts.items()))


def hashes(texts: dict[str, str]) -> dict[str, str]:
    """sha256 of each file."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def write(path: pathlib.Path, texts: dict[str, str]) -> None:
    """Makes the folder `path` with the files and their manifest in it."""
    path.mkdir()
    for name, text in texts.items():
        (path / name).write_text(text, encoding="utf-8")
    (path / WRITTEN).write_text(json.dumps(hashes(texts), indent=2) + "\n", encoding="utf-8")


def check(path: pathlib.Path, converted: dict[str, str]) -> None:
    """Refuses a c/ that this program, in whatever version, did not write as it is; one without files is whole.

    Args:
      converted: sha256 of each file as the bundle's manifest has it, for a folder without one of its own.

    Raises:
      BundleError: a file that was changed, is missing, or is no file of the generated C and could be included by it; a
        link in place of the folder.
    """
    remedy = f"remove {path}, it is written again from the integer model"
    if path.is_symlink():  # what it leads to would be replaced
        raise BundleError(f"{path} is a link to elsewhere: {remedy}")
    if not path.is_dir():
        return
    expected = _written(path, converted, remedy)
    for file in sorted(path.iterdir()):
        if file.suffix in _COMPILED and file.name not in expected:
            raise BundleError(f"{file} is none of the files that this program writes: move it elsewhere, or {remedy}")
    if not any((path / name).exists() for name in expected):
        return  # git leaves the manifest, which it ignores, when it takes files away that it tracked in an older commit
    for name, sha256 in expected.items():
        if not (path / name).is_file():
            raise BundleError(f"{path.parent} is truncated, {path.name}/{name} is missing: {remedy}")
        if (path / name).stat().st_size > LARGEST_FILE:
            raise BundleError(f"{path / name} has more than {LARGEST_FILE:,} bytes: {remedy}")
        if hashlib.sha256((path / name).read_bytes()).hexdigest() != sha256:
            raise BundleError(f"{path / name} is damaged or was changed (its sha256 differs): {remedy}")


def folder(path: pathlib.Path, texts: dict[str, str], converted: dict[str, str]) -> pathlib.Path:
    """A folder that holds exactly `texts`: `path`, written first where it has to be.

    Where `path` can't be written (a read-only place) it is a temporary folder that lasts as long as the process.

    Raises:
      BundleError: as `check`; no place to write to at all.
    """
    check(path, converted)
    if not _holds(path, texts):
        try:
            with atomic.writing(path) as fresh:
                write(fresh, texts)
        except OSError:
            # Perhaps another process wrote it in the meantime.
            return path if _holds(path, texts) else _temporary(tuple(texts.items()))
    return path


def _written(path: pathlib.Path, converted: dict[str, str], remedy: str) -> dict[str, str]:
    if not (path / WRITTEN).exists():
        return converted
    if not (path / WRITTEN).is_file():  # a pipe would never end
        raise BundleError(f"{path / WRITTEN} is no file: {remedy}")
    try:
        return json_file.read(path / WRITTEN, dict[_Name, str])
    except (OSError, ValueError) as error:
        raise BundleError(f"{path / WRITTEN} can't be read ({error}): {remedy}") from error


def _holds(path: pathlib.Path, texts: dict[str, str]) -> bool:
    try:
        names = {file.name for file in path.iterdir() if file.name in texts or file.suffix in _COMPILED}
        if not all((path / name).is_file() for name in names):
            return False
        return names == texts.keys() and all((path / name).read_bytes() == texts[name].encode() for name in names)
    except OSError:
        return False


@functools.cache
def _temporary(texts: tuple[tuple[str, str], ...]) -> pathlib.Path:
    try:
        kept = contextlib.ExitStack()
        place = kept.enter_context(held_folder.made("fxp-bundle-")) / FOLDER
        atexit.register(kept.close)
        write(place, dict(texts))
    except OSError as error:
        raise BundleError(f"can't write C to a temporary folder: {error.strerror}; free some space there") from error
    return place
