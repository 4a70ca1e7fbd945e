"""Runs an emulator until the firmware's END line, or until a limit on the wall clock; none outlives its caller."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import IO

from microcontroller.emulator.emulator_error import EmulatorError

END_PREFIX = "END status="
VERSION_TIMEOUT_S = 60.0
"""Limit on the wall clock of `--version`; Renode's takes seconds."""
MOST_REPORTED = 1 << 26
"""Bytes of a report, 64 MB: a firmware that repeats itself doesn't fill memory, or the disk."""
_POLL_S = 0.02
# A complaint's details follow it at once, but not in one piece.
_DETAILS_S = 0.3
_QUOTED = 400
_SHELL = "/bin/sh"
# Reads a process group's number, then waits until the pipe is closed, which the death of its writer does, too.
_GUARD = 'read -r group && read -r _; kill -s KILL -- "-$group"'
# Nothing runs before the guard knows of it; without a sign, whoever was to give it is dead.
_AT_A_SIGN = 'read -r _ && exec "$@"'


class NoEndLine(EmulatorError):
    """The firmware went on and on, or was silent, until time was up."""


class Stopped(EmulatorError):
    """The emulator ended by itself, or was killed, before the firmware's report did."""


def run_until_end(
    command: list[str],
    report: pathlib.Path,
    log: pathlib.Path,
    *,
    report_is_stdout: bool,
    timeout_s: float,
    complaints: Sequence[str] = (),
) -> list[str]:
    """Lines of the report, up to and with the END line; the emulator is gone when this returns.

    Args:
      command: the emulator, which never ends by itself.
      report: the file that receives the UART's bytes; an earlier one is removed.
      log: receives everything else that the emulator prints.
      report_is_stdout: whether the emulator writes the report to its standard output, not to the file itself. One
        that writes the file itself may create, move and delete it: where it is missing, there are no lines yet.
      timeout_s: limit on the wall clock.
      complaints: what an emulator prints that stays after an error of its own.

    Raises:
      NoEndLine: the limit passed before there was an END line.
      Stopped: the emulator ended before there was one.
      EmulatorError: the emulator can't be started, or complained.
    """
    program = pathlib.Path(command[0]).name
    report.unlink(missing_ok=True)
    deadline = time.monotonic() + timeout_s
    heard = b""
    with (
        log.open("wb") as messages,
        log.open("rb") as said,
        report.open("wb") if report_is_stdout else contextlib.nullcontext(messages) as stdout,
        started(command, stdout=stdout, stderr=messages) as process,
    ):
        while True:
            stopped = process.poll() is not None
            if _size(report) > MOST_REPORTED:
                raise EmulatorError(f"the firmware has reported more than {MOST_REPORTED:,} bytes and no END line")
            lines = _whole_lines(report)
            for number, line in enumerate(lines):
                if line.startswith(END_PREFIX):
                    return lines[: number + 1]
            heard = heard[-_QUOTED:] + said.read()
            if _complaint(heard, complaints):
                time.sleep(_DETAILS_S)
                raise EmulatorError(f"{program} says: {_complaint(heard + said.read(), complaints)} (see {log})")
            if stopped:
                raise Stopped(
                    f"{program} stopped before the firmware's END line: {_last(log)[:_QUOTED] or 'it said nothing'} "
                    f"({_how(process.returncode)}, the report's last line was {(lines[-1] if lines else '')[:100]!r})"
                )
            if time.monotonic() > deadline:
                raise NoEndLine(
                    f"{program} had no END line from the firmware after timeout={timeout_s:g} s, the last line was "
                    f"{(lines[-1] if lines else _last(log))[:100]!r}: give it longer, or fewer clips"
                )
            time.sleep(_POLL_S)


def version(program: str) -> str:
    """The first line that `program --version` prints; raises `EmulatorError` where it fails or takes too long."""
    with started([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            printed, complaint = process.communicate(timeout=VERSION_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            message = f"{program} --version has not ended after {VERSION_TIMEOUT_S:g} s: install it again"
            raise EmulatorError(message) from error
    lines = _lines(printed)
    if process.returncode != 0 or not lines:
        said = "".join(f" ({line})" for line in _lines(complaint)[-1:])
        raise EmulatorError(f"{program} --version fails with exit code {process.returncode}{said}: install it again")
    return lines[0]


@contextlib.contextmanager
def started(
    command: Sequence[str], *, stdout: IO[bytes] | int, stderr: IO[bytes] | int
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is killed at the end with all that it started: Renode's launcher starts the emulator proper.

    So it is when this process dies, however it does: a guard in a session of its own sees its pipe close.
    """
    waiting = [_SHELL, "-c", _AT_A_SIGN, _SHELL, *command]
    with (
        _alone([_SHELL, "-c", _GUARD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as guard,
        _alone(waiting, stdout=stdout, stderr=stderr) as process,
    ):
        try:
            _tell(guard, b"%d\n" % process.pid)
            _tell(process, b"\n")
            yield process
        finally:
            guard.kill()
            _kill(process)


def _alone(command: Sequence[str], *, stdout: IO[bytes] | int, stderr: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """A program in a session of its own: Ctrl-C is for this process alone."""
    return subprocess.Popen(
        command, bufsize=0, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, start_new_session=True
    )


def _tell(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None  # `_alone` gave it a pipe
    process.stdin.write(line)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _how(returncode: int) -> str:
    return f"exit code {returncode}" if returncode >= 0 else f"by signal {-returncode}"


def _complaint(heard: bytes, complaints: Sequence[str]) -> str:
    """The first of the known complaints with what follows it, in one line; "" where there is none."""
    text = heard.decode(errors="replace")
    found = [position for position in map(text.find, complaints) if position >= 0]
    return " ".join(text[min(found) :].split())[:_QUOTED] if found else ""


def _whole_lines(report: pathlib.Path) -> list[str]:
    whole, _, _ = _read(report).rpartition(b"\n")
    return [line.strip("\r") for line in whole.decode(errors="replace").split("\n")] if whole else []


def _last(path: pathlib.Path) -> str:
    return "".join(_lines(_read(path))[-1:])


def _lines(printed: bytes) -> list[str]:
    lines = (line.strip() for line in printed.decode(errors="replace").splitlines())
    return [line for line in lines if line]


def _size(path: pathlib.Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: pathlib.Path) -> bytes:
    """A file that another program writes, b"" where there is none at this moment."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
