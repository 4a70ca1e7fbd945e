"""BUILD parses, names every source file and no other; the generator of BUILD."""

import ast
import pathlib
import shutil
import subprocess

import pytest

from scripts import update_build

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "BUILD"
BUILDIFIER = ROOT / ".venv/npm/node_modules/.bin/buildifier"
ROOMS = ("kws_cli", "export", "kws", "microcontroller", "quant", "scripts", "tests")
SUFFIXES = {".py", ".c", ".cc", ".h", ".json", ".ld", ".S", ".repl", ".resc", ".robot", ".sh", ".toml"}
FILE_ATTRIBUTES = ("srcs", "hdrs", "data")


def rules(text: str) -> list[dict]:
    """The rules of a BUILD file as {kind, attribute: value}; Starlark's declarations are Python expressions."""
    calls = [node.value for node in ast.parse(text).body if isinstance(node.value, ast.Call)]
    return [
        {"kind": call.func.id, **{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}}
        for call in calls
    ]


def listed(text: str) -> set[str]:
    """The files that a BUILD file names."""
    values = {value for rule in rules(text) for name in FILE_ATTRIBUTES for value in rule.get(name, [])}
    return {value for value in values if not value.startswith(":")}


def source_files() -> set[str]:
    """The source files there are, found without the generator's help."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listing = subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True)
        paths = [ROOT / line for line in listing.stdout.splitlines()]
    else:
        paths = [path for room in ROOMS for path in (ROOT / room).rglob("*") if "__pycache__" not in path.parts]
    return {path.relative_to(ROOT).as_posix() for path in paths if path.suffix in SUFFIXES and path.is_file()}


def test_build_lists_every_source_file():
    missing = source_files() - listed(BUILD.read_text())
    assert not missing, f"not in BUILD: {sorted(missing)}: run `make build-files`"


def test_build_lists_only_files_that_exist():
    gone = {path for path in listed(BUILD.read_text()) if not (ROOT / path).is_file()}
    assert not gone, f"in BUILD but not there: {sorted(gone)}: run `make build-files`"


def test_build_is_what_the_generator_writes():
    assert BUILD.read_text() == update_build.render(ROOT), "BUILD is out of date: run `make build-files`"


def test_build_has_no_dangling_label_and_no_second_name():
    found = rules(BUILD.read_text())
    names = [rule["name"] for rule in found if "name" in rule]
    assert len(names) == len(set(names))
    labels = {value for rule in found for name in ("srcs", "data", "deps") for value in rule.get(name, [])}
    local = {label.removeprefix(":") for label in labels if label.startswith(":")}
    assert local - {"BUILD"} <= set(names)


def test_build_loads_what_it_uses():
    body = ast.parse(BUILD.read_text()).body
    loads = [node.value for node in body if isinstance(node.value, ast.Call) and node.value.func.id == "load"]
    loaded = {argument.value for load in loads for argument in load.args[1:]}
    native = {"load", "package", "filegroup"}
    assert {rule["kind"] for rule in rules(BUILD.read_text())} - native == loaded


def test_module_names_the_rules_that_build_loads():
    module = rules((ROOT / "MODULE.bazel").read_text())
    assert [rule["name"] for rule in module if rule["kind"] == "module"] == ["fixed_point_kws"]
    dependencies = {rule["name"] for rule in module if rule["kind"] == "bazel_dep"}
    loads = [node.value for node in ast.parse(BUILD.read_text()).body if isinstance(node.value, ast.Call)]
    repositories = {load.args[0].value.removeprefix("@").split("//")[0] for load in loads if load.func.id == "load"}
    assert repositories == dependencies


@pytest.mark.skipif(not BUILDIFIER.exists(), reason="buildifier is not installed (npm was not there for make setup)")
@pytest.mark.parametrize("name", ["BUILD", "MODULE.bazel"])
def test_buildifier_parses_and_would_change_nothing(name):
    result = subprocess.run([BUILDIFIER, "-mode=diff", ROOT / name], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def tree(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
    """A project of `files` under `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


PROJECT = {
    "kws/train.py": "import quant.fold\n\nif __name__ == '__main__':\n    print(1)\n",
    "quant/fold.py": "import numpy\n",
    "microcontroller/engine/nn/conv.c": "",
    "microcontroller/engine/nn/dsp/conv_2d.c": "",
    "microcontroller/engine/nn/dsp/loop.h": "",
    "microcontroller/engine/include/engine.h": "",
    "microcontroller/boards/one/flash.ld": "",
    "microcontroller/notes.txt": "",
    "tests/kws/test_train.py": "",
    "kws/__pycache__/train.py": "",
}


def test_generator_lists_a_tree_without_git(tmp_path):
    text = update_build.render(tree(tmp_path, PROJECT))
    expected = set(PROJECT) - {"microcontroller/notes.txt", "kws/__pycache__/train.py"}
    assert listed(text) == expected
    by_name = {rule["name"]: rule for rule in rules(text) if "name" in rule}
    assert by_name["kws"]["deps"] == [":quant"]
    assert by_name["kws_train"]["main_module"] == "kws.train"
    kernels, headers = "microcontroller/engine/nn", "microcontroller/engine/include"
    assert by_name["engine"]["srcs"] == [f"{kernels}/conv.c", f"{kernels}/dsp/conv_2d.c"]
    assert by_name["engine"]["hdrs"] == [f"{headers}/engine.h", f"{kernels}/dsp/loop.h"]
    assert by_name["engine"]["includes"] == ["microcontroller/engine", headers]
    assert by_name["test_modules"]["srcs"] == ["tests/kws/test_train.py"]
    assert by_name["tests"]["srcs"] == by_name["slow_tests"]["srcs"] == [":test_modules"]


def test_generator_lists_only_what_git_tracks(tmp_path):
    tree(tmp_path, PROJECT)
    for command in (["init", "-q"], ["add", "quant/fold.py", "kws/train.py"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True, capture_output=True)
    assert listed(update_build.render(tmp_path)) == {"quant/fold.py", "kws/train.py"}
    (tmp_path / "quant/fold.py").unlink()
    assert listed(update_build.render(tmp_path)) == {"kws/train.py"}


READERS = {
    "microcontroller/__init__.py": "",
    "microcontroller/c_sources.py": "import pathlib\n",
    "microcontroller/bench.py": "import export.host\nfrom microcontroller import c_sources\n",
    "export/host.py": "from microcontroller import c_sources\n",
}


def test_the_module_that_names_the_c_is_a_target_of_its_own(tmp_path):
    by_name = {rule["name"]: rule for rule in rules(update_build.render(tree(tmp_path, READERS))) if "name" in rule}
    assert by_name["c_sources"]["srcs"] == ["microcontroller/__init__.py", "microcontroller/c_sources.py"]
    assert by_name["export"]["deps"] == [":c_sources"]
    assert by_name["microcontroller"]["deps"] == [":c_sources", ":export"]
    assert by_name["microcontroller"]["srcs"] == ["microcontroller/bench.py"]


@pytest.mark.parametrize(
    "line", ["from microcontroller import boards", "import microcontroller", "import microcontroller.c"]
)
def test_export_imports_nothing_else_of_the_microcontroller(tmp_path, line):
    root = tree(tmp_path, READERS | {"export/card.py": f"{line}\n"})
    with pytest.raises(update_build.CircleError, match="export"):
        update_build.render(root)


def test_generator_refuses_rooms_in_a_circle(tmp_path):
    root = tree(tmp_path, {"quant/fold.py": "from kws import train\n", "kws/train.py": "import quant\n"})
    with pytest.raises(update_build.CircleError, match=r"kws.*quant|quant.*kws"):
        update_build.render(root)


@pytest.mark.skipif(not BUILDIFIER.exists(), reason="buildifier is not installed (npm was not there for make setup)")
def test_generator_writes_buildifiers_own_order(tmp_path):
    root = tree(
        tmp_path, PROJECT | {"kws/a-b.py": "", "kws/a_b.py": "", "kws/a.py": "", "kws/a/b.py": "", "kws/B.py": ""}
    )
    (root / "BUILD").write_text(update_build.render(root))
    result = subprocess.run([BUILDIFIER, "-mode=diff", root / "BUILD"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
