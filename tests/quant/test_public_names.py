"""`import quant` is light, and gives every public name the object that its module defines."""

import ast
import importlib
import pathlib
import pkgutil
import subprocess
import sys

import pytest

import quant

LIGHT = """
import os, sys
import quant
assert os.environ["TF_USE_LEGACY_KERAS"] == "1"
quant.QFormat, quant.Method, quant.fold, quant.equalize
assert "tensorflow" not in sys.modules, "TensorFlow was imported"
import quant.folding.keras_chain, quant.formats.least_error
assert callable(quant.fold)
import quant.training.fixed_point_graph
assert "keras" not in sys.modules, "Keras 3 was imported"
import keras
"""


def type_checked() -> dict[str, str]:
    """Module by name of what a type checker is told."""
    tree = ast.parse(pathlib.Path(quant.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


def test_importing_quant_imports_no_tensorflow() -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


@pytest.mark.parametrize("name", quant.__all__)
def test_a_public_name_is_its_modules(name: str) -> None:
    module = importlib.import_module(type_checked()[name])
    assert getattr(quant, name) is getattr(module, name)
    assert name in dir(quant)


def test_type_checkers_are_told_every_public_name() -> None:
    assert sorted(type_checked()) == sorted(quant.__all__)


def test_no_module_has_a_public_name() -> None:
    """Importing a submodule binds it in its package: it would take the name's place."""
    modules = {module.name.split(".")[-1] for module in pkgutil.walk_packages(quant.__path__, "quant.")}
    assert not modules & set(quant.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'quant' has no attribute 'bend'"):
        _ = quant.bend
