"""Statements and lists of a bundle: complete, without chance, and of every bundle that can be loaded."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from export.bundle import folder as bundles
from export.bundle.manifest import sha256
from export.origin import parts_list, provenance
from export.origin.origin_error import OriginError

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODELS = sorted(path.parent for path in (ROOT / "models").glob("*/bundle.json"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_a_statement_says_what_made_a_model(path: pathlib.Path) -> None:
    bundle = bundles.load(path)
    found = provenance.statement(bundle)
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in found["subject"]}
    for name in ("bundle.json", "integer_model.npz", "model.tflite", "detector.json"):
        assert subjects[name] == sha256(path / name)
    assert {f"c/{name}" for name in bundle.c_files} <= subjects.keys()
    definition = found["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["seed"] == bundle.training["settings"]["seed"]
    needed = {item.get("name", item.get("uri")): item for item in definition["resolvedDependencies"]}
    assert needed["training data"]["digest"]["sha256"] == bundle.training["data"]["sha256"]
    assert f"pkg:pypi/numpy@{bundle.training['environment']['numpy']}" in needed
    teachers = [name for name in needed if "_teachers: " in name]
    assert len(teachers) == sum(map(len, bundle.training["teachers"].values()))


def test_statements_and_lists_are_the_same_bytes_twice() -> None:
    first, again = (bundles.load(MODELS[0]) for _ in range(2))
    assert provenance.text(provenance.statement(first)) == provenance.text(provenance.statement(again))
    assert parts_list.of_bundle(first) == parts_list.of_bundle(again)
    other = parts_list.of_bundle(bundles.load(MODELS[1]))
    assert other["serialNumber"] != parts_list.of_bundle(first)["serialNumber"]


def test_a_bundle_that_was_not_trained_has_less_to_say(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model)
    found = provenance.statement(bundle)
    assert found["predicate"]["buildDefinition"]["resolvedDependencies"] == []
    assert {part["type"] for part in parts_list.of_bundle(bundle)["components"]} == {"file"}


def check_list(found: dict) -> None:
    """What the format asks for, as far as this list uses it."""
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found["serialNumber"]
    )
    references = [part["bom-ref"] for part in (found["metadata"]["component"], *found["components"])]
    assert len(set(references)) == len(references)
    for part in found["components"]:
        assert part["type"] in ("file", "data", "library", "machine-learning-model") and part["name"]
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest["content"]) for digest in part.get("hashes", ()))
    assert set(found["dependencies"][0]["dependsOn"]) <= set(references)


def test_a_bundles_list_has_files_data_teachers_and_packages() -> None:
    found = parts_list.of_bundle(bundles.load(ROOT / "models" / "w4a4"))
    check_list(found)
    kinds = {part["type"] for part in found["components"]}
    assert kinds == {"file", "data", "library", "machine-learning-model"}


def test_the_projects_list_has_every_pin() -> None:
    found = parts_list.of_requirements(ROOT / "requirements.txt")
    check_list(found)
    pins = re.findall(r"^([\w.-]+)==([\w.+-]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert {(part["name"], part["version"]) for part in found["components"]} == set(pins) and len(pins) > 100
    assert {("numpy", "1.26.4"), ("numpy", "2.5.0")} < set(pins)
    assert all(part["purl"].startswith("pkg:pypi/") for part in found["components"])


@pytest.mark.parametrize("text", ["numpy>=1\n", "numpy\n", "-r other.txt\n", "\x00\n"])
def test_requirements_that_pin_nothing_are_refused(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "r.txt").write_text(text)
    with pytest.raises(OriginError, match="pins no version"):
        parts_list.of_requirements(tmp_path / "r.txt")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "export.provenance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_writes_both(tmp_path: pathlib.Path) -> None:
    statement, sbom = tmp_path / "s.json", tmp_path / "b.json"
    done = run(f"--bundle={MODELS[0]}", f"--statement={statement}", f"--sbom={sbom}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(statement.read_text())["_type"] == "https://in-toto.io/Statement/v1"
    check_list(json.loads(sbom.read_text()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --bundle=B, or --requirements=FILE"),
        (("--requirements=requirements.txt",), "--sbom is required"),
        (("--requirements=/none", "--sbom=x"), "--requirements=/none can't be read"),
        ((f"--bundle={MODELS[0]}", "--sbom=/proc/none/x"), "can't write --sbom=/proc/none/x"),
    ],
)
def test_mistakes_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
