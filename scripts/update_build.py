"""Writes BUILD: every source file of every room, listed explicitly and in buildifier's own order.

    python -m scripts.update_build            rewrites BUILD
    python -m scripts.update_build --check    exits with 1 if BUILD is out of date

A room is a top-level folder. Which room depends on which is read from the import statements, and rooms that
depend on each other in a circle are refused: Bazel could not build them, and the way of the data goes one way.
microcontroller's C is data, named by microcontroller.c_sources: that module is a target beside the rooms.
"""

import ast
import graphlib
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Sequence

from microcontroller import c_sources

ROOMS = ("export", "kws", "kws_cli", "microcontroller", "quant", "scripts")
TESTS = "tests"
MODELS = "models"
SUFFIXES = (".S", ".c", ".cc", ".h", ".html", ".js", ".json", ".ld", ".py", ".repl", ".resc", ".robot", ".sh", ".toml")
C_SOURCES = "c_sources"
# The module that names microcontroller's C, a target of its own: export imports it and nothing else of that room.
C_MODULE = f"microcontroller.{C_SOURCES}"
C_FILES = ("microcontroller/__init__.py", f"microcontroller/{C_SOURCES}.py")
HOUSE_FILES = (
    *(
        ".ci/run",
        ".clang-format",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "Dockerfile",
        "LICENSE",
        "MODULE.bazel",
        "Makefile",
        "README.md",
    ),
    *(
        "pyproject.toml",
        "requirements-docs.txt",
        "requirements-fuzz.txt",
        "requirements-gpu.txt",
        "requirements-rivals.txt",
        "requirements-search.txt",
    ),
    "requirements.in",
    "requirements.txt",
)

HEADER = '''"""Every source file, room by room. Written by `make build-files`: change scripts/update_build.py, not this.

Third-party packages are those of requirements.txt: run Bazel with a Python toolchain that has them.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")
load("@rules_python//python:defs.bzl", "py_binary", "py_library", "py_test")

package(default_visibility = ["//visibility:public"])
'''


class CircleError(ValueError):
    """Rooms that import each other in a circle; the message names them."""


def files_of(root: pathlib.Path, *rooms: str) -> list[str]:
    """Returns the files in these rooms as sorted POSIX paths: those git tracks, or all where git isn't."""
    listing = (
        subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--", *rooms], capture_output=True, text=True, check=False
        )
        if (root / ".git").exists()
        else None
    )
    if listing is not None and listing.returncode == 0:
        paths = [path for path in listing.stdout.split("\0") if path and (root / path).is_file()]
    else:
        paths = [
            path.relative_to(root).as_posix()
            for room in rooms
            for path in (root / room).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and not (room == MODELS and path.parent.name == "c")
        ]
    return sorted(paths)


def source_files(root: pathlib.Path) -> list[str]:
    """Returns the source files under `root`, tests included, as sorted POSIX paths."""
    return [path for path in files_of(root, *ROOMS, TESTS) if path.endswith(SUFFIXES)]


def imported_rooms(source: str) -> set[str]:
    """Returns the rooms that a Python source imports, inside functions too; `C_SOURCES` for the module of that name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    rooms = {C_SOURCES if f"{name}.".startswith(f"{C_MODULE}.") else name.split(".")[0] for name in names}
    return rooms & {*ROOMS, C_SOURCES}


def is_command(source: str) -> bool:
    """Tells whether a Python source runs something when it is called as a program."""
    return any(
        isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
        for node in ast.parse(source).body
    )


def room_dependencies(root: pathlib.Path, files: Iterable[str]) -> dict[str, set[str]]:
    """Returns the rooms that each room imports; raises `CircleError` where they form a circle."""
    dependencies: dict[str, set[str]] = {room: set() for room in (*ROOMS, C_SOURCES)}
    for path in files:
        room = C_SOURCES if path in C_FILES else path.split("/")[0]
        if path.endswith(".py") and room in dependencies:
            dependencies[room] |= imported_rooms((root / path).read_text(encoding="utf-8")) - {room}
    try:
        graphlib.TopologicalSorter(dependencies).prepare()
    except graphlib.CycleError as error:
        raise CircleError(f"rooms import each other in a circle: {' -> '.join(reversed(error.args[1]))}") from error
    return dependencies


def _order(value: str) -> tuple[bool, list[str], str]:
    """buildifier's order of strings in a list: labels of this package first, then piece by piece."""
    return not value.startswith(":"), value.replace(":", ".").split("."), value


def _attribute(name: str, value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return f'    {name} = "{value}",\n'
    if len(value) == 1:
        return f'    {name} = ["{value[0]}"],\n'
    items = "".join(f'        "{item}",\n' for item in value)
    return f"    {name} = [\n{items}    ],\n"


def _rule(kind: str, name: str, **attributes: str | Sequence[str]) -> str:
    lines = "".join(_attribute(key, value) for key, value in attributes.items() if value)
    return f"\n{kind}(\n" + _attribute("name", name) + lines + ")\n"


def _files(paths: Iterable[str], *, python: bool) -> list[str]:
    return sorted((path for path in paths if path.endswith(".py") == python), key=_order)


def _room_rules(root: pathlib.Path, room: str, files: Sequence[str], dependencies: Iterable[str]) -> str:
    python, other = _files(files, python=True), _files(files, python=False)
    text = _rule("filegroup", f"{room}_sources", srcs=other) if other else ""
    if data := [path for path in C_FILES if path in python]:
        python = [path for path in python if path not in data]
        text += _rule("py_library", C_SOURCES, srcs=data, data=[f":{room}_sources"], imports=["."])
    if python:
        data = [f":{room}_sources"] if other else []
        deps = sorted((f":{name}" for name in dependencies), key=_order)
        text += _rule("py_library", room, srcs=python, data=data, imports=["."], deps=deps)
    for path in python:
        if is_command((root / path).read_text(encoding="utf-8")):
            module = path.removesuffix(".py").replace("/", ".")
            text += _rule("py_binary", module.replace(".", "_"), srcs=[path], main_module=module, deps=[f":{room}"])
    return text


def _engine_rule(root: pathlib.Path, files: Sequence[str]) -> str:
    """The C kernels as a library for the host; bundles and firmware are built by export and microcontroller."""
    engine = c_sources.engine(root / "microcontroller")
    sources, headers = (_tracked(root, paths, files) for paths in (engine.files, engine.headers))
    includes = sorted((folder.relative_to(root).as_posix() for folder in engine.include_folders), key=_order)
    return _rule("cc_library", "engine", srcs=sources, hdrs=headers, includes=includes) if sources else ""


def _tracked(root: pathlib.Path, paths: Iterable[pathlib.Path], files: Sequence[str]) -> list[str]:
    return sorted({path.relative_to(root).as_posix() for path in paths} & set(files), key=_order)


def _test_rules(files: Sequence[str], house: Sequence[str], models: Sequence[str], rooms: Sequence[str]) -> str:
    python, other = _files(files, python=True), _files(files, python=False)
    text = _rule("filegroup", "house", srcs=sorted(house, key=_order))
    if models:
        text += _rule("filegroup", MODELS, srcs=sorted(models, key=_order))
    if other:
        text += _rule("filegroup", "tests_sources", srcs=other)
    if not python:
        return text
    text += _rule("filegroup", "test_modules", srcs=python)
    data = [":BUILD", ":house", *([f":{MODELS}"] if models else []), *([":tests_sources"] if other else [])]
    deps = [f":{room}" for room in rooms]
    for name, marker in (("tests", "'not slow'"), ("slow_tests", "slow")):
        text += _rule(
            "py_test",
            name,
            size="large",
            srcs=[":test_modules"],
            args=["-m", marker, "tests"],
            data=data,
            main_module="pytest",
            deps=deps,
        )
    return text


def render(root: pathlib.Path) -> str:
    """Returns the text of BUILD for the source files under `root`; raises `CircleError`."""
    files = source_files(root)
    dependencies = room_dependencies(root, files)
    by_room = {room: [path for path in files if path.startswith(f"{room}/")] for room in (*ROOMS, TESTS)}
    text = HEADER
    for room in ROOMS:
        text += _room_rules(root, room, by_room[room], dependencies[room])
    text += _engine_rule(root, by_room["microcontroller"])
    rooms = [room for room in ROOMS if _files(by_room[room], python=True)]
    house = [path for path in HOUSE_FILES if (root / path).is_file()]
    return text + _test_rules(by_room[TESTS], house, files_of(root, MODELS), rooms)


def main() -> None:
    """Rewrites BUILD, or with `--check` only says whether it is up to date."""
    root = pathlib.Path(__file__).resolve().parent.parent
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        sys.exit(f"error: unexpected arguments {arguments}: the only one is --check")
    try:
        text = render(root)
    except CircleError as error:
        sys.exit(f"error: {error}")
    build = root / "BUILD"
    if arguments:
        if not build.is_file() or build.read_text(encoding="utf-8") != text:
            sys.exit("error: BUILD is out of date: run `make build-files`")
        return
    build.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
