"""The command shell: exit codes, one line on stderr, results as JSON."""

import json
import os
import pathlib
import subprocess
import sys
from typing import BinaryIO

import pytest
from absl import flags

from kws_cli import command
from kws_cli.command import UserError

PROGRAM = """
import errno, os, sys
from absl import flags
from kws_cli import command
from kws_cli.command import UserError

class LibraryError(ValueError):
    user_can_mend = True

class NarrowError(LibraryError):
    pass

class FullError(OSError):
    user_can_mend = True

class InternalError(ValueError):
    user_can_mend = False

def define_flags():
    flags.DEFINE_integer("count", 1, "How many.")
    flags.DEFINE_float("share", 0.5, "How much.", 0.0, 1.0)
    flags.DEFINE_string("mode", "work", "What happens.")
    flags.DEFINE_string("bundle", None, "A folder.")
    command.define_required_flag("needed", "A text.")
    command.define_json_flag()

def work(values):
    if values.mode == "user":
        raise UserError("first half,\\n  second half")
    if values.mode == "library":
        raise LibraryError("shape=(3,) has one axis,\\n  expected two")
    if values.mode == "narrow":
        raise NarrowError("rate=0 Hz is no rate")
    if values.mode == "system":
        raise FullError("can't write bundle=runs/b: no space")
    if values.mode == "internal":
        raise InternalError("a broken promise")
    if values.mode == "value":
        raise ValueError("a plain one")
    if values.mode == "interrupt":
        raise KeyboardInterrupt
    if values.mode == "require":
        command.require(count=values.count, bundle=values.bundle)
    if values.mode == "no package":
        sys.modules["tensorflow"] = None
        import tensorflow
    if values.mode == "bug":
        raise RuntimeError("a bug")
    if values.mode == "exit":
        sys.exit(1)
    if values.mode == "missing":
        open("/no/such/file")
    if values.mode == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/a/history.json")
    if values.mode == "full of others":
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    if values.mode == "told by HDF5":
        raise OSError("[Errno 28] Can't write data (file write failed: error message = 'No space left on device')")
    if values.mode == "told by TensorFlow":
        try:
            raise ValueError("RESOURCE_EXHAUSTED: runs/a/ckpt-3; No space left on device")
        except ValueError:
            raise RuntimeError("a checkpoint could not be written")
    if values.mode == "long":
        print("line\\n" * 100_000)
    command.say(f"count is {values.count}", values.json)
    command.write_json({"count": values.count}, values.json)

if __name__ == "__main__":
    command.run(work, define_flags)
"""


def run(*arguments: str, needed: str = "--needed=it") -> subprocess.CompletedProcess:
    command_line = [sys.executable, "-c", PROGRAM, *arguments, *filter(None, [needed])]
    return subprocess.run(command_line, capture_output=True, text=True, check=False)


def run_into(stdout: BinaryIO, *arguments: str) -> subprocess.CompletedProcess:
    command_line = [sys.executable, "-c", PROGRAM, *arguments, "--needed=it"]
    return subprocess.run(command_line, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_work_is_done_with_the_flags() -> None:
    done = run("--count=3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "count is 3\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mode=user"], "error: first half, second half"),
        (["--mode=library"], "error: shape=(3,) has one axis, expected two"),
        (["--mode=narrow"], "error: rate=0 Hz is no rate"),
        (["--mode=system"], "error: can't write bundle=runs/b: no space"),
        (["--mode=system", "--bundle=./runs/b/"], "error: can't write --bundle=runs/b: no space"),
        (["--mode=require"], "error: --bundle is required: give --bundle=... (see --help)"),
        (["--mode=require", "--bundle="], "error: --bundle is required: give --bundle=... (see --help)"),
        (["--count=three"], "error: flag --count=three: invalid literal for int() with base 10: 'three' (see --help)"),
        (["--cuont=3"], "error: Unknown command line flag 'cuont'. Did you mean: count ? (see --help)"),
        (["--share=nan"], "error: --share=nan: give a finite number (see --help)"),
        (["--share=-inf"], "error: flag --share=-inf: -inf is not a number in the range [0.0, 1.0] (see --help)"),
        (["stray"], "error: unexpected argument 'stray': settings are given as --name=value (see --help)"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    failed = run(*arguments)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr == message + "\n"


@pytest.mark.parametrize("needed", ["", "--needed="])
def test_a_required_flag_is_asked_for_before_the_work_begins(needed: str) -> None:
    failed = run("--mode=bug", needed=needed)
    assert (failed.returncode, failed.stderr) == (2, "error: --needed is required: give --needed=... (see --help)\n")


def test_an_interrupt_is_exit_code_130() -> None:
    stopped = run("--mode=interrupt")
    assert (stopped.returncode, stopped.stderr) == (130, "interrupted\n")


def test_a_command_chooses_its_own_exit_code() -> None:
    assert run("--mode=exit").returncode == 1


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("bug", "RuntimeError: a bug"),
        ("value", "ValueError: a plain one"),
        ("internal", "InternalError: a broken promise"),
        ("missing", "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/file'"),
    ],
)
def test_a_bug_is_not_hidden(mode: str, message: str) -> None:
    failed = run(f"--mode={mode}")
    assert failed.returncode not in (0, 2, 130)
    assert message in failed.stderr and "Traceback" in failed.stderr


@pytest.mark.parametrize("mode", ["long", "work"])
def test_a_command_that_nobody_reads_any_more_ends_with_no_word(mode: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as unread:
        ended = run_into(unread, f"--mode={mode}")
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("mode", ["long", "work"])
def test_a_full_disk_under_standard_output_is_one_line(mode: str) -> None:
    with open("/dev/full", "wb") as full:
        failed = run_into(full, f"--mode={mode}")
    assert (failed.returncode, failed.stderr) == (
        2,
        "error: can't write to standard output: No space left on device\n",
    )


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_commands_own_flags_and_ends_well(flag: str) -> None:
    helped = run(flag)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert helped.stdout.splitlines()[0] == "usage: -c --needed=... [--flag=value ...]"
    assert "How many. (default: 1)" in helped.stdout and "--pdb_post_mortem" not in helped.stdout


def test_help_into_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as closed:
        failed = run_into(closed, "--help")
    assert (failed.returncode, failed.stderr) == (command.NO_READER_EXIT_CODE, "")


def test_a_missing_package_of_an_extra_is_one_line() -> None:
    failed = run("--mode=no package")
    assert failed.returncode == 2
    assert failed.stderr == (
        "error: this needs tensorflow, which is not installed: pip install 'fixed-point-kws[train]'\n"
    )


def test_json_alone_is_on_standard_output() -> None:
    done = run("--count=4", "--json=-")
    assert json.loads(done.stdout) == {"count": 4}
    assert done.stderr == "count is 4\n"


def test_json_goes_to_a_file(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "deep" / "result.json"
    command.write_json({"b": 1, "a": [2]}, str(path))
    assert path.read_text() == '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n'
    command.write_json({"b": 1}, None)
    command.say("a line", str(path))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("a line\n", "")


def test_json_that_cannot_be_written_is_said_before_the_work(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    for place, reason in ((tmp_path / "file" / "result.json", "Not a directory"), (tmp_path, "Is a directory")):
        done = run("--count=4", f"--json={place}")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"error: can't write --json={place}: {reason}\n"
    assert run("--count=4", f"--json={tmp_path / 'new' / 'result.json'}").returncode == 0
    assert run("--count=4", "--json=/dev/null").returncode == 0


def test_json_is_written_over_json_alone(tmp_path: pathlib.Path) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    done = run("--count=4", f"--json={diary}")
    assert (done.returncode, done.stderr) == (
        2,
        f"error: --json={diary} exists and is no JSON file: give another path\n",
    )
    assert diary.read_text() == "Dear diary"
    for before in ("", "[1]", '{"count": 3}'):
        diary.write_text(before)
        assert run("--count=4", f"--json={diary}").returncode == 0
        assert json.loads(diary.read_text()) == {"count": 4}


def test_json_that_cannot_be_written_is_the_users(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't write --json="):
        command.write_json({}, str(tmp_path / "file" / "result.json"))
    with pytest.raises(UserError, match="can't write --json="):
        command.write_json({}, str(tmp_path))


def test_require_names_the_first_that_is_missing() -> None:
    command.require(a=0, b=False, c="x")
    with pytest.raises(UserError, match="--b is required"):
        command.require(a="x", b=None, c="")


def a_commands_flags() -> flags.FlagValues:
    """The flags of a command that was called with some of them."""
    values = flags.FlagValues()
    flags.DEFINE_integer("seed", 0, "", flag_values=values)
    flags.DEFINE_integer("clips", None, "", flag_values=values)
    flags.DEFINE_float("timeout", 60.0, "", flag_values=values)
    flags.DEFINE_list("words", None, "", flag_values=values)
    flags.DEFINE_string("bundle", None, "", flag_values=values)
    flags.DEFINE_bool("download", False, "", flag_values=values)
    values(["command", "--clips=0", "--timeout=1e-3", "--words=yes,no", "--bundle=runs/b/"])
    return values


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("clips=0 and words=yes,no leave nothing", "--clips=0 and --words=yes,no leave nothing"),
        ("timeout=0.001: give more", "--timeout=0.001: give more"),
        ("can't write bundle=runs/b: no space", "can't write --bundle=runs/b: no space"),
        ("choose seed=1, or bundle=b2, or rate=3", "choose --seed=1, or --bundle=b2, or rate=3"),
        ("give bundle=... without spaces", "give --bundle=... without spaces"),
        ("(bundle=runs/b/)", "(--bundle=runs/b/)"),
        ("word=no is unknown", "--words=no is unknown"),
        ("fetch it with download=True", "fetch it with --download"),
        (
            "read it with python -m export.inspect --bundle=runs/b",
            "read it with python -m export.inspect --bundle=runs/b",
        ),
    ],
)
def test_a_setting_is_shown_as_the_flag_that_gave_it(message: str, shown: str) -> None:
    assert command.with_flags(message, a_commands_flags()) == shown


@pytest.mark.parametrize(
    "message",
    [
        "seed=-1 is another setting's: no flag has this value",
        "clips=0.5, clips=01, my_clips=0, runs/clips=0, -clips=0",
        "bundle=runs/b/deeper, bundle=runs/b2",
        "rate=0 is no flag",
        "word=maybe is none of the list's, my_download=True, download=Truely",
    ],
)
def test_what_no_flag_gave_is_shown_as_it_is(message: str) -> None:
    assert command.with_flags(message, a_commands_flags()) == message


@pytest.mark.parametrize("mode", ["full", "full of others", "told by HDF5", "told by TensorFlow"])
def test_a_full_disk_is_one_line_whoever_tells_of_it(mode: str) -> None:
    done = run(f"--mode={mode}")
    place = " for runs/a/history.json" if mode == "full" else ""
    expected = f"error: No space left on device{place}: free some and run again (a training goes on with --resume)\n"
    assert (done.returncode, done.stdout.strip(), done.stderr) == (2, "", expected)


@pytest.mark.parametrize("asked", [None, 0, 7, 8])
def test_what_there_is_enough_of_is_not_spoken_of(asked: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    command.say_if_fewer("clips", asked, 8, "clips", None)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("json_path", "place"), [(None, "out"), ("a.json", "out"), ("-", "err")])
def test_what_there_is_less_of_is_counted(
    json_path: str | None, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command.say_if_fewer("clips", 9, 8, "clips", json_path)
    assert getattr(capsys.readouterr(), place) == "--clips=9: there are 8 clips, all of them were taken\n"
