"""The files of each ecosystem, against the rules that their makers publish; examples, against what they call.

Where a rule is from: Arduino library specification 1.5, PlatformIO's library.json, Zephyr's modules guide, the ESP
component registry's manifest, Open-CMSIS-Pack's PACK.xsd.
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import packages
import pytest

from export.packaging import package, tflm
from export.packaging.package import TARGETS, TFLM, PackageConfig

STAND_INS = pathlib.Path(__file__).with_name("stand_ins")
VERSION = re.compile(r"\d+\.\d+\.\d+")
LIBRARIES = [target for target in TARGETS if target != TFLM]
METADATA = {
    "version": "2.3.4",
    "maintainer": "Ada L. <ada@example.org>",
    "url": "https://example.org/kws",
    "vendor": "Ada",
}
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing"),
    *("Data Storage", "Data Processing", "Other"),
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """Every target's package of two models, unpacked."""
    bundles = (packages.MODELS / "w4a8", packages.MODELS / "marvin_w4a4")
    config = PackageConfig(bundles, "", pathlib.Path(), prefixes=("commands", "wake"), name="my_kws", **METADATA)
    members, sources = package.modelled(config)
    folder = tmp_path_factory.mktemp("targets")
    for target in LIBRARIES:
        files = package.contents(dataclasses.replace(config, target=target), members, sources)
        for path, content in files.items():
            (folder / target / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / target / path).write_bytes(content)
    return {target: packages.root_of(folder / target) for target in LIBRARIES}


@pytest.mark.parametrize("target", LIBRARIES)
def test_every_package_has_the_library_and_says_what_it_is(target: str, roots: dict[str, pathlib.Path]) -> None:
    root = roots[target]
    for name in (
        "LICENSE",
        "README.md",
        "MODEL_CARD_commands.md",
        "MODEL_CARD_wake.md",
        "src/commands.h",
        "src/wake.h",
    ):
        assert (root / name).is_file(), name
    assert len(packages.sources(root)) == len(packages.sources(roots["cmake"]))
    for path in root.rglob("*"):
        if path.is_file() and "src" not in path.relative_to(root).parts[:1]:
            text = path.read_text(encoding="utf-8")
            own = text.replace("@PACKAGE_INIT@", "")
            assert not re.search(r"@[A-Z_]+@", own), path
            assert "for each model" not in text and not re.search(r"\b(fxp|FXP)_", text), path
    assert ("my_kws" in root.name) == (target != "cmsis-pack")


def test_arduino(roots: dict[str, pathlib.Path]) -> None:
    root = roots["arduino"]
    lines = (root / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= set(properties) and len(properties) == len(lines)
    assert all(properties.values())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", properties["name"]) and root.name == properties["name"]
    assert properties["version"] == "2.3.4" and properties["category"] in CATEGORIES
    assert properties["architectures"] == "*" and properties["sentence"].endswith(".")
    assert all((root / "src" / name).is_file() for name in properties["includes"].split(","))
    for line in (root / "keywords.txt").read_text().splitlines():
        assert re.fullmatch(r"\w+\tKEYWORD[12]", line), line
    sketches = sorted((root / "examples").rglob("*.ino"))
    assert [sketch.stem for sketch in sketches] == [sketch.parent.name for sketch in sketches] == ["Clip", "Microphone"]
    assert not [path for path in root.iterdir() if path.name in ("utility", "test", "tests")]


def test_platformio(roots: dict[str, pathlib.Path]) -> None:
    root = roots["platformio"]
    manifest = json.loads((root / "library.json").read_text())
    assert (manifest["name"], manifest["version"], manifest["license"]) == ("my_kws", "2.3.4", "Apache-2.0")
    assert manifest["authors"] == [{"name": "Ada L.", "email": "ada@example.org", "maintainer": True}]
    assert 1 <= len(manifest["description"]) <= 255 and all(len(word) <= 50 for word in manifest["keywords"])
    assert all((root / "src" / name).is_file() for name in manifest["headers"])
    assert (root / manifest["build"]["srcDir"]).is_dir() and (root / manifest["build"]["includeDir"]).is_dir()
    for example in manifest["examples"]:
        assert all((root / example["base"] / name).is_file() for name in example["files"])


def test_zephyr(roots: dict[str, pathlib.Path]) -> None:
    root = roots["zephyr"]
    module = (root / "zephyr" / "module.yml").read_text()
    assert module == "name: my_kws\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\nsamples:\n  - samples\n"
    kconfig = (root / "zephyr" / "Kconfig").read_text()
    symbols = set(re.findall(r"^(?:config|choice) (\w+)", kconfig, re.MULTILINE))
    assert "MY_KWS" in symbols and kconfig.count("endchoice") == kconfig.count("\nchoice")
    assert set(re.findall(r"(?:depends on|default) (\w+)", kconfig)) <= symbols
    listing = (root / "zephyr" / "CMakeLists.txt").read_text()
    assert set(re.findall(r"CONFIG_(\w+)", listing)) <= symbols
    named = {(root / "zephyr" / path).resolve() for path in re.findall(r"^ +(\.\./\S+\.c)$", listing, re.MULTILINE)}
    assert named == set(packages.sources(root))
    for sample in ("clip", "microphone"):
        folder = root / "samples" / sample
        assert all((folder / name).is_file() for name in ("CMakeLists.txt", "prj.conf", "sample.yaml", "src/main.c"))
        assert "CONFIG_MY_KWS=y" in (folder / "prj.conf").read_text().splitlines()


def test_esp_idf(roots: dict[str, pathlib.Path]) -> None:
    root = roots["esp-idf"]
    manifest = (root / "idf_component.yml").read_text()
    assert 'version: "2.3.4"\n' in manifest and 'license: "Apache-2.0"\n' in manifest and '  idf: ">=5.0"\n' in manifest
    assert re.search(r'^url: "https://', manifest, re.MULTILINE) and '- "Ada L. <ada@example.org>"' in manifest
    listing = (root / "CMakeLists.txt").read_text()
    assert {root / path for path in re.findall(r"^ +(\S+\.c)$", listing, re.MULTILINE)} == set(packages.sources(root))
    for example in ("clip", "microphone"):
        project = root / "examples" / example
        assert 'EXTRA_COMPONENT_DIRS "${CMAKE_CURRENT_LIST_DIR}/../.."' in (project / "CMakeLists.txt").read_text()
        assert " my_kws " in (project / "main" / "CMakeLists.txt").read_text()
    assert root.name == "my_kws"


@pytest.mark.parametrize(
    ("version", "driver"), [("5.0", "driver"), ("5.2", "driver"), ("5.3", "esp_driver_i2s"), ("6.0", "esp_driver_i2s")]
)
def test_esp_idfs_microphone_names_the_driver_of_its_version(
    version: str, driver: str, roots: dict[str, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    packages.needs("cmake")
    listing = roots["esp-idf"] / "examples" / "microphone" / "main" / "CMakeLists.txt"
    major, minor = version.split(".")
    (tmp_path / "idf.cmake").write_text(
        f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\n"
        f'macro(idf_component_register)\nmessage("${{ARGN}}")\nendmacro()\ninclude("{listing}")\n'
    )
    done = subprocess.run(["cmake", "-P", "idf.cmake"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == f"SRCS;main.c;PRIV_REQUIRES;my_kws;{driver}"


def test_cmsis_pack(roots: dict[str, pathlib.Path]) -> None:
    root = roots["cmsis-pack"]
    package = ElementTree.parse(root / "Ada.my_kws.pdsc").getroot()
    children = [child.tag for child in package]
    order = ["vendor", "name", "description", "url", "license", "releases", "keywords", "conditions", "components"]
    assert children == order and package.get("schemaVersion")
    assert (package.findtext("vendor"), package.findtext("name")) == ("Ada", "my_kws")
    assert (root / package.findtext("license", "")).is_file()
    assert package.find("releases/release").get("version") == "2.3.4"
    [component] = package.iter("component")
    assert {"Cclass", "Cgroup", "Cversion"} <= set(component.keys())
    assert component.get("condition") in {condition.get("id") for condition in package.iter("condition")}
    files = list(component.iter("file"))
    assert all((root / file.get("name", "")).exists() for file in files)
    assert {root / file.get("name", "") for file in files if file.get("category") == "sourceC"} == {
        *packages.sources(root),
        *(root / "examples").glob("*.c"),
    }
    assert all(file.get("select") for file in files if file.get("attr") == "template")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "example"),
    [
        ("arduino", "examples/Clip/Clip.ino"),
        ("arduino", "examples/Microphone/Microphone.ino"),
        ("platformio", "examples/microphone/src/main.cpp"),
        ("zephyr", "samples/clip/src/main.c"),
        ("zephyr", "samples/microphone/src/main.c"),
        ("esp-idf", "examples/clip/main/main.c"),
        ("esp-idf", "examples/microphone/main/main.c"),
        ("cmsis-pack", "examples/microphone.c"),
        ("stm32cube", "Core/Src/kws_clip.c"),
        ("stm32cube", "Core/Src/kws_microphone.c"),
    ],
)
def test_examples_compile(target: str, example: str, roots: dict[str, pathlib.Path], tmp_path: pathlib.Path) -> None:
    """Against declarations of what they call: the makers' own headers come from no package registry."""
    packages.needs("gcc", "g++")
    root = roots[target]
    compiler = ["gcc", "-std=c11"] if example.endswith(".c") else ["g++", "-std=c++17", "-x", "c++"]
    folders = [f"-I{path}" for path in (root / "src", root / "Core" / "Inc")]
    stand_ins = STAND_INS / ("arduino" if target == "platformio" else target)
    flags = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-isystem", stand_ins]
    packages.run([*compiler, *folders, *flags, root / example], tmp_path)


def test_tflm(tmp_path: pathlib.Path) -> None:
    """It compiles against declarations of what it calls, and its arena is the smallest."""
    packages.needs("g++")
    root = packages.made(tmp_path, [packages.MODELS / "w4a8"], TFLM, prefixes=("my_kws",))
    tflite = (root / "model.tflite").read_bytes()
    assert tflite == (packages.MODELS / "w4a8" / "model.tflite").read_bytes()
    header = (root / "my_kws_model.h").read_text()
    arena = int(re.search(r"#define MY_KWS_ARENA_BYTES (\d+)", header)[1])
    with tflm._quiet():
        assert tflm._fits(tflite, arena) and not tflm._fits(tflite, arena - 16)
    assert f"Arena: {arena:,} bytes" in (root / "README.md").read_text()
    assert f"#define MY_KWS_MODEL_BYTES {len(tflite)}\n" in header
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-isystem", STAND_INS / "tflm", f"-I{root}"]
    for source in sorted(root.glob("*.cc")):
        packages.run(["g++", *flags, source], tmp_path)
    assert len(list(root.glob("*.cc"))) == 3
