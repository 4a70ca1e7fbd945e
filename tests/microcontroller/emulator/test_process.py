"""How emulators are started, read and stopped."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
import renode_stand_in as stand_in

from microcontroller.emulator import process
from microcontroller.emulator.emulator_error import EmulatorError

# A launcher whose child is the program, which never ends.
ENDLESS = "sleep 600 & echo $! $$ > {pids}.new; mv {pids}.new {pids}; wait"
# Its settings are the arguments: command, report, log.
CALLER = """
import pathlib, signal, sys
from microcontroller.emulator import process
for ignored in (signal.SIGHUP, signal.SIGTERM):  # as a test in the background may find them
    signal.signal(ignored, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
command, report, log = sys.argv[1:]
process.run_until_end(
    ["sh", "-c", command], pathlib.Path(report), pathlib.Path(log), report_is_stdout=True, timeout_s=600
)
"""


def program(folder: pathlib.Path, text: str) -> str:
    path = folder / "program"
    path.write_text(f"#!{shutil.which('sh')}\n{text}")
    path.chmod(0o755)
    return str(path)


def run_program(folder: pathlib.Path, code: str, timeout_s: float = 20.0) -> list[str]:
    command = [sys.executable, "-c", code]
    return process.run_until_end(
        command, folder / "uart.log", folder / "log", report_is_stdout=True, timeout_s=timeout_s
    )


def test_one_that_stops_is_reported_with_its_last_words(tmp_path: pathlib.Path) -> None:
    with pytest.raises(EmulatorError, match="stopped before the firmware's END line: Lockup: at 0x0"):
        run_program(tmp_path, "import sys; print('FXP'); sys.exit('qemu: fatal\\nLockup: at 0x0')")


def test_one_that_stops_after_the_end_is_fine(tmp_path: pathlib.Path) -> None:
    assert run_program(tmp_path, "print('FXP'); print('END status=0')") == ["FXP", "END status=0"]


def test_a_complaint_that_comes_in_pieces_is_heard(tmp_path: pathlib.Path) -> None:
    code = (
        "import time, sys\nfor part in ('It went wr', 'ong: be', 'cause'):\n sys.stderr.write(part)\n time.sleep(0.2)\n"
    )
    with pytest.raises(EmulatorError, match=r"says: went wrong: because \(see .*log\)"):
        process.run_until_end(
            [sys.executable, "-uc", f"{code}time.sleep(600)"],
            tmp_path / "uart.log",
            tmp_path / "log",
            report_is_stdout=True,
            timeout_s=20.0,
            complaints=["went wrong"],
        )


def test_an_unfinished_end_line_is_not_the_end(tmp_path: pathlib.Path) -> None:
    code = "import time; print('END status=1', end='', flush=True); time.sleep(0.3); print('23', flush=True)"
    assert run_program(tmp_path, code) == ["END status=123"]


def test_a_firmware_that_repeats_itself_is_stopped(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_REPORTED", 1000)
    with pytest.raises(EmulatorError, match="has reported more than 1,000 bytes and no END line"):
        run_program(tmp_path, "while True: print('FXP again')")


def test_the_wall_clock_is_limited(tmp_path: pathlib.Path) -> None:
    with pytest.raises(EmulatorError, match=r"no END line .* after timeout=5 s, the last line was 'FXP'"):
        run_program(tmp_path, "import time; print('FXP', flush=True); time.sleep(600)", timeout_s=5)


def test_one_that_cannot_be_started_is_one_line(tmp_path: pathlib.Path) -> None:
    wrong_format = tmp_path / "program"
    wrong_format.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xff" + bytes(44))
    wrong_format.chmod(0o755)
    with pytest.raises(EmulatorError, match=r"program --version fails with exit code 126 \(.*format.*\): install it"):
        process.version(str(wrong_format))
    with pytest.raises(EmulatorError, match=r"stopped before the firmware's END line: .*format"):
        process.run_until_end(
            [str(wrong_format)], tmp_path / "uart.log", tmp_path / "log", report_is_stdout=False, timeout_s=20
        )


def test_a_broken_one_is_one_line(tmp_path: pathlib.Path) -> None:
    with pytest.raises(EmulatorError, match=r"--version fails with exit code 3 \(no runtime\): install it again"):
        process.version(program(tmp_path, "echo no runtime >&2; exit 3\n"))
    with pytest.raises(EmulatorError, match="--version fails with exit code 0: install it again"):
        process.version(program(tmp_path, "exit 0\n"))


def test_a_version_that_never_comes_is_one_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "VERSION_TIMEOUT_S", 1.0)
    pids = tmp_path / stand_in.PIDS
    with pytest.raises(EmulatorError, match="--version has not ended after 1 s: install it again"):
        process.version(program(tmp_path, ENDLESS.format(pids=pids)))
    assert stand_in.gone(tmp_path)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"])
def test_none_outlives_its_caller(name: str, tmp_path: pathlib.Path) -> None:
    pids = tmp_path / stand_in.PIDS
    arguments = [ENDLESS.format(pids=pids), str(tmp_path / "uart.log"), str(tmp_path / "log")]
    with subprocess.Popen([sys.executable, "-c", CALLER, *arguments], stderr=subprocess.DEVNULL) as caller:
        while not pids.exists() and caller.poll() is None:
            time.sleep(0.02)
        assert len(stand_in.running(tmp_path)) == 2
        os.kill(caller.pid, signal.Signals[name])
    assert stand_in.gone(tmp_path)
