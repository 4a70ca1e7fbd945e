"""The identity of code: a kept result depends on it as on its data, so that no edit leaves a stale one in use."""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator

PACKAGES = ("kws_cli", "export", "kws", "microcontroller", "quant")
# Whose versions decide what examples are; the other packages that are imported only carry them.
LIBRARIES = ("cmsisdsp", "numpy", "scipy")
# Modules that compile C, and the folder of it.
C_FOLDERS = {
    "export.host.library": "export/host",
    "export.host.mfcc": "microcontroller/frontend",
    "kws.examples.compiled_augment": "kws/examples",
}
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def code_sha256(functions: Iterable[Callable], libraries: Iterable[str] = LIBRARIES) -> str:
    """SHA-256 of all code of the project that importing the functions' modules loads, and of the libraries' versions.

    The C that they compile is part of it. The same wherever the project lies. An import within a function is not
    followed: it is for what the rest of its module can do without.

    Raises:
      TypeError: a function whose module has no file.
    """
    modules = {function.__module__ for function in functions}
    files = {module: pathlib.Path(inspect.getfile(sys.modules[module])) for module in modules}
    return _sha256(tuple(sorted(files.items())), tuple(libraries))


@functools.cache
def _sha256(files: tuple[tuple[str, pathlib.Path], ...], libraries: tuple[str, ...], root: pathlib.Path = _ROOT) -> str:
    versions = [(name, _version(name)) for name in libraries]
    digest = hashlib.sha256(repr(versions).encode())
    for name, path in sorted(sources(dict(files), root).items()):
        source = path.read_bytes()
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def _version(library: str) -> str:
    """Of an installed package; "" for one that a small installation does without: its part of the work is not done."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def sources(files: dict[str, pathlib.Path], root: pathlib.Path = _ROOT) -> dict[str, pathlib.Path]:
    """The modules `files`, those of the project under `root` that importing them loads, and the C that these compile.

    Returns:
      Dotted name, or path under `root` of C -> source file.
    """
    found: dict[str, pathlib.Path] = {}
    waiting = dict(files)
    while waiting:
        name, path = waiting.popitem()
        found[name] = path
        for imported in _imports(name, path.name == "__init__.py", path.read_bytes()):
            source = _source(imported, root)
            if source and imported not in found:
                waiting[imported] = source
    return found | _c_files(found, root)


def _c_files(modules: Iterable[str], root: pathlib.Path) -> dict[str, pathlib.Path]:
    folders = [root / C_FOLDERS[module] for module in modules if module in C_FOLDERS]
    files = [file for folder in folders for suffix in ("c", "h") for file in folder.rglob(f"*.{suffix}")]
    return {file.relative_to(root).as_posix(): file for file in files}


def _source(module: str, root: pathlib.Path) -> pathlib.Path | None:
    """The file of one of the project's modules; None for another package's, and for what is no module."""
    if module.split(".")[0] not in PACKAGES:
        return None
    path = root.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@functools.cache
def _imports(name: str, is_package: bool, source: bytes) -> set[str]:
    """What a module imports when it is loaded, the packages around it included; some names may be no modules."""
    package = name if is_package else name.rpartition(".")[0]
    found = set(_with_packages(name))
    for node in _loaded(ast.parse(source).body):
        if isinstance(node, ast.Import):
            found.update(outer for alias in node.names for outer in _with_packages(alias.name))
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(relative, package) if node.level else relative
            found.update(outer for alias in node.names for outer in _with_packages(f"{base}.{alias.name}"))
    return found


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _loaded(nodes: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    """The statements that run when a module is loaded: none within functions, nor for type checkers alone."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.expr)):
            continue
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from _loaded(node.orelse)
        else:
            yield from _loaded(ast.iter_child_nodes(node))
