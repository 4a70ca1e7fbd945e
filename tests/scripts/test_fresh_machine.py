"""scripts/fresh_machine.sh with stand-ins for what makes a system and enters it: what it refuses, does and reports."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MINUTE = 60
COMMANDS = ["make demo", "make test"]


def script(path: pathlib.Path, text: str) -> None:
    path.write_text(f"#!{shutil.which('bash')}\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path):
    """A machine with a shell's tools; its debootstrap and git make empty folders, unshare only notes commands."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/fresh_machine.sh", tmp_path / "scripts")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "cp", "dirname", "mkdir", "rm", "setpriv", "tail"):
        (tools / tool).symlink_to(shutil.which(tool))
    script(tools / "id", "echo 0")
    script(tools / "debootstrap", f'echo "made $3" >> {tmp_path}/asked; mkdir -p "$4/etc"')
    script(tools / "git", 'case $1 in rev-parse) echo 1234567 ;; clone) mkdir "${!#}" ;; esac')
    enter = f"""
if [ "$2" = -- ]; then shift 2; exec "$@"; fi
echo "${{10}}" >> {tmp_path}/asked
[[ ${{10}} != *"$FAILS"* ]]
"""
    script(tools / "unshare", enter)
    return tmp_path


def run(machine: pathlib.Path, *arguments: str, fails: str = "nothing", **environment: str):
    return subprocess.run(
        [machine / "scripts/fresh_machine.sh", *arguments],
        env={"PATH": str(machine / "bin"), "FAILS": fails, **environment},
        capture_output=True,
        text=True,
        timeout=MINUTE,
        check=False,
    )


def asked(machine: pathlib.Path) -> list[str]:
    """The releases that were made and the commands that were run, in order."""
    lines = (machine / "asked").read_text().splitlines()
    return [re.sub(r".*timeout \S+ (.*) \|\| exit", r"\1", line) for line in lines]


def test_it_runs_the_readmes_commands_in_both_releases(machine):
    result = run(machine)
    assert (result.returncode, result.stderr) == (0, "")
    assert asked(machine) == ["made bookworm", *COMMANDS, "made trixie", *COMMANDS]
    steps = ["minimal system", "network", "clone of 1234567", *COMMANDS]
    assert [line.rsplit(" done in ", 1)[0] for line in result.stdout.splitlines()] == [
        f"{release}: {step}:" for release in ("bookworm", "trixie") for step in steps
    ]
    assert sorted(path.name for path in (machine / "build/fresh_machine").iterdir()) == ["bookworm.log", "trixie.log"]


def test_its_commands_are_the_readmes():
    readme = (ROOT / "README.md").read_text()
    assert 'commands=("make demo" "make test")' in (ROOT / "scripts/fresh_machine.sh").read_text()
    on_a_fresh_machine = readme[readme.index("On Debian or Ubuntu") :]
    assert re.findall(r"^(make \w+) ", on_a_fresh_machine, re.MULTILINE)[:2] == COMMANDS


def test_a_step_that_fails_ends_its_release_and_the_exit_code_says_so(machine):
    result = run(machine, "trixie", "bookworm", fails="demo")
    assert result.returncode == 1
    assert asked(machine) == ["made trixie", "make demo", "made bookworm", "make demo"]
    assert "trixie: make demo: failed after" in result.stderr
    assert result.stderr.splitlines()[-1] == "fresh_machine: failed on trixie bookworm"
    assert (machine / "build/fresh_machine/trixie").is_dir()


def test_it_takes_the_network_along(machine):
    certificate = machine / "ours.crt"
    certificate.write_text("ours")
    folder = machine / "elsewhere"
    network = {"SSL_CERT_FILE": str(certificate), "https_proxy": "http://proxy:3128"}
    script(
        machine / "bin/unshare", f'if [ "$2" = -- ]; then shift 2; exec "$@"; fi; echo "${{*:11}}" >> {machine}/passed'
    )
    assert run(machine, f"--folder={folder}", "--keep", "bookworm", **network).returncode == 0
    for line in (machine / "passed").read_text().splitlines():
        assert "https_proxy=http://proxy:3128" in line and "SSL_CERT_FILE=/etc/SSL_CERT_FILE.crt" in line
    assert (folder / "bookworm/etc/SSL_CERT_FILE.crt").read_text() == "ours"
    assert (folder / "bookworm/etc/resolv.conf").is_file()


@pytest.mark.parametrize(
    ("lacks", "says"), [("root", "needs root"), ("debootstrap", "debootstrap not found: apt-get install debootstrap")]
)
def test_what_it_needs_is_said_in_one_line(machine, lacks, says):
    if lacks == "root":
        script(machine / "bin/id", "echo 1000")
    else:
        (machine / "bin/debootstrap").unlink()
    result = run(machine)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert says in result.stderr


@pytest.mark.parametrize("argument", ["--folder=", "--keap", "jessie"])
def test_another_argument_is_refused_in_one_line(machine, argument):
    result = run(machine, argument)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert f"unexpected argument '{argument}'" in result.stderr
