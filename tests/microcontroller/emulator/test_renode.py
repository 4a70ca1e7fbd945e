"""Renode's scripts, and a run of a program that does as Renode does."""

import os
import pathlib
import re

import pytest
import renode_stand_in as stand_in

from microcontroller import boards
from microcontroller.emulator import renode
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware.clip_image import ClipImage

BOARD = boards.load("stm32f4")
SCRIPTS = pathlib.Path(renode.__file__).parent
REPORT = ["FXP board=stm32f4", "END status=0", "not part of it"]


def image_in(folder: pathlib.Path) -> ClipImage:
    return ClipImage(folder / "clips.bin", 0x08020000, ((0x2001FFE0, 0x46585043), (0x2001FFE4, 0x08020000)), 3)


@pytest.fixture
def build(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "build"
    folder.mkdir()
    return folder


@pytest.fixture
def programs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_the_platform_makes_counters_count_instructions() -> None:
    platform = (SCRIPTS / BOARD.renode.platform).read_text()
    assert 'using "platforms/boards/stm32f4_discovery.repl"' in platform
    assert "timer2:\n    frequency: 100000000\n" in platform
    assert "nvic:\n    systickFrequency: 100000000\n" in platform
    assert "dwt: Miscellaneous.DWT @ sysbus 0xE0001000\n    frequency: 100000000\n" in platform


def test_the_platform_downloads_nothing() -> None:
    """An `init:` of a description replaces that of the description it uses (`init add:` would add to it)."""
    code = re.sub(r"//.*", "", (SCRIPTS / BOARD.renode.platform).read_text())
    statements = re.findall(r"^sysbus:\n    init:\n((?:        .+\n)+)", code, re.MULTILINE)
    assert statements == ['        Tag <0x50000010, 0x5000003f> "USB:RESET" 0x80000000\n']
    assert "ApplySVD" not in code and "://" not in code


def test_the_script_loads_in_order() -> None:
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
        'emulation SetGlobalQuantum "0.01"',
    ]
    lines = [line for line in script.splitlines() if line and not line.startswith(("#", ":"))]
    assert lines == commands


def test_the_setup_sets_every_variable_before_the_include(tmp_path: pathlib.Path) -> None:
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


def test_the_run_script() -> None:
    lines = renode.run_script(pathlib.Path("/folder/setup.resc")).splitlines()
    assert lines[0] == "include @/folder/setup.resc" and lines[-1] == "quit"
    assert set(lines[1:-1]) == {'emulation RunFor "1"'} and len(lines) > 1000


@pytest.mark.parametrize("name", ["my folder", "a;quit"])
def test_paths_that_scripts_cannot_take(name: str) -> None:
    folder = pathlib.Path("/", name)
    with pytest.raises(EmulatorError, match=f"path with spaces or semicolons .*{name}.*: give build_dir=... without"):
        renode.setup_script(BOARD, folder / "firmware.elf", image_in(folder), folder)


def test_it_is_started_read_and_stopped(build: pathlib.Path, programs: pathlib.Path) -> None:
    stand_in.install(programs, REPORT)
    assert renode.run(BOARD, build / "firmware.elf", image_in(build), 30.0) == REPORT[:2]
    assert stand_in.gone(programs)
    assert (build / "bench.resc").read_text() == (SCRIPTS / "bench.resc").read_text()


def test_a_second_run_reads_its_own_report(build: pathlib.Path, programs: pathlib.Path) -> None:
    for board in ("stm32f4", "another"):
        stand_in.install(programs, [f"FXP board={board}", "END status=0"])
        lines = renode.run(BOARD, build / "firmware.elf", image_in(build), 30.0)
        assert lines == [f"FXP board={board}", "END status=0"]
    assert [path.name for path in build.glob("uart.log*")] == ["uart.log"]


@pytest.mark.parametrize("command", ["machine LoadPlatformDescription", "sysbus LoadELF", "sysbus WriteDoubleWord"])
def test_an_error_in_a_script_ends_the_run_and_is_quoted(
    build: pathlib.Path, programs: pathlib.Path, command: str
) -> None:
    stand_in.install(programs, REPORT, fails=command, error="Error E04: \r\n no such type\r\n")
    with pytest.raises(EmulatorError) as caught:
        renode.run(BOARD, build / "firmware.elf", image_in(build), 30.0)
    message = str(caught.value)
    assert message.startswith(f"renode says: There was an error executing command '{command} ")
    assert "Error E04: no such type" in message and message.endswith(f"(see {build}/renode.log)")
    assert stand_in.gone(programs)


def test_other_complaints_end_the_run(
    build: pathlib.Path, programs: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.install(programs, REPORT)
    for script, complaint in (
        ("include @/nowhere.resc\n", "Could not find file '/nowhere.resc'"),
        ("hello\n", "No such command or device: hello"),
    ):
        monkeypatch.setattr(renode, "setup_script", lambda *_, script=script: script)
        with pytest.raises(EmulatorError, match=f"renode says: {complaint}"):
            renode.run(BOARD, build / "firmware.elf", image_in(build), 30.0)


@pytest.mark.parametrize("version", ["Renode v1.15.2", "Renode v1.15.3.7749", "Renode v1.16.1", "Renode v2.0"])
def test_versions_that_will_do(programs: pathlib.Path, version: str) -> None:
    stand_in.install(programs, REPORT, version=version)
    assert renode.version() == version


@pytest.mark.parametrize("version", ["Renode v1.15.1", "Renode v1.14.0.9", "Renode, version 1.12.0.22 (ed2c3e07)"])
def test_versions_that_are_too_old(programs: pathlib.Path, version: str) -> None:
    stand_in.install(programs, REPORT, version=version)
    with pytest.raises(EmulatorError, match=re.escape(f"{version} is older than 1.15.2: install Renode 1.16")):
        renode.version()


def test_another_program_of_that_name(programs: pathlib.Path) -> None:
    stand_in.install(programs, REPORT, version="a render node")
    with pytest.raises(EmulatorError, match="renode --version prints 'a render node' and no version"):
        renode.version()
