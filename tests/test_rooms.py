"""The rooms: none crowded, no circle between them, arrows only from kws to quant to export to microcontroller's data.

A room is a folder of Python modules, two levels deep: `kws/training`, `export/plan` with all that is in it. The modules
right in a top-level folder are its commands (quant has none: these are its ground floor) and a room of their own.
"""

import ast
import graphlib
import importlib
import itertools
import pathlib
import re
from collections import Counter

import pytest

from scripts import update_build

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOP = ("kws_cli", "export", "kws", "microcontroller", "quant")
MOST_MODULES = 15
# Top-level folders that each may import; `microcontroller.c_sources` names the C that export compiles, and no more.
MAY_IMPORT = {
    "kws_cli": set(),
    "quant": set(),
    "export": {"kws_cli", "quant"},
    "microcontroller": {"kws_cli", "export"},
    "kws": {"kws_cli", "export", "microcontroller", "quant"},
}
C_SOURCES = "microcontroller.c_sources"
# What a message may say with dashes: a whole command, and another program's --version.
QUOTED_COMMAND = re.compile(r"python -m [^:;]*|\S+ --version")


def modules() -> dict[str, pathlib.Path]:
    """Dotted name -> file, for every module of the project's packages."""
    paths = [path for path in update_build.files_of(ROOT, *TOP) if path.endswith(".py")]
    return {path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): ROOT / path for path in paths}


def imports(path: pathlib.Path, known: dict[str, pathlib.Path]) -> set[str]:
    """The project's modules that a file imports, inside functions too, but not for type checking alone."""
    tree = ast.parse(path.read_text())
    typing_only = [
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    ]
    found = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in full}
    return found & set(known)


def room(name: str, known: dict[str, pathlib.Path]) -> str:
    """The room of a module: its first two names, or the first alone for one right in a top-level folder.

    `C_SOURCES` is one by itself: what it names is data.
    """
    if name == C_SOURCES:
        return name
    parts = name.split(".")
    is_package = known[name].name == "__init__.py"
    return ".".join(parts[:2]) if len(parts) > 2 or (len(parts) == 2 and is_package) else parts[0]


def arrows() -> dict[tuple[str, str], list[str]]:
    """(room, room that it imports) -> the imports that draw the arrow; a package's own face draws none."""
    known = modules()
    found: dict[tuple[str, str], list[str]] = {}
    for name, path in known.items():
        if path.name == "__init__.py" and name in TOP:
            continue
        for other in imports(path, known):
            pair = room(name, known), room(other, known)
            if pair[0] != pair[1] and other not in TOP:
                found.setdefault(pair, []).append(f"{name} imports {other}")
    return found


def test_no_folder_is_crowded() -> None:
    files = [path for path in update_build.files_of(ROOT, *TOP, "scripts") if path.endswith(".py")]
    crowded = {
        folder: count
        for folder, count in Counter(str(pathlib.PurePath(path).parent) for path in files).items()
        if count > MOST_MODULES
    }
    assert not crowded, f"more than {MOST_MODULES} modules: {crowded}: make a room"


def test_rooms_import_each_other_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for source, target in arrows():
        graph.setdefault(source, set()).add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = list(reversed(error.args[1]))
        drawn = [arrows()[pair] for pair in itertools.pairwise(circle)]
        pytest.fail(f"{' -> '.join(circle)}: {drawn}")


def test_modules_of_a_room_import_each_other_in_no_circle() -> None:
    known = modules()
    graph = {name: imports(path, known) for name, path in known.items() if name not in TOP}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_arrows_point_one_way() -> None:
    known = modules()
    wrong = [
        f"{name} imports {other}"
        for name, path in known.items()
        for other in imports(path, known)
        if (own := name.split(".")[0]) != (top := other.split(".")[0])
        and top not in MAY_IMPORT[own]
        and not (own == "export" and other == C_SOURCES)
    ]
    assert not wrong, "\n".join(wrong)


def is_command(path: pathlib.Path) -> bool:
    """Whether a module is a command: one with a `main`."""
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in ast.parse(path.read_text()).body)


def library() -> dict[str, pathlib.Path]:
    """Dotted name -> file of every module that is no command, what commands share left aside."""
    return {name: path for name, path in modules().items() if name.split(".")[0] != "kws_cli" and not is_command(path)}


def test_only_commands_know_what_a_command_is() -> None:
    known = modules()
    wrong = [name for name, path in library().items() if "kws_cli.command" in imports(path, known)]
    assert len(known) - len(library()) > 15
    assert not wrong, f"{wrong} import kws_cli.command: raise the room's own error, which a command shows"


def test_only_commands_speak_of_flags() -> None:
    wrong = [
        f"{name}:{node.lineno}: {message}"
        for name, path in library().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise) and node.exc is not None
        if re.search(r"(?<![\w-])--[a-z]", QUOTED_COMMAND.sub("", message := ast.unparse(node.exc)))
    ]
    assert not wrong, "name the setting, as in clips=-1: a command shows it as the flag\n" + "\n".join(wrong)


def errors() -> list[type[Exception]]:
    """The classes of errors in every module that is named after one."""
    found = [importlib.import_module(name) for name in library() if name.endswith("_error")]
    classes = [cls for module in found for cls in vars(module).values() if isinstance(cls, type)]
    return [cls for cls in classes if issubclass(cls, Exception)]


def test_a_librarys_error_is_pythons_and_one_line_of_a_command() -> None:
    assert len(errors()) >= 14
    for error in errors():
        assert issubclass(error, (ValueError, OSError)), error
        assert getattr(error, "user_can_mend", False) is True, error
        assert error.__module__.rpartition(".")[2].replace("_", "") == error.__name__.lower()
