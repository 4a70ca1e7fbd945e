"""make setup on machines made for the test: what it refuses, and that it installs once."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MINUTE = 60
# Whichever runs the tests, said to be 3.11.
PYTHON = f"""
if [[ ${{2:-}} == *version_info* ]]; then echo 3.11; else exec {sys.executable} "$@"; fi
"""


@pytest.fixture
def machine(tmp_path):
    """A bare machine: a copy of what setup reads, and a PATH with a shell's own tools and Python, nothing else.

    It has no root and no sudo; its apt-get leaves a file behind when it is called.
    """
    for name in ("requirements.txt", "requirements-gpu.txt", "pyproject.toml", "scripts/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "cat", "dirname", "sha256sum"):
        (tools / tool).symlink_to(shutil.which(tool))
    script(tools / "id", "echo 1000")
    script(tools / "apt-get", f"echo called > {tmp_path}/apt-get.called")
    script(tools / "python3.11", PYTHON)
    return tmp_path


def script(path: pathlib.Path, text: str) -> None:
    path.write_text(f"#!{shutil.which('bash')}\n{text}\n")
    path.chmod(0o755)


def run_setup(machine: pathlib.Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [machine / "scripts/setup.sh"],
        env={"PATH": str(machine / "bin"), **environment},
        capture_output=True,
        text=True,
        timeout=MINUTE,
        check=False,
    )


def test_setup_without_root_names_the_command_to_run(machine):
    result = run_setup(machine)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    arm = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm", "gcc libc6-dev")
    for package in (*arm, "gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"):
        assert package in result.stderr
    assert "sudo apt-get install" in result.stderr
    assert not (machine / "apt-get.called").exists() and not (machine / ".venv").exists()


@pytest.mark.parametrize("version", ["2.7", "3.8"])
def test_setup_refuses_a_python_that_can_fetch_no_other_in_one_line(machine, version):
    (machine / "bin/python3.11").unlink()
    script(machine / "bin/python3", f"echo {version}")
    result = run_setup(machine)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert f"found python3 {version}" in result.stderr and "Python 3.11, 3.12 or 3.13" in result.stderr


def test_setup_refuses_another_python_named_by_hand(machine):
    script(machine / "bin/python3.14", "echo 3.14")
    result = run_setup(machine, PYTHON="python3.14")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "found python3.14 3.14" in result.stderr


def test_setup_takes_a_python_3_13_named_by_hand_and_compiles_for_it(machine):
    script(machine / "bin/python3.13", "[[ $2 != *version_info* ]] || echo 3.13; [[ $2 != *Python.h* ]]")
    result = run_setup(machine, PYTHON="python3.13")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "install -y --no-install-recommends python3.13-dev cmake g++ gcc-arm-none-eabi" in result.stderr
    assert "cmake" not in run_setup(machine).stderr


def test_setup_refuses_a_machine_without_python_in_one_line(machine):
    (machine / "bin/python3.11").unlink()
    result = run_setup(machine)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "found none" in result.stderr


def test_setup_passes_over_a_python_that_does_not_run(machine):
    script(machine / "bin/python3.11", "echo not installed >&2; exit 127")
    script(machine / "bin/python3.12", PYTHON)
    assert "apt-get install" in run_setup(machine).stderr


@pytest.fixture
def equipped(machine):
    """A machine with every tool but npm, and a Python and a uv that only note what they are asked to install."""
    uv = """
echo uv "$@" >> asked
if [ -e uv.fails ]; then cat uv.fails >&2; exit 1; fi
"""
    python = f"""
if [ "$1" = -c ]; then
{PYTHON}
exit; fi
echo "$*" >> asked
if [ "$2" = venv ]; then mkdir -p "${{!#}}/bin"; cp "${{BASH_SOURCE[0]}}" "${{!#}}/bin/python"; fi
if [[ $* == *.python/uv/requirements.txt ]]; then cp {machine}/uv .python/uv/bin/uv; fi
"""
    script(machine / "uv", uv)
    script(machine / "bin/python3.11", python)
    script(machine / "bin/arm-none-eabi-gcc", f"echo {machine}/requirements.txt")
    script(machine / "bin/riscv64-unknown-elf-gcc", f"echo {machine}/requirements.txt")
    for tool in ("gcc", "qemu-system-arm", "qemu-system-riscv32"):
        script(machine / "bin" / tool, "true")
    for tool in ("cp", "mkdir"):
        (machine / "bin" / tool).symlink_to(shutil.which(tool))
    return machine


@pytest.fixture
def with_newer_python(equipped):
    """An equipped machine whose only Python is 3.13, and a uv that fetches 3.12."""
    made = equipped / "bin/python3.11"
    uv = f"""
echo uv "$@" >> asked
[ "$1" = python ] || exit 0
mkdir -p .python/cpython-3.12.1-linux/bin
cp {equipped}/fetched .python/cpython-3.12.1-linux/bin/python3
"""
    newer = """
if [[ $1 == -c ]]; then [[ $2 != *version_info* ]] || echo VERSION; exit; fi
exec bash fetched "$@"
"""
    made.rename(equipped / "fetched")
    script(equipped / "uv", uv)
    for tool in ("cmake", "g++"):
        script(equipped / "bin" / tool, "true")
    script(equipped / "bin/python3", newer.replace("VERSION", "3.13"))
    script(equipped / "newest", newer.replace("VERSION", "3.14"))
    return equipped


def test_setup_fetches_a_python_once_where_there_is_another_alone(with_newer_python):
    first = run_setup(with_newer_python)
    assert (first.returncode, first.stderr) == (0, "")
    assert "fetching Python 3.12 with uv==" in first.stdout and "found python3 3.13" in first.stdout
    said = (with_newer_python / "asked").read_text().splitlines()
    assert [line for line in said if line.startswith("uv")] == [
        "uv python install --no-bin --install-dir .python 3.12",
        "uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.txt",
    ]
    lines = (with_newer_python / ".python/uv/requirements.txt").read_text().split()
    assert lines[0].startswith("uv==") and len(lines) == 3
    assert all(re.fullmatch("--hash=sha256:[0-9a-f]{64}", line) for line in lines[1:])
    shutil.rmtree(with_newer_python / ".venv")
    assert "fetching" not in run_setup(with_newer_python).stdout


CANNOT_FETCH = "[ $1 != python ] || { echo 'error: Failed\n  cause: no such host' >&2; exit 1; }"


def test_setup_goes_on_with_python_3_13_where_no_other_can_be_fetched(with_newer_python):
    script(with_newer_python / "uv", CANNOT_FETCH)
    result = run_setup(with_newer_python)
    assert (result.returncode, result.stderr) == (0, "")
    assert "uv could not fetch one: no such host. Going on with python3" in result.stdout
    assert "setup: making .venv with python3 (3.13)" in result.stdout


def test_setup_says_why_no_python_could_be_fetched(with_newer_python):
    script(with_newer_python / "uv", CANNOT_FETCH)
    (with_newer_python / "newest").replace(with_newer_python / "bin/python3")
    result = run_setup(with_newer_python)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "found python3 3.14, and uv could not fetch one: no such host" in result.stderr
    assert "UV_PYTHON_INSTALL_MIRROR" in result.stderr and "make setup PYTHON=" in result.stderr


def test_setup_says_why_uv_could_not_be_installed(with_newer_python):
    (with_newer_python / "newest").replace(with_newer_python / "bin/python3")
    fetched = with_newer_python / "fetched"
    fetched.write_text(fetched.read_text() + "[ $2 != pip ] || { echo ERROR: No matching distribution >&2; exit 1; }\n")
    result = run_setup(with_newer_python)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "pip could not install uv==" in result.stderr and "No matching distribution" in result.stderr


def asked(machine: pathlib.Path) -> list[str]:
    """What setup has asked Python to do, and forgets it."""
    notes = machine / "asked"
    lines = notes.read_text().splitlines() if notes.exists() else []
    notes.unlink(missing_ok=True)
    return [line.split()[0 if line.startswith("uv") else 1] for line in lines]


def test_setup_installs_once(equipped):
    first = run_setup(equipped)
    assert (first.returncode, first.stderr) == (0, "")
    assert "npm not found" in first.stdout
    assert "the C front end's FFT will not be compared" in first.stdout
    assert asked(equipped) == ["venv", "venv", "pip", "uv", "pip", "pip"]
    assert run_setup(equipped).returncode == 0
    assert asked(equipped) == []


def test_setup_installs_again_when_a_requirement_changes(equipped):
    run_setup(equipped)
    asked(equipped)
    with (equipped / "requirements.txt").open("a") as requirements:
        requirements.write("six==1.17.0\n")
    assert run_setup(equipped).returncode == 0
    assert asked(equipped) == ["uv", "pip", "pip"]
    assert not (equipped / "apt-get.called").exists()


def test_setup_for_a_gpu_installs_cuda_once_beside_the_rest(equipped):
    run_setup(equipped)
    notes = equipped / "asked"
    notes.unlink()
    assert run_setup(equipped, GPU="0").returncode == 0 and not notes.exists()
    result = run_setup(equipped, GPU="1")
    assert (result.returncode, result.stderr) == (0, "")
    assert notes.read_text().rstrip().endswith("install -r requirements-gpu.txt")
    assert asked(equipped) == ["pip"]
    for environment in ({"GPU": "1"}, {}):
        run_setup(equipped, **environment)
        assert asked(equipped) == []


def test_setup_that_fails_is_not_taken_for_done(equipped):
    python = equipped / "bin/python3.11"
    python.write_text(python.read_text() + '[ "$2" != pip ]\n')
    result = run_setup(equipped)
    assert result.returncode == 2
    assert "pip could not install requirements.txt" in result.stderr
    asked(equipped)
    run_setup(equipped)
    assert asked(equipped) == ["venv", "pip", "pip"]


def test_setup_installs_by_pip_the_same_lock_where_uv_cannot(equipped):
    (equipped / "uv.fails").write_text("error: Failed to fetch\n  cause: no such index\n")
    result = run_setup(equipped)
    assert (result.returncode, result.stderr) == (0, "")
    said = "uv could not install requirements.txt: no such index (all that it said: .venv/uv.log). Trying pip"
    assert said in result.stdout
    lines = [line for line in (equipped / "asked").read_text().splitlines() if "-r requirements.txt" in line]
    assert [line.split("--require-hashes")[1] for line in lines] == [" -r requirements.txt"] * 2


def test_the_lock_is_written_from_what_is_asked_for(equipped):
    environment = {"PATH": str(equipped / "bin")}
    done = subprocess.run([equipped / "scripts/setup.sh", "lock"], env=environment, timeout=MINUTE, check=True)
    assert done.returncode == 0
    said = (equipped / "asked").read_text().splitlines()[-1]
    assert said.startswith("uv pip compile") and said.endswith("requirements.in --output-file requirements.txt")
    assert "--universal --generate-hashes" in said and not (equipped / ".venv").exists()


def test_setup_installs_as_root_only_what_is_missing(equipped):
    (equipped / "bin/qemu-system-arm").unlink()
    (equipped / "bin/env").symlink_to(shutil.which("env"))
    script(equipped / "bin/id", "echo 0")
    script(equipped / "bin/apt-get", f'echo "$*" >> {equipped}/apt-get.called')
    result = run_setup(equipped)
    assert (result.returncode, result.stderr) == (0, "")
    calls = (equipped / "apt-get.called").read_text().splitlines()
    wait = "-o DPkg::Lock::Timeout=600"
    assert calls == [f"{wait} update -qq", f"{wait} install -y --no-install-recommends qemu-system-arm"]


@pytest.fixture
def without_qemu(equipped):
    """An equipped machine that lacks QEMU, on which one is root."""
    (equipped / "bin/qemu-system-arm").unlink()
    (equipped / "bin/env").symlink_to(shutil.which("env"))
    script(equipped / "bin/id", "echo 0")
    return equipped


def test_setup_says_why_apt_get_fails(without_qemu):
    script(without_qemu / "bin/apt-get", "echo W: an old list >&2; echo E: Unable to locate package >&2; exit 100")
    result = run_setup(without_qemu)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "apt-get could not install qemu-system-arm (Unable to locate package)" in result.stderr


def test_setup_waits_for_another_process_that_has_apts_locks(without_qemu):
    """The lists' lock, which apt-get itself does not wait for."""
    held = without_qemu / "held"
    held.write_text("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)\n")
    script(without_qemu / "bin/apt-get", f"[ ! -e {held} ] || {{ cat {held} >&2; exit 100; }}")
    script(without_qemu / "bin/sleep", f"rm {held}")
    (without_qemu / "bin/rm").symlink_to(shutil.which("rm"))
    result = run_setup(without_qemu)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("waiting for another process that holds apt's lock") == 1


PIP_SAYS = {
    "no network": (
        "WARNING: Retrying after connection broken by 'NewConnectionError(no name)': /simple/\n"
        "ERROR: No matching distribution found for numpy==1.26.4",
        "no connection, 'NewConnectionError(no name)': /simple/",
    ),
    "no compiler": (
        "  error: subprocess-exited-with-error\n  CMake Error: No CMAKE_CXX_COMPILER could be found.\n"
        "  ERROR: Failed building wheel for cmsisdsp\nERROR: Could not build wheels for cmsisdsp\nsome advice",
        "Could not build wheels for cmsisdsp",
    ),
    "a traceback": ("Traceback (most recent call last):\nMemoryError", "MemoryError"),
    "nothing": ("", "it gave no reason"),
}


@pytest.mark.parametrize("said", PIP_SAYS)
def test_setup_says_why_pip_fails(equipped, said):
    text, reason = PIP_SAYS[said]
    (equipped / "said").write_text(text)
    python = equipped / "bin/python3.11"
    python.write_text(python.read_text() + f'[ "$2" != pip ] || {{ cat {equipped}/said >&2; exit 1; }}\n')
    result = run_setup(equipped)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert f"pip could not install requirements.txt: {reason} (all that it said: .venv/pip.log)" in result.stderr
    assert (equipped / ".venv/pip.log").read_text() == text
