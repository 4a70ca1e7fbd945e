"""The command `kws.report` writes a page, or says in a line why not."""

import pathlib
import subprocess
import sys

import pytest
from report_material import read


def run(*arguments: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-W", "error", "-m", "kws.report", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_command_writes_a_page(bundle: pathlib.Path, files: list, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "deep" / "page.html"
    measured_files = ",".join(map(str, files))
    done = run(f"--bundle={bundle}", f"--measured={measured_files}", f"--page={target}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"page: {target}\n", "")
    read(target.read_text())
    kept = files[0].read_text()
    done = run(f"--bundle={bundle}", f"--measured={measured_files}", f"--page={files[0]}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: --page={files[0]} exists and is no HTML page: give another path\n"
    assert files[0].read_text() == kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--bundle or --sweep_dir is required: give one of them (see --help)"),
        (["--bundle=b", "--sweep_dir=s"], "--bundle makes a page, --sweep_dir tables: give one of them"),
        (["--bundle=b", "--plots"], "--plots does not go with --bundle"),
        (["--sweep_dir=s", "--measured=x"], "--measured does not go with --sweep_dir"),
    ],
)
def test_flags_that_dont_go_together_are_one_line(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")
