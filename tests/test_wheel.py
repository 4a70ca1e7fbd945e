"""The wheel works outside of the checkout: all that its commands read is in it."""

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

from scripts import update_build

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ("kws_cli", "export", "kws", "microcontroller", "quant")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the wheel's files, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("pyproject.toml", "README.md", "LICENSE", *update_build.files_of(ROOT, *ROOMS)):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    line = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*line, "--no-build-isolation", f"--wheel-dir={folder}", str(source)], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(unpacked: pathlib.Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    line = [sys.executable, "-m", *arguments]
    done = subprocess.run(line, env=environment, cwd=unpacked.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_every_file_of_the_rooms(unpacked: pathlib.Path) -> None:
    wanted = {path for path in update_build.files_of(ROOT, *ROOMS) if not path.endswith(".md")}
    assert not {path for path in wanted if not (unpacked / path).is_file()}


def test_commands_of_the_wheel_work_elsewhere(unpacked: pathlib.Path) -> None:
    where = run(unpacked, "timeit", "-n1", "-r1", "-s", "import kws; print(kws.__file__)", "0")
    assert where.startswith(str(unpacked))
    bundle = str(unpacked.parent / "bundle")
    run(unpacked, "export.random_bundle", f"--bundle={bundle}", "--channels=8", "--blocks=1")
    assert " 0 differ" in run(unpacked, "export.verify", f"--bundle={bundle}", "--clips=2", "--random_codes=2")
    line = ("microcontroller.bench", f"--bundle={bundle}", "--emulator=qemu", "--clips=1", "--random_codes=1")
    assert "flash" in run(unpacked, *line)
