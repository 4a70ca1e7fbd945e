"""Emulators: which one is chosen, how it is started, and how it is stopped."""

import os
import pathlib
import re
import shutil
import sys
import time

import pytest

from cli.command import UserError
from microcontroller import boards, emulator
from microcontroller.clip_image import ClipImage
from microcontroller.emulator import process, qemu, renode

BOARD = boards.load("stm32f4")
SHELL = shutil.which("sh")
SCRIPTS = pathlib.Path(renode.__file__).parent


def image_in(folder: pathlib.Path) -> ClipImage:
    return ClipImage(folder / "clips.bin", 0x08020000, ((0x2001FFE0, 0x46585043), (0x2001FFE4, 0x08020000)), 3)


def program(folder: pathlib.Path, name: str, text: str) -> pathlib.Path:
    path = folder / name
    path.write_text(f"#!{SHELL}\n{text}")
    path.chmod(0o755)
    return path


def test_auto_prefers_renode_and_says_why(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert emulator.choose("auto", BOARD) == (qemu, "renode is not on the PATH")
    program(tmp_path, "renode", "exit 0\n")
    assert emulator.choose("auto", BOARD) == (renode, "renode is on the PATH")
    assert emulator.choose("qemu", BOARD) == (qemu, "--emulator=qemu")
    assert emulator.choose("renode", BOARD) == (renode, "--emulator=renode")


@pytest.mark.parametrize("chosen", [qemu, renode])
def test_missing_emulator(chosen: object, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (chosen.version, lambda: chosen.run(BOARD, tmp_path / "firmware.elf", image_in(tmp_path), 1.0)):
        with pytest.raises(UserError, match="not found: "):
            call()


def test_a_broken_emulator_is_one_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "renode", "exit 3\n")
    with pytest.raises(UserError, match="--version fails with exit code 3"):
        renode.version()


def test_qemu_arguments() -> None:
    image = image_in(pathlib.Path("/a,b"))
    text = " ".join(qemu.arguments(BOARD, pathlib.Path("/a,b/firmware.elf"), image))
    assert text == (
        "-M netduinoplus2 -kernel /a,b/firmware.elf -nographic -monitor none -icount shift=0,sleep=off "
        "-serial null -serial stdio -device loader,file=/a,,b/clips.bin,addr=0x8020000,force-raw=on "
        "-device loader,addr=0x2001ffe0,data=0x46585043,data-len=4 "
        "-device loader,addr=0x2001ffe4,data=0x8020000,data-len=4"
    )


def test_renode_platform_makes_counters_count_instructions() -> None:
    platform = (SCRIPTS / BOARD.renode.platform).read_text()
    assert 'using "platforms/boards/stm32f4_discovery.repl"' in platform
    assert "timer2:\n    frequency: 100000000\n" in platform
    assert "nvic:\n    systickFrequency: 100000000\n" in platform
    assert "dwt: Miscellaneous.DWT @ sysbus 0xE0001000\n    frequency: 100000000\n" in platform


def test_renode_script_loads_in_order() -> None:
    script = (SCRIPTS / "bench.resc").read_text()
    commands = [
        "using sysbus",
        'mach create "m4"',
        "machine LoadPlatformDescription $platform",
        "cpu PerformanceInMips 100",
        "sysbus LoadELF $bin",
        "sysbus LoadBinary $image $image_address",
        f"{BOARD.renode.uart} CreateFileBackend $uart_log true",
        "emulation SetGlobalAdvanceImmediately true",
    ]
    lines = [line for line in script.splitlines() if line and not line.startswith(("#", ":"))]
    assert lines == commands


def test_renode_setup_sets_every_variable_before_the_include(tmp_path: pathlib.Path) -> None:
    lines = renode.setup_script(BOARD, tmp_path / "firmware.elf", image_in(tmp_path), tmp_path).splitlines()
    include = lines.index(f"include @{tmp_path}/bench.resc")
    assert lines[:include] == [
        f"$platform=@{tmp_path}/stm32f4.repl",
        f"$bin=@{tmp_path}/firmware.elf",
        f"$image=@{tmp_path}/clips.bin",
        f"$uart_log=@{tmp_path}/uart.log",
        "$image_address=0x08020000",
    ]
    used = set(re.findall(r"\$\w+", (SCRIPTS / "bench.resc").read_text()))
    assert used == {line.partition("=")[0] for line in lines[:include]}
    assert lines[include + 1 :] == [
        "sysbus WriteDoubleWord 0x2001ffe0 0x46585043",
        "sysbus WriteDoubleWord 0x2001ffe4 0x08020000",
    ]


def test_renode_run_script() -> None:
    lines = renode.run_script(pathlib.Path("/folder/setup.resc")).splitlines()
    assert lines[0] == "include @/folder/setup.resc" and lines[-1] == "quit"
    assert set(lines[1:-1]) == {'emulation RunFor "1"'} and len(lines) > 1000


def test_renode_refuses_paths_with_spaces() -> None:
    folder = pathlib.Path("/my folder")
    with pytest.raises(UserError, match="path with spaces"):
        renode.setup_script(BOARD, folder / "firmware.elf", image_in(folder), folder)


def test_robot_test_uses_what_the_bench_leaves() -> None:
    text = (SCRIPTS / "bench.robot").read_text()
    assert f"sysbus.{BOARD.renode.uart}" in text and "include @${SETUP}" in text and renode.SETUP in text
    for keyword in ("Create Terminal Tester", "Start Emulation", "Wait For Line On Uart", "ExecutedInstructions"):
        assert keyword in text
    assert "END status=0" in text


def test_renode_is_started_read_and_stopped(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the program: it checks its arguments, writes a report where the script says, and stays."""
    stand_in = program(
        tmp_path,
        "renode",
        '[ "$1 $2 $3" = "--disable-gui --console --plain" ] || { echo "bad arguments"; exit 1; }\n'
        'setup=$(sed -n "s/^include @//p" "$4")\n'
        'report=$(sed -n "s/^.uart_log=@//p" "$setup")\n'
        'echo "$$" > "${report%/*}/pid"\n'
        'printf "FXP\\r\\nEND status=0\\r\\nnot part of it\\r\\n" >> "$report"\n'
        "sleep 60\n",
    )
    monkeypatch.setenv("PATH", f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "build"
    folder.mkdir()
    started = time.monotonic()
    lines = renode.run(BOARD, folder / "firmware.elf", image_in(folder), 30.0)
    assert lines == ["FXP", "END status=0"]
    assert time.monotonic() - started < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)
    assert (folder / "bench.resc").read_text() == (SCRIPTS / "bench.resc").read_text()


def run_program(folder: pathlib.Path, code: str, timeout_s: float = 20.0) -> list[str]:
    command = [sys.executable, "-c", code]
    return process.run_until_end(
        command, folder / "uart.log", folder / "log", report_is_stdout=True, timeout_s=timeout_s
    )


def test_an_emulator_that_stops_is_reported_with_its_last_words(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UserError, match="stopped before the firmware's END line: Lockup: at 0x0"):
        run_program(tmp_path, "import sys; print('FXP'); sys.exit('qemu: fatal\\nLockup: at 0x0')")


def test_an_emulator_that_stops_after_the_end_is_fine(tmp_path: pathlib.Path) -> None:
    assert run_program(tmp_path, "print('FXP'); print('END status=0')") == ["FXP", "END status=0"]


def test_an_unfinished_end_line_is_not_the_end(tmp_path: pathlib.Path) -> None:
    code = "import time; print('END status=1', end='', flush=True); time.sleep(0.3); print('23', flush=True)"
    assert run_program(tmp_path, code) == ["END status=123"]


def test_the_wall_clock_is_limited(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UserError, match=r"no END line from the firmware after 5 s, the last line was 'FXP'"):
        run_program(tmp_path, "import time; print('FXP', flush=True); time.sleep(600)", timeout_s=5)
