"""The list of the C: complete, and so light that whoever compiles can ask for it."""

import ast
import pathlib
import subprocess
import sys

import pytest

from microcontroller import c_sources

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = {
    "engine": c_sources.engine(),
    "frontend": c_sources.front_end(),
    "detector": c_sources.detector(),
    "library": c_sources.library(),
    "many_models": c_sources.many_models(),
    "self_test": c_sources.self_test(),
}


# What the library includes besides the parts' headers, written for a bundle.
WRITTEN = ("fxp_kws.h", "fxp_kws_self_test.h", "fxp_stream_model.h")


@pytest.mark.parametrize("folder", PARTS)
def test_every_c_file_of_a_part_is_listed_once(folder: str) -> None:
    part = PARTS[folder]
    there = {path for suffix in "ch" for path in (ROOT / "microcontroller" / folder).rglob(f"*.{suffix}")}
    listed = [*part.files, *part.headers, *part.host.glob("*.c")]
    assert sorted(listed) == sorted(there)
    assert len({path.stem for path in part.files}) == len(part.files), "objects lie in one folder"


@pytest.mark.parametrize("folder", PARTS)
def test_its_folders_are_enough_to_find_its_headers(folder: str) -> None:
    part = PARTS[folder]
    # What these run was generated for other parts.
    others = {
        "library": (PARTS["frontend"], PARTS["detector"]),
        "many_models": (PARTS["engine"], c_sources.checksum()),
    }.get(folder, ())
    folders = [place for one in (part, *others) for place in one.include_folders]
    for path in (*part.files, *part.headers):
        for line in path.read_text().splitlines():
            if line.startswith('#include "') and "_config.h" not in line:
                name = line.split('"')[1]
                found = any((place / name).is_file() for place in (path.parent, *folders))
                assert found or name in WRITTEN, (path.name, name)


def test_flags_name_each_folder_once() -> None:
    flags = c_sources.include_flags(*PARTS.values())
    assert len(flags) == len(set(flags)) == sum(len(part.include_folders) for part in PARTS.values())
    assert all(pathlib.Path(flag.removeprefix("-I")).is_dir() for flag in flags)


def test_it_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "microcontroller" / "c_sources.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names
    code = "import sys, microcontroller.c_sources; sys.exit('export' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
