"""`--help` of every command answers at once: what it imports before it reads its flags is no framework."""

import ast
import functools
import pathlib

import pytest
from test_rooms import is_command, modules

from kws.stores import code_identity

HEAVY = {"tensorflow", "tensorflow_io", "tensorflow_model_optimization", "tf_keras", "matplotlib", "ray"}
COMMANDS = {name: path for name, path in modules().items() if is_command(path)}


@functools.cache
def loaded(path: pathlib.Path) -> frozenset[str]:
    """The packages that a file imports when it is loaded."""
    found = set()
    for node in code_identity._loaded(ast.parse(path.read_bytes()).body):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return frozenset(found)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_imports_a_framework_before_it_runs(name: str) -> None:
    imported = {path for path in code_identity.sources({name: COMMANDS[name]}).values() if path.suffix == ".py"}
    assert len(imported) > 3
    heavy = {str(path): frameworks for path in sorted(imported) if (frameworks := loaded(path) & HEAVY)}
    assert not heavy, f"{heavy}: import it in the function that needs it"


def test_all_commands_are_looked_at() -> None:
    assert {"kws.train", "kws.cache", "kws.experiments.step_cost", "export.convert"} <= set(COMMANDS)
