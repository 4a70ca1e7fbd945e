"""README's first lines, run as they stand: from a pretrained bundle to libraries and a page."""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = ".venv/bin/python"

pytestmark = pytest.mark.slow


def block(text: str) -> list[str]:
    """The lines of the first block of shell, without comments."""
    [first, *_] = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for line in first.splitlines() if not line.startswith("#")]


def test_the_first_lines_make_libraries_that_build_and_a_page(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "models").symlink_to(ROOT / "models")
    lines = [line for line in block((ROOT / "README.md").read_text(encoding="utf-8")) if line.startswith(PYTHON)]
    assert [shlex.split(line)[2] for line in lines] == [
        "export.package",
        "export.package",
        "microcontroller.bench",
        "kws.report",
    ]
    for line in lines:
        words = [sys.executable, *shlex.split(line)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    page = (tmp_path / "build" / "report.html").read_text(encoding="utf-8")
    assert "Report on w4a4" in page and "counted on stm32f4" in page
    with zipfile.ZipFile(tmp_path / "build" / "keywords.zip") as library:
        assert "fxp_kws/library.properties" in library.namelist()
    if shutil.which("cmake") and shutil.which("gcc"):
        build(tmp_path / "build" / "two.zip", tmp_path / "two")


def build(package: pathlib.Path, folder: pathlib.Path) -> None:
    """Builds and tests a CMake library by the line in its README.md."""
    with zipfile.ZipFile(package) as library:
        library.extractall(folder)
    root = folder / "fxp_kws"
    line, *_ = block((root / "README.md").read_text(encoding="utf-8"))
    done = subprocess.run(["bash", "-c", line], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "100% tests passed" in done.stdout, done.stdout + done.stderr
