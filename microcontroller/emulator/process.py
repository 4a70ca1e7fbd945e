"""Runs an emulator until the firmware's END line, or until a limit on the wall clock."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

from cli.command import UserError

END_PREFIX = "END status="
_POLL_S = 0.02


def run_until_end(
    command: list[str], report: pathlib.Path, log: pathlib.Path, *, report_is_stdout: bool, timeout_s: float
) -> list[str]:
    """Lines of the report, up to and with the END line; the emulator is gone when this returns.

    Args:
      command: the emulator, which never ends by itself.
      report: the file that receives the UART's bytes.
      log: receives everything else that the emulator prints.
      report_is_stdout: whether the emulator writes the report to its standard output, not to the file itself.
      timeout_s: limit on the wall clock.

    Raises:
      UserError: the emulator stopped or the limit passed before there was an END line.
    """
    program = pathlib.Path(command[0]).name
    report.write_bytes(b"")
    with report.open("ab") as uart, log.open("wb") as messages:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=uart if report_is_stdout else messages,
            stderr=messages,
            start_new_session=True,
        )
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            stopped = process.poll() is not None
            lines = _whole_lines(report)
            for number, line in enumerate(lines):
                if line.startswith(END_PREFIX):
                    return lines[: number + 1]
            if stopped:
                raise UserError(f"{program} stopped before the firmware's END line: {_last(log) or _last(report)}")
            if time.monotonic() > deadline:
                raise UserError(
                    f"{program} had no END line from the firmware after {timeout_s:g} s, the last line was "
                    f"{(lines[-1] if lines else _last(log))[:100]!r}: give --timeout=... more seconds, or fewer --clips"
                )
            time.sleep(_POLL_S)
    finally:
        _stop(process)


def version(program: str) -> str:
    """The first line that `program --version` prints; raises `UserError` where it fails."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode != 0 or not lines:
        raise UserError(f"{program} --version fails with exit code {done.returncode}: install it again")
    return lines[0]


def _whole_lines(report: pathlib.Path) -> list[str]:
    whole, _, _ = report.read_bytes().rpartition(b"\n")
    return [line.strip("\r") for line in whole.decode(errors="replace").split("\n")] if whole else []


def _last(path: pathlib.Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _stop(process: subprocess.Popen) -> None:
    """Kills the emulator and whatever it started (Renode's launcher starts the emulator proper)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
