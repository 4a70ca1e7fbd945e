"""`import export` is light, gives every public name its object, and `export.verify` stays the function."""

import ast
import importlib
import pathlib
import pkgutil
import subprocess
import sys

import pytest

import export

LIGHT = """
import os, sys
import export
assert os.environ["TF_USE_LEGACY_KERAS"] == "1"
export.IntegerModel, export.interpret, export.write_c, export.write_tflite, export.verify, export.load_bundle
export.CEngine, export.PROFILES
assert "tensorflow" not in sys.modules, "TensorFlow was imported"
"""
ORDERS = {
    "the command's module first": "import export.verify; from export import verify; named = export.verify",
    "the function first": "import export; named = export.verify; import export.verify; verify = export.verify",
    "by name": "import export, importlib; importlib.import_module('export.verify'); named = verify = export.verify",
    "the module's own names": "from export.verify import main; import export; named = verify = export.verify",
}
STAYS = """
import sys
from export.proof import model_proof
assert named is verify is model_proof.verify
assert callable(sys.modules["export.verify"].main) and sys.modules["export.verify"] is not verify
"""


def type_checked() -> dict[str, tuple[str, str]]:
    """Public name -> module and name there, of what a type checker is told."""
    tree = ast.parse(pathlib.Path(export.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {alias.asname or alias.name: (node.module, alias.name) for node in block.body for alias in node.names}


def run(code: str, *flags: str) -> None:
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_importing_export_imports_no_tensorflow() -> None:
    run(LIGHT)


@pytest.mark.parametrize("name", export.__all__)
def test_a_public_name_is_its_modules(name: str) -> None:
    module, own_name = type_checked()[name]
    assert getattr(export, name) is getattr(importlib.import_module(module), own_name)
    assert name in dir(export)


def test_type_checkers_are_told_every_public_name() -> None:
    assert sorted(type_checked()) == sorted(export.__all__)


@pytest.mark.parametrize("order", ORDERS)
def test_verify_is_the_function_whatever_is_imported_first(order: str) -> None:
    run(ORDERS[order] + STAYS, "-W", "error")


def test_the_command_of_the_same_name_runs() -> None:
    command = [sys.executable, "-W", "error", "-m", "export.verify", "--bundle="]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: --bundle is required: give --bundle=... (see --help)\n")


def test_verify_alone_shares_its_name_with_a_module() -> None:
    modules = {module.name.removeprefix("export.") for module in pkgutil.iter_modules(export.__path__, "export.")}
    assert modules & set(export.__all__) == {"verify"}


def test_a_public_name_can_still_be_replaced_by_a_stand_in(monkeypatch) -> None:
    monkeypatch.setattr(export, "verify", len)
    assert export.verify is len


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'export' has no attribute 'bend'"):
        _ = export.bend
