"""Building firmware, and what its sections say."""

import os
import pathlib
import shutil
import subprocess

import pytest

from export.model import random_model
from export.model.integer_model import IntegerModel
from export.source import model_source
from microcontroller import boards
from microcontroller.firmware import build, memory
from microcontroller.firmware.build import Firmware
from microcontroller.firmware.build_error import BuildError


def write_c(folder: pathlib.Path, model: IntegerModel) -> pathlib.Path:
    folder.mkdir()
    for name, text in model_source.generate(model).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def c_folder(small_model: IntegerModel, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_c(tmp_path_factory.mktemp("c") / "c", small_model)


@pytest.fixture(scope="module")
def firmware(c_folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return build.build(c_folder, tmp_path_factory.mktemp("build"))


def test_firmware_lies_where_the_board_has_memory(firmware: Firmware) -> None:
    board = firmware.board
    sections = {section.name: section for section in firmware.sections}
    assert sections[".vectors"].address == board.flash_origin
    assert sections[".stack"].address == board.ram_origin and sections[".stack"].bytes == build.STACK_BYTES
    assert board.flash_origin < firmware.flash_end < board.flash_end
    for section in firmware.sections:
        assert section.in_ram or section.in_flash
        if section.in_ram:
            assert section.in_flash or section.load_address == section.address
            assert section.address + section.bytes <= board.mailbox_address
    assert sections[".arena"].address % 16 == 0
    assert firmware.map.is_file() and "gcc" in firmware.compiler


def test_no_library_heap_or_floating_point_in_the_path(firmware: Firmware) -> None:
    listing = subprocess.run([build.tool("nm"), firmware.elf], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in listing.splitlines()}
    assert "fxp_model_invoke" in names
    assert not names & {"malloc", "free", "_sbrk", "printf", "__aeabi_fadd", "__aeabi_fmul", "__aeabi_dadd"}


def test_two_builds_are_equal(
    firmware: Firmware, c_folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))  # where no kernels are kept yet
    assert build.build(c_folder, tmp_path).elf.read_bytes() == firmware.elf.read_bytes()


def test_paths_with_spaces(c_folder: pathlib.Path, tmp_path: pathlib.Path, firmware: Firmware) -> None:
    spaced = tmp_path / "a bundle"
    shutil.copytree(c_folder, spaced)
    assert build.build(spaced, tmp_path / "a build").elf.read_bytes() == firmware.elf.read_bytes()


def test_model_beyond_ram(tmp_path: pathlib.Path) -> None:
    model = random_model.ds_cnn(1, input_shape=(160, 40, 1), channels=16, blocks=1, first_stride=(1, 1))
    with pytest.raises(
        BuildError, match=r"does not fit stm32f4 with 1048576 .* 131072 of RAM: region `RAM' overflowed"
    ):
        build.build(write_c(tmp_path / "c", model), tmp_path / "build")


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("int broken(void) { return missing; }", "missing"),
        ("int alone;", "undefined reference to .fxp_model_"),
        ("#include <cstdint>", r"cstdint: No such file .*install libstdc\+\+-arm-none-eabi-newlib"),
    ],
)
def test_c_that_does_not_compile_or_link(c_folder: pathlib.Path, tmp_path: pathlib.Path, added: str, said: str) -> None:
    shutil.copytree(c_folder, tmp_path / "c")
    (tmp_path / "c" / "fxp_model.c").write_text(f"{added}\n")
    with pytest.raises(BuildError, match=rf"does not build, arm-none-eabi-gcc says: .*{said}"):
        build.build(tmp_path / "c", tmp_path / "build")


def test_a_compiler_that_never_tells_its_version(
    c_folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcc = tmp_path / "arm-none-eabi-gcc"
    gcc.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec sleep 600\nexec {build.tool("gcc")} "$@"\n')
    gcc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(build, "_VERSION_TIMEOUT_S", 0.5)
    with pytest.raises(BuildError, match=r"arm-none-eabi-gcc --version has not ended after 0\.5 s: install it again"):
        build.build(c_folder, tmp_path / "build")


def test_a_compiler_of_another_machine(
    c_folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "arm-none-eabi-gcc").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xff" + bytes(44))
    (tmp_path / "arm-none-eabi-gcc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BuildError, match=r"arm-none-eabi-gcc can't be started: Exec format error; install it again"):
        build.build(c_folder, tmp_path / "build")


def test_missing_c_and_bad_folders(c_folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BuildError, match=r"has no fxp_model.c: write the bundle again"):
        build.build(tmp_path, tmp_path / "build")
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="can't write to build_dir="):
        build.build(c_folder, tmp_path / "file" / "build")


def test_flash_and_ram_by_section() -> None:
    listing = """
Idx Name          Size      VMA       LMA       File off  Algn  Flags
  0 .vectors      00000040  08000000  08000000  00001000  2**2  CONTENTS, ALLOC, LOAD, READONLY, DATA
  1 .engine_text  00000100  08000040  08000040  00001040  2**4  CONTENTS, ALLOC, LOAD, READONLY, CODE
  2 .library      00000010  08000140  08000140  00001140  2**4  CONTENTS, ALLOC, LOAD, READONLY, CODE
  3 .stack        00002000  20000000  20000000  00002000  2**3  ALLOC
  4 .engine_data  00000008  20002000  08000150  00002000  2**3  CONTENTS, ALLOC, LOAD, DATA
  5 .firmware_bss 00000200  20002008  08000158  00002000  2**3  ALLOC
  6 .arena        00001000  20002210  08000158  00002210  2**4  ALLOC
  7 .comment      00000030  00000000  00000000  00002210  2**0  CONTENTS, READONLY
"""
    sections = memory.read_sections(listing, boards.load("stm32f4"))
    assert memory.flash_by_section(sections) == {
        "model_and_engine": 0x108,
        "harness": 0x40,
        "library": 0x10,
        "vectors": 0x40,
        "engine_text": 0x100,
        "engine_data": 8,
    }
    assert memory.ram_by_section(sections, 300) == {"arena": 0x1000, "engine": 8, "harness": 0x200, "stack": 300}
    with pytest.raises(ValueError, match="no sections"):
        memory.read_sections("", boards.load("stm32f4"))


@pytest.mark.parametrize("name", boards.names())
def test_every_board_is_whole(name: str) -> None:
    board = boards.load(name)
    assert (board.driver / "board.c").is_file()
    assert board.flash_origin < board.image_origin < board.flash_end
    assert board.mailbox_address % 4 == 0
    assert board.mailbox_address + boards.MAILBOX_BYTES == board.ram_origin + board.ram_bytes
