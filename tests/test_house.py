"""The house: make's targets, the gate, pinned packages, links, nothing that tells of one machine."""

import ast
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from kws_cli import command
from scripts import core_size

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("kws_cli", "export", "kws", "microcontroller", "quant", "scripts", "tests")
TARGETS = ("setup", "demo", "test", "lint", "bench", "clean", "help")
PYTHONS = ("3.11", "3.12", "3.13")


def project_files() -> list[pathlib.Path]:
    """The files of the project: those git tracks, or all there are where git isn't."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        return [ROOT / line for line in listing.stdout.split("\0") if line and (ROOT / line).is_file()]
    left_out = {".venv", ".python", "runs", "build", "data", "__pycache__"}
    left_out |= {".pytest_cache", ".ruff_cache", ".mypy_cache"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not left_out & set(path.relative_to(ROOT).parts)]


# Not installed on every Python, and named as it is imported.
ELSEWHERE = {"tensorflow_io"} - importlib.metadata.packages_distributions().keys()


def environment(python: str) -> dict[str, str]:
    """What a requirement's marker is about, on Linux with this Python."""
    return {"python_version": python, "python_full_version": f"{python}.5", "sys_platform": "linux", "extra": ""}


RUNNING = environment(f"{sys.version_info.major}.{sys.version_info.minor}")


def is_wanted(requirement: Requirement, where: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(where)


def read_requirements(name: str) -> list[Requirement]:
    """The lines of a file of requirements, without their hashes."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.lstrip().startswith(("#", "--hash="))]
    return [Requirement(line.rstrip("\\")) for line in lines if line.strip()]


def pins(name: str = "requirements.in", where: dict[str, str] = RUNNING) -> dict[str, str]:
    """{normalized package name: version} of a file of requirements, where `where` says."""
    found = {}
    for requirement in read_requirements(name):
        (pin,) = requirement.specifier
        assert pin.operator == "==" and "*" not in pin.version, f"{name}: {requirement} is not pinned as name==version"
        if is_wanted(requirement, where):
            assert normalized(requirement.name) not in found, f"{name}: {requirement} stands twice"
            found[normalized(requirement.name)] = pin.version
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_make_help_lists_every_target():
    output = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    documented = {line.split()[1] for line in output.splitlines() if len(line.split()) > 2}
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert documented == set(phony)
    assert documented >= set(TARGETS)


def test_make_alone_is_make_help():
    outputs = [
        subprocess.run(["make", "-s", *target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for target in ([], ["help"])
    ]
    assert outputs[0] == outputs[1]


def test_gate_finds_recordings_and_calls_make_test_and_nothing_else():
    gate = ROOT / ".ci/run"
    assert os.access(gate, os.X_OK)
    lines = [line for line in gate.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."']
    assert lines[-1] == "make test"
    assert not re.search(r"\b(make|pytest|python|pip)\b", "\n".join(lines[:-1]))


def workflow_jobs() -> dict[str, str]:
    """The text of each of the workflow's jobs."""
    parts = re.split(
        r"^  ([\w-]+):\n", (ROOT / ".github/workflows/ci.yml").read_text().split("\njobs:\n")[1], flags=re.M
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_workflow_runs_the_contributors_commands():
    contributing = re.findall(r"^(make \w+) ", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert sorted(contributing) == ["make demo", "make setup", "make test"]
    runs = {name: re.findall(r"run: (make [^$\n]*)", text) for name, text in workflow_jobs().items()}
    # A fresh machine gets the README's two commands alone, which set up what they need; wheel and audit get none.
    of_contributors = {"python": ["make setup", "make test", "make demo"], "fresh-machine": ["make demo", "make test"]}
    assert runs == {
        **of_contributors,
        "wheel": [],
        "renode": ["make setup"],
        "audit": [],
        "site": ["make site SOURCE="],
        "publish": [],
    }
    wheels_commands = set(re.findall(r"core/bin/(kws-[\w-]+)", workflow_jobs()["wheel"]))
    assert wheels_commands and wheels_commands <= pyproject()["project"]["scripts"].keys()


def test_workflow_covers_every_python_and_release_that_is_promised():
    jobs = workflow_jobs()
    assert (
        'version: ["3.11", "3.12", "3.13"]' in jobs["python"]
        and "PYTHON: python${{ matrix.version }}" in jobs["python"]
    )
    assert 'image: ["debian:12", "debian:13"]' in jobs["fresh-machine"]
    script = (ROOT / "scripts/fresh_machine.sh").read_text()
    packages = re.search(r"^readonly packages=(.*)$", script, re.MULTILINE)[1]
    assert f"apt-get install -y --no-install-recommends {packages.replace(',', ' ')}\n" in jobs["fresh-machine"]


def test_nothing_tells_of_one_machine():
    # Spelled in pieces, so that this file does not find itself.
    told = re.compile("|".join(rf"(?<![\w.*])/{name}/" for name in ("work", "root", "tmp/sc")))
    found = []
    for path in project_files():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line}" for number, line in enumerate(lines, 1) if told.search(line)
        ]
    assert not found, "\n".join(found)


def test_no_merge_was_left_half_done():
    marks = (b"<" * 7 + b" ", b">" * 7 + b" ")
    assert not [
        path for path in project_files() if any(line.startswith(marks) for line in path.read_bytes().split(b"\n"))
    ]


def markdown_files() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in project_files() if path.suffix == ".md"]


@pytest.mark.parametrize("name", markdown_files())
def test_every_link_leads_somewhere(name):
    page = ROOT / name
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [target for target in targets if target and not re.match(r"[a-z]+:", target)]
    broken = [target for target in local if not (page.parent / target).exists()]
    assert not broken, f"{name} links to what isn't there: {broken}"


def test_every_file_that_a_document_names_is_there():
    named = re.compile(r"`((?:kws_cli|docs|export|kws|microcontroller|models|quant|scripts|tests)/[\w./-]+)`")
    gone = {
        f"{name}: {path}"
        for name in markdown_files()
        for path in named.findall((ROOT / name).read_text())
        if not (ROOT / path).exists() and not path.startswith("models/")
    }
    assert not gone, "\n".join(sorted(gone))


def test_readme_shows_the_picture_and_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert "](docs/way_of_the_data.svg)" in readme
    assert "make demo" in readme and "make test" in readme


def test_every_command_of_the_readme_exists():
    modules = set(re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)+)", (ROOT / "README.md").read_text()))
    assert len(modules) >= 7
    folders = {module: ROOT / module.replace(".", "/") for module in modules}
    files = {module: (path.with_suffix(".py"), path / "__main__.py") for module, path in folders.items()}
    missing = {module for module, paths in files.items() if not any(path.is_file() for path in paths)}
    assert not missing


def test_every_console_script_has_its_main():
    for script, target in pyproject()["project"]["scripts"].items():
        module, function = target.split(":")
        path = ROOT / (module.replace(".", "/") + ".py")
        assert path.is_file(), f"{script}: no {module}"
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert function in names, f"{script}: no {function} in {module}"


@pytest.mark.parametrize("python", PYTHONS)
def test_ranges_of_dependencies_take_the_pinned_versions(python):
    """pyproject.toml has ranges, for installations beside other projects; the one version that is tested is a pin."""
    where = environment(python)
    extras = {
        extra: [line for line in required if is_wanted(Requirement(line), where)]
        for extra, required in core_size.requirements().items()
    }
    pinned = pins(where=where)
    for extra, files in {name: f"requirements-{name}.txt" for name in ("gpu", "search", "docs")}.items():
        exact = pins(files, where)
        assert_ranges_take(extras.pop(extra), {**pinned, **exact}, extra)
        assert all(pinned.get(name, version) == version for name, version in exact.items()), files
    ranged = {name for extra, required in extras.items() for name in assert_ranges_take(required, pinned, extra)}
    assert ranged == set(pinned), "each pin has a range in pyproject.toml, and each range a pin"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_every_pin_in_its_version_and_hashes_for_all(python):
    """requirements.txt, which `make lock` writes from requirements.in: what is installed, by uv or by pip."""
    where = environment(python)
    locked = pins("requirements.txt", where)
    assert pins(where=where).items() <= locked.items(), "run `make lock`"
    assert ("tensorflow-io" in locked) == (python != "3.13")
    entries = re.split(r"^(?=[a-z])", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) == len(read_requirements("requirements.txt")) > 100
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in "".join(entries), "a package's address is of one index"


def assert_ranges_take(required: list[str], versions: dict[str, str], extra: str) -> set[str]:
    """The packages that an extra requires, this project aside; each is pinned to a version that its range takes."""
    found = {normalized(each.name): each for each in map(Requirement, required) if each.name != core_size.OWN_NAME}
    for name, requirement in found.items():
        assert requirement.specifier.contains(versions[name], prereleases=True), f"{extra}: {requirement}"
    return set(found)


def test_the_core_is_light_and_without_tensorflow(capsys):
    weight, missing = core_size.weigh(core_size.CORE)
    with capsys.disabled():
        print(f"\nthe core's packages: {weight / 1e6:,.0f} MB")
    assert not missing and weight < 300e6
    installed, _ = core_size.closure(core_size.requirements()[core_size.CORE])
    assert not installed & {"tensorflow", "keras", "tf-keras", "ray", "pytest", "ruff"}


def test_what_a_command_says_is_missing_is_in_the_extra_that_it_names():
    owners = importlib.metadata.packages_distributions()
    for package, extra in command.EXTRAS.items():
        installed, _ = core_size.closure(core_size.requirements()[extra])
        named = {normalized(owner) for owner in owners.get(package, [package])}
        assert named & installed or package in ELSEWHERE, package


def test_installed_packages_are_the_locked_ones():
    locked = pins("requirements.txt")
    installed = {name: importlib.metadata.version(name) for name in locked}
    assert installed == locked, "run `make setup`"


def test_every_imported_package_is_pinned():
    owners = importlib.metadata.packages_distributions()
    # pytest puts a test's folder on the path, so that tests can share a module beside them.
    beside = {path.stem for path in project_files() if path.relative_to(ROOT).parts[0] == "tests"}
    # Not installed by make setup, and so of no known owner: their module has the package's name.
    optional = {name for extra in ("rivals", "fuzz", "docs") for name in pins(f"requirements-{extra}.txt")}
    known = optional | pins().keys() | ELSEWHERE
    unpinned = set()
    for path in project_files():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            own = {*ROOMS, *sys.stdlib_module_names, *(beside if path.is_relative_to(ROOT / "tests") else ())}
            for name in {name.split(".")[0] for name in names} - own:
                if not {normalized(owner) for owner in owners.get(name, [])} & known and name not in optional:
                    unpinned.add(f"{name} in {path.relative_to(ROOT)}")
    assert not unpinned


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("MODULE.bazel", r'^    version = "(.*)",$'),
        ("CITATION.cff", "^version: (.*)$"),
        ("CHANGELOG.md", r"^## (\S+)$"),
    ],
)
def test_every_file_names_the_version_of_pyproject(file, pattern):
    found = re.search(pattern, (ROOT / file).read_text(), re.MULTILINE)[1]
    assert found == pyproject()["project"]["version"]


def test_the_container_has_what_a_fresh_machine_and_set_up_need():
    dockerfile = (ROOT / "Dockerfile").read_text()
    installed = set(
        re.search(r"--no-install-recommends (.*?)&&", dockerfile, re.DOTALL)[1].replace("\\\n", " ").split()
    )
    script = (ROOT / "scripts/fresh_machine.sh").read_text()
    fresh = set(re.search(r"^readonly packages=(.*)$", script, re.MULTILINE)[1].split(","))
    setup = (ROOT / "scripts/setup.sh").read_text()
    wanted = {name for names in re.findall(r"missing\+=\(([\w. -]+)\)", setup) for name in names.split()}
    assert installed >= fresh | wanted and "gcc-arm-none-eabi" in wanted


def test_the_editors_container_is_the_same_and_git_reads_its_folder_of_another_user():
    described = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert (ROOT / ".devcontainer" / described["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    safe = 'git config --global --add safe.directory "$PWD"'
    assert described["postCreateCommand"] == f"{safe} && make setup"
    assert safe in (ROOT / ".github/workflows/ci.yml").read_text()


def test_setup_and_pyproject_support_the_same_pythons():
    assert pyproject()["project"]["requires-python"] == ">=3.11,<3.14"
    supported = re.search(r"is_supported\(\) \{\n(.*)\n\}", (ROOT / "scripts/setup.sh").read_text())[1]
    assert re.findall(r"= (3\.\d+)", supported) == list(PYTHONS)


def _names_no_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in the encoding of the machine's locale."""
    if not isinstance(call.func, ast.Attribute) or any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    owner, name = ast.unparse(call.func.value), call.func.attr
    if name == "open":
        modes = [arg.value for arg in ast.walk(call) if isinstance(arg, ast.Constant)]
        return owner not in ("os", "wave", "tarfile", "archive", "av") and not any("b" in str(mode) for mode in modes)
    return name in ("read_text", "write_text") and owner != "atomic"


def test_text_is_in_utf_8_whatever_the_locale():
    """A bundle's labels may be words of any language, and the next machine reads what this one wrote."""
    sources = [path for path in project_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests"]
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _names_no_encoding(node)
    ]
    assert len(sources) > 200
    assert not wrong, "say encoding='utf-8':\n" + "\n".join(wrong)
