"""What the packages weigh that this project installs, by extra. `python -m scripts.core_size`.

A package weighs its files as its installer lists them, without the bytecode that pip compiles beside them (with
`--no-compile` it makes none, nor does uv). Packages that aren't installed are named, not weighed.
"""

import argparse
import importlib.metadata
import pathlib
import tomllib
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN_NAME = "fixed-point-kws"
CORE = "core"
_MEGABYTE = 1_000_000


def requirements() -> dict[str, list[str]]:
    """Extra, `CORE` first -> what it requires, as pyproject.toml says it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {CORE: project["dependencies"], **project["optional-dependencies"]}


def closure(names: Iterable[str]) -> tuple[set[str], set[str]]:
    """The packages that these need, themselves included, by normalized name: installed, and missing."""
    installed: set[str] = set()
    missing: set[str] = set()
    waiting = list(names)
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name == OWN_NAME:
            waiting += [each for extra in requirement.extras for each in requirements()[extra]]
            continue
        if name in installed | missing or not (
            requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        ):
            continue
        # Of a package's own extras, as tensorflow[and-cuda], what they bring is not followed.
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            missing.add(name)
            continue
        installed.add(name)
        waiting += needed
    return installed, missing


def size(name: str) -> int:
    """Bytes of a package's files, bytecode left aside."""
    files = importlib.metadata.files(name) or []
    paths = [pathlib.Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def weigh(extra: str) -> tuple[int, set[str]]:
    """Bytes of all packages of an extra, with the core's, and the missing ones."""
    installed, missing = closure([*requirements()[CORE], *requirements()[extra]])
    return sum(map(size, installed)), missing


def main() -> None:
    """The command `python -m scripts.core_size`."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for extra in requirements():
        weight, missing = weigh(extra)
        lacking = f" without {', '.join(sorted(missing))}, not installed here" if missing else ""
        print(f"{extra:8}{weight / _MEGABYTE:8,.0f} MB{lacking}")


if __name__ == "__main__":
    main()
