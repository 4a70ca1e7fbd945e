"""README's commands, run as they stand: from a pretrained bundle to libraries and pages, and the demonstration."""

import pathlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable

import documented
import pytest
import small_world
from not_run import NOT_RUN

DOCUMENTS = ("README.md", "CONTRIBUTING.md")


@pytest.mark.slow
def test_the_first_screen_makes_libraries_that_build_and_a_page(world: small_world.World, run_all: Callable) -> None:
    run_all("README.md", {})
    build_folder = world.folder / "build"
    page = (build_folder / "report.html").read_text(encoding="utf-8")
    assert "Report on w4a4" in page and "counted on stm32f4" in page
    assert "<script>" in (build_folder / "keywords.html").read_text(encoding="utf-8")
    assert (world.folder / "runs/demo/bundle/bundle.json").is_file()
    with zipfile.ZipFile(build_folder / "keywords.zip") as library:
        assert "fxp_kws/library.properties" in library.namelist()
    if shutil.which("cmake") and shutil.which("gcc"):
        build(build_folder / "two.zip", world.folder / "two")


def test_what_is_run_for_contributing_is_run_for_readme() -> None:
    of_readme, of_contributing = ({each.text for each in documented.commands(document)} for document in DOCUMENTS)
    assert of_contributing <= of_readme | set(NOT_RUN) and "make demo" in of_contributing


def build(package: pathlib.Path, folder: pathlib.Path) -> None:
    """Builds and tests a CMake library by the line in its README.md."""
    with zipfile.ZipFile(package) as library:
        library.extractall(folder)
    root = folder / "fxp_kws"
    first, *_ = documented.commands("README.md", (root / "README.md").read_text(encoding="utf-8"))
    done = subprocess.run(["bash", "-c", first.text], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "100% tests passed" in done.stdout, done.stdout + done.stderr
