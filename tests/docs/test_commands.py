"""Every command of every document: it exists, it has the flags that are given, and all that it requires is there."""

import ast
import dataclasses
import importlib
import pathlib
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator

import pytest
from absl import flags

from kws_cli import help_page
from scripts.update_build import files_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [path for path in files_of(ROOT) if path.endswith(".md")]
SOURCES = [
    path
    for path in files_of(ROOT, "kws_cli", "export", "kws", "microcontroller", "quant", "scripts")
    if path.endswith(".py")
]
# No commands of this project.
OTHERS = {"pytest", "pip", "venv", "mypy", "ruff"}


@dataclasses.dataclass(frozen=True)
class Documented:
    """A command as a document has it.

    Attributes:
      whole: it stands in a block of its own, to be copied, and not within a sentence that may leave flags out.
    """

    document: str
    module: str
    arguments: tuple[str, ...]
    whole: bool


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """Lines of shell: those of blocks, and what stands as code within sentences or among what is printed."""
    fences = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
    for language, block in fences.findall(text):
        if language in ("", "sh", "console"):
            yield from ((line, language == "sh") for line in block.replace("\\\n", " ").splitlines())
    yield from ((code.replace("\n", " "), False) for code in re.findall(r"`([^`]+)`", fences.sub("", text)))


def documented(document: str) -> Iterator[Documented]:
    text = (ROOT / document).read_text(encoding="utf-8")
    for line, whole in lines(text) if document.endswith(".md") else lines_of_docstring(text):
        for module, rest in re.findall(r"\bpython -m (\w[\w.]*)((?: [^|;&<>]*)?)", line):
            arguments = [word for word in shlex.split(rest, comments=True) if not word.endswith("...")]
            yield Documented(document, module, tuple(arguments), whole and "..." not in rest)


def lines_of_docstring(source: str) -> Iterator[tuple[str, bool]]:
    """What the text that a module begins with, its `--help`, has as lines of their own or as code."""
    for line in (ast.get_docstring(ast.parse(source)) or "").splitlines():
        if line.strip().startswith("python -m"):
            yield line.strip().partition("  ")[0], False  # behind it, what it does
        else:
            yield from ((code, False) for code in re.findall(r"`([^`]+)`", line))


COMMANDS = [command for document in (*DOCUMENTS, *SOURCES) for command in documented(document)]


def file_of(module: str) -> pathlib.Path | None:
    """What `python -m` runs; None where there is nothing."""
    path = ROOT / module.replace(".", "/")
    return next(filter(pathlib.Path.is_file, (path / "__main__.py", path.with_suffix(".py"))), None)


def complaint(command: Documented) -> str | None:
    """What the command itself says of its arguments; None where it takes them."""
    path = file_of(command.module)
    if path is None or "__main__" not in path.read_text(encoding="utf-8"):
        return "is no command"
    if command.arguments == ("--help",):
        return None
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if define_flags := getattr(module, "define_flags", getattr(module, "_define_flags", None)):
        return absls_complaint(command, define_flags)
    # Read by argparse, deep in a function.
    names = [word.partition("=")[0] for word in command.arguments if word.startswith("--")]
    unknown = [name for name in names if f'"{name}"' not in path.read_text(encoding="utf-8")]
    return f"has no {unknown}" if unknown else None


def absls_complaint(command: Documented, define_flags: Callable[[], None]) -> str | None:
    known = set(flags.FLAGS)
    define_flags()
    own = set(flags.FLAGS) - known
    try:
        left = flags.FLAGS([command.module, *command.arguments])
        lacks = [flag.name for flag in help_page.required(flags.FLAGS) if flag.name in own and flag.value is None]
        if left[1:]:
            return f"unexpected {left[1:]}"
        return f"lacks {lacks}" if lacks and command.whole else None
    except flags.Error as error:
        return str(error)
    finally:
        for name in own:
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 100 and len({command.module for command in COMMANDS}) > 25
    assert sum(command.whole for command in COMMANDS) > 25


@pytest.mark.parametrize("document", sorted({command.document for command in COMMANDS}))
def test_commands_take_the_flags_that_they_are_given(document: str) -> None:
    wrong = []
    for command in (each for each in COMMANDS if each.document == document and each.module not in OTHERS):
        if said := complaint(command):
            wrong.append(f"{command.module} {shlex.join(command.arguments)}: {said}")
    assert not wrong, "\n".join(wrong)


def test_names_of_installed_commands_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        name
        for document in DOCUMENTS
        for line, _ in lines((ROOT / document).read_text(encoding="utf-8"))
        for name in re.findall(r"(?:^|[\s/])(kws-[a-z_-]+)(?= |$)", line)
    }
    assert "kws-stream" in named and named <= set(project["scripts"])


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for line, _ in lines((ROOT / document).read_text(encoding="utf-8"))
        for target in re.findall(r"^(?:\$ )?make ([a-z][a-z-]*)", line.strip())
    }
    assert {"setup", "demo", "test", "site"} <= named and named <= targets


def test_arguments_of_set_up_are_known() -> None:
    script = (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    known = set(re.findall(r'"\$\{1:-\}" = (\w+)', script))
    named = {
        word
        for document in DOCUMENTS
        for line, _ in lines((ROOT / document).read_text(encoding="utf-8"))
        for word in re.findall(r"scripts/setup\.sh (\w+)", line)
    }
    assert named <= known and {"browser", "riscv"} <= known


def test_a_flag_that_is_none_would_be_found() -> None:
    command = Documented("x", "export.inspect", ("--bundle=B", "--verbosity_of_all=1"), True)
    assert "verbosity_of_all" in (complaint(command) or "")
    assert "lacks ['bundle']" in (complaint(Documented("x", "export.inspect", (), True)) or "")
    assert complaint(Documented("x", "export.inspect", (), False)) is None
    assert complaint(Documented("x", "scripts.core_size", ("--kilo=1",), True)) == "has no ['--kilo']"
    assert complaint(Documented("x", "export.inspects", (), True)) == "is no command"
