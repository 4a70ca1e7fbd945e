"""Kernels on vectors on an emulated Cortex-M55: every code, and what the firmware consists of."""

import pathlib
import re
import subprocess
from collections.abc import Callable

import pytest

from export.model import random_model
from export.model.integer_model import IntegerModel
from export.plan import HELIUM
from export.source import model_source
from microcontroller import bench
from microcontroller.bench import BenchConfig
from microcontroller.firmware import build

BOARD = "mps3_an547"
SMALL = {"input_shape": (16, 10, 1), "channels": 16, "blocks": 1, "classes": 5}
OTHER = [
    {"channels": 17, "blocks": 2, "classes": 5},
    {"input_shape": (13, 9, 3), "channels": 3, "blocks": 1, "classes": 3},
    {"input_shape": (23, 14, 1), "channels": 20, "blocks": 1, "classes": 7},
    {"input_shape": (23, 12, 1), "channels": 172, "blocks": 1, "classes": 35},
    {"input_shape": (20, 2, 2), "channels": 20, "blocks": 1},
]
FLOAT = re.compile(r"v\w+(\.\w+)*\.f(16|32|64)")
FORBIDDEN = re.compile(r"_?(malloc|calloc|realloc|free|sbrk)(_r)?$|__aeabi_([fd]|\w+2[fd]$)")


def _mismatches(write_bundle: Callable[..., pathlib.Path], folder: pathlib.Path, model: IntegerModel) -> int:
    settings = {"emulator": "qemu", "board": BOARD, "profile": HELIUM, "clips": 2, "estimate_cycles": False}
    bundle = write_bundle(model, clips=2)
    return bench.measure(BenchConfig(bundle, random_codes=8, build_dir=folder, **settings))["mismatches"]


def test_every_code_of_a_small_model(write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path) -> None:
    assert _mismatches(write_bundle, tmp_path, random_model.ds_cnn(2, **SMALL)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", OTHER)
def test_every_code_of_other_shapes(
    write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path, shape: dict
) -> None:
    assert _mismatches(write_bundle, tmp_path, random_model.ds_cnn(2, **shape)) == 0


def test_the_engine_holds_vectors_but_no_float_and_no_heap(tmp_path: pathlib.Path) -> None:
    for name, text in model_source.generate(random_model.ds_cnn(1, **SMALL), HELIUM).items():
        (tmp_path / name).write_text(text)
    firmware = build.build(tmp_path, tmp_path / "build", BOARD)
    command = [build.tool("objdump"), "-d", "-m", "armv8.1-m.main", "--no-show-raw-insn", str(firmware.elf)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    functions = re.findall(r"^[0-9a-f]+ <(.+)>:$", listing, re.MULTILINE)
    mnemonics = set(re.findall(r"^\s*[0-9a-f]+:\t(\S+)", listing, re.MULTILINE))
    assert {"vmlava.s8", "vaddva.s8", "letp"} <= mnemonics
    assert {name for name in functions if re.match(r"(matrix_loop|depthwise_loop)_", name)}
    assert not [mnemonic for mnemonic in mnemonics if FLOAT.match(mnemonic)]
    assert not [name for name in functions if FORBIDDEN.match(name)]


def test_the_patterns_bite() -> None:
    assert all(FLOAT.match(name) for name in ("vmul.f32", "vcvt.s32.f32", "vadd.f16")) and not FLOAT.match("vadd.i32")
    assert all(FORBIDDEN.match(name) for name in ("malloc", "_sbrk", "__aeabi_fadd", "__aeabi_i2d"))
