"""The self-test of tables: whole ones are whole, and a flipped bit anywhere in them is reported by the device."""

import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from export.host import compiler
from export.model.detector import default
from export.model.integer_model import IntegerModel
from export.source import detector_source, model_source, self_test_source, stream_source
from microcontroller import c_sources
from microcontroller.emulator import qemu
from microcontroller.firmware.symbols import Symbol, at
from microcontroller.measurement import self_test
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.measurement.protocol import DeviceError
from microcontroller.measurement.self_test import Flip, SelfTestConfig

BANNER = "FXP board=b counter=c engine=fxp model=" + "0" * 64


def test_the_lists_name_every_table_of_the_generated_c(small_model: IntegerModel) -> None:
    """A table that the C defines and no list has would be one that may be damaged."""
    texts = model_source.generate(small_model) | stream_source.generate(small_model)
    texts |= detector_source.generate(default(small_model, window=4, refractory=5))
    for name in (model_source.SOURCE, stream_source.SOURCE, detector_source.SOURCE):
        plain, guarded = texts[name].split(f"#ifdef {self_test_source.GUARD}")
        lines = [line for line in plain.splitlines() if " const " in f" {line}" and line.rstrip().endswith("= {")]
        defined = {line.split("=")[0].split("[")[0].split()[-1].lstrip("*") for line in lines}
        listed = {row.split(",")[0].strip(" {&") for row in guarded.splitlines() if row.startswith("    {")}
        assert defined - {"fxp_model_layers"} <= listed, name  # what a model tells of its layers is not computed with


def test_without_the_macro_there_is_nothing_of_it(small_model: IntegerModel, tmp_path: pathlib.Path) -> None:
    for name, text in model_source.generate(small_model).items():
        (tmp_path / name).write_text(text)
    library = compiler.compile_library(
        tmp_path,
        (model_source.HEADER, model_source.SOURCE),
        (),
        c_sources.engine().include_folders,
        tmp_path / "model.o",
        build=(compiler.path(), "-c"),
    )
    symbols = subprocess.run(["nm", library], capture_output=True, text=True, check=True).stdout
    assert "fxp_model_invoke" in symbols and "self_test" not in symbols and "fxp_model_tables" not in symbols


def test_a_package_is_written_without_it(small_model: IntegerModel) -> None:
    for name, text in (model_source.generate(small_model) | stream_source.generate(small_model)).items():
        found = self_test_source.without(text)
        assert self_test_source.GUARD not in found and "_args_copy" not in found and found.endswith("\n"), name
        assert text.startswith(found.rstrip("\n")), name


def test_checksums_are_of_little_endian_bytes() -> None:
    values = np.array([1, -2, 300], ">i4")
    assert self_test_source.array("x", values).crc32 == zlib.crc32(struct.pack("<3i", 1, -2, 300))
    assert self_test_source.text('"no"', "no").crc32 == zlib.crc32(b"no\0")


@pytest.mark.parametrize(
    ("lines", "damaged", "instructions"),
    [
        ([BANNER, "WHOLE instructions=7", "END status=0"], None, 7),
        ([BANNER, "DAMAGED table=0x00000010 bytes=4", "END status=5"], 16, None),
    ],
)
def test_what_the_device_says(lines: list[str], damaged: int | None, instructions: int | None) -> None:
    found = self_test.parse(lines)
    assert (found.damaged, found.instructions) == (damaged, instructions)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([BANNER, "END status=5"], "garbled"),
        ([BANNER, "DAMAGED table=yes bytes=4", "END status=5"], "garbled"),
        ([BANNER, "WHOLE instructions=", "END status=0"], "garbled"),
        ([BANNER, "FAULT kind=BusFault pc=0x00000000", "END status=1"], "kind=BusFault"),
        ([BANNER, "WHOLE instructions=7", "END status=3"], "status=3"),
        ([], "no END line"),
    ],
)
def test_what_is_no_report(lines: list[str], message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        self_test.parse(lines)


def test_bits_are_drawn_from_all_tables_and_only_there() -> None:
    tables = [Symbol(100, 3, "a"), Symbol(200, 1, "b")]
    drawn = self_test.draw(tables, 500, seed=1)
    assert {(flip.table, flip.address, flip.bit) for flip in drawn} == {
        (symbol.name, symbol.address + byte, bit)
        for symbol in tables
        for byte in range(symbol.bytes)
        for bit in range(8)
    }
    assert drawn == self_test.draw(tables, 500, seed=1) != self_test.draw(tables, 500, seed=2)


def test_an_address_has_the_name_of_what_lies_there() -> None:
    symbols = (Symbol(16, 4, "f"), Symbol(32, 8, "g"))
    assert [at(symbols, address) for address in (15, 16, 19, 20, 33)] == ["?", "f", "f+0x3", "?", "g+0x1"]


@pytest.mark.parametrize("changes", [{"flips": -1}, {"flip_seed": -1}, {"timeout_s": 0.0}])
def test_wrong_settings(changes: dict) -> None:
    with pytest.raises(MeasurementError, match=next(iter(changes)).removesuffix("_s")):
        SelfTestConfig(pathlib.Path("b"), "qemu", "stm32f4", **changes)


@pytest.mark.parametrize("board", ["stm32f4", "nrf51"])
def test_flipped_bits_are_reported_by_the_device(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, board: str
) -> None:
    result = self_test.measure(SelfTestConfig(small_bundle, qemu.NAME, board, tmp_path, flips=4))
    assert result["reported"] == result["flips"] == 4 and result["silent"] == []
    assert result["parts"] == ["network"] and result["tables"] > 5
    assert 5 * result["table_bytes"] < result["instructions"] < 40 * result["table_bytes"]
    assert f"4 of 4 flipped bits reported by the device, {result['faults']} of them" in self_test.table(result)


def test_a_flip_that_no_table_notices_is_silent(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side of the test above: a bit that is flipped in the code, which no checksum covers."""
    monkeypatch.setattr(self_test, "TABLES", ".firmware_rodata")
    result = self_test.measure(SelfTestConfig(small_bundle, qemu.NAME, "stm32f4", tmp_path, flips=2))
    assert result["reported"] == 0 and len(result["silent"]) == 2
    assert "not reported: bit" in self_test.table(result)


@pytest.mark.slow
def test_every_kind_of_table_of_a_bundle_that_hears(tmp_path: pathlib.Path) -> None:
    """A bit of each table of all four parts, of the list, of a copy, and of the checksums' own table."""
    models = pathlib.Path(__file__).resolve().parents[3] / "models"
    arguments = ["--check", f"--bundle={models / 'w4a4'}", f"--build_dir={tmp_path}", "--flips=60", "--flip_seed=3"]
    command = [sys.executable, "-m", "microcontroller.bench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "network, front end, streaming network, detector" in done.stdout
    assert "60 of 60 flipped bits reported" in done.stdout


def test_the_flip_is_in_what_the_file_loads() -> None:
    with pytest.raises(ValueError, match="in nothing that the file loads"):
        self_test.with_flip(b"\x7fELF" + bytes(100), Flip(16, 0, "a"))
