"""The loops on vectors equal their twins in plain C, tile by tile, on an emulated Cortex-M55."""

import pathlib
import re
import shutil
import subprocess

import pytest

from export.host import compiler
from microcontroller import c_sources

INCLUDE = c_sources.include_flags(c_sources.engine())
TILES = pathlib.Path(__file__).parent / "vector_tiles"
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
MACHINE = ("-mcpu=cortex-m55+nofp", "-mthumb", "-mfloat-abi=hard")
MEMORY = "--section-start=.vectors=0x0,-Ttext=0x40,-Tdata=0x20000000,-Tbss=0x20004000,-ereset"


def _run(folder: pathlib.Path, tiles: int, seed: int, *twin_flags: str) -> tuple[int, int, int, int]:
    """Tiles of each kind, and how many of products, of products to planes and of windows are different."""
    if not shutil.which(COMPILER) or not shutil.which(EMULATOR):
        pytest.skip(f"{COMPILER} or {EMULATOR} is not installed")
    compile_ = [
        COMPILER,
        *compiler.C_FLAGS,
        "-O2",
        *MACHINE,
        f"-I{TILES}",
        *INCLUDE,
    ]
    sources = {
        "helium.o": ["-DKERNELS=helium_kernels", "-c", TILES / "kernels.c"],
        "twin.o": ["-DKERNELS=twin_kernels", "-U__ARM_FEATURE_MVE", *twin_flags, "-c", TILES / "kernels.c"],
        "main.o": [f"-DTILES={tiles}u", f"-DSEED={seed}u", "-c", TILES / "main.c"],
    }
    for name, arguments in sources.items():
        subprocess.run([*compile_, *map(str, arguments), "-o", folder / name], check=True)
    link = [*compile_, "-nostartfiles", f"-Wl,{MEMORY}", *sources, "-o", "tiles.elf"]
    subprocess.run(link, check=True, cwd=folder)
    machine = ["-M", "mps3-an547", "-nographic", "-monitor", "none", "-serial", "null"]
    semihosting = ["-semihosting-config", "enable=on,target=native", "-kernel", folder / "tiles.elf"]
    done = subprocess.run([EMULATOR, *machine, *semihosting], capture_output=True, text=True, check=False, timeout=900)
    match = re.search(r"tiles (\d+) products (\d+) planes (\d+) windows (\d+)", done.stdout + done.stderr)
    assert match, done.stderr[:400]
    return int(match[1]), int(match[2]), int(match[3]), int(match[4])


def test_a_few_tiles(tmp_path):
    assert _run(tmp_path, 300, 1) == (300, 0, 0, 0)


def test_a_twin_that_saturates_otherwise_is_seen(tmp_path):
    tiles, products, planes, windows = _run(tmp_path, 200, 2, "-Dusat=ssat")
    assert tiles == 200 and products > 50 and planes > 50 and windows > 50


@pytest.mark.slow
def test_a_hundred_thousand_tiles_of_each_kind(tmp_path):
    assert _run(tmp_path, 100_000, 3) == (100_000, 0, 0, 0)
