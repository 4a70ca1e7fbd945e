"""The loops for the DSP extension equal their twins in plain C, tile by tile, on the emulated device."""

import pathlib
import re
import shutil
import subprocess

import pytest

from export.host import compiler
from microcontroller import c_sources

TILES = pathlib.Path(__file__).parent / "tiles"
COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
KINDS = 20
MEMORY = "--section-start=.vectors=0x08000000,-Ttext=0x08000040,-Tdata=0x20000000,-Tbss=0x20004000,-ereset"


def _run(folder: pathlib.Path, tiles: int, seed: int, *twin_flags: str) -> tuple[int, int]:
    """Tiles compared and different, of `tiles` of each of the `KINDS` kinds."""
    if not shutil.which(COMPILER) or not shutil.which(EMULATOR):
        pytest.skip(f"{COMPILER} or {EMULATOR} is not installed")
    include = [f"-I{TILES}", *c_sources.include_flags(c_sources.engine())]
    compile_ = [COMPILER, *compiler.C_FLAGS, "-O2", "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=soft", *include]
    sources = {
        "dsp.o": ["-DKERNELS=dsp_kernels", "-c", TILES / "kernels.c"],
        "twin.o": ["-DKERNELS=twin_kernels", "-U__ARM_FEATURE_DSP", *twin_flags, "-c", TILES / "kernels.c"],
        "main.o": [f"-DTILES={tiles}u", f"-DSEED={seed}u", "-c", TILES / "main.c"],
        "row_pairs.o": ["-c", TILES / "row_pairs.c"],
        "stream.o": ["-c", TILES / "stream.c"],
    }
    for name, arguments in sources.items():
        subprocess.run([*compile_, *map(str, arguments), "-o", folder / name], check=True)
    link = [*compile_, "-nostartfiles", f"-Wl,{MEMORY}", *sources, "-o", "tiles.elf"]
    subprocess.run(link, check=True, cwd=folder)
    machine = ["-M", "netduinoplus2", "-nographic", "-monitor", "none", "-serial", "null"]
    semihosting = ["-semihosting-config", "enable=on,target=native", "-kernel", folder / "tiles.elf"]
    done = subprocess.run([EMULATOR, *machine, *semihosting], capture_output=True, text=True, check=False, timeout=900)
    match = re.search(r"tiles (\d+) different (\d+)", done.stdout + done.stderr)
    assert match, done.stderr[:400]
    return int(match[1]), int(match[2])


def test_a_few_tiles(tmp_path):
    assert _run(tmp_path, 300, 1) == (300 * KINDS, 0)


def test_a_twin_that_saturates_otherwise_is_seen(tmp_path):
    tiles, different = _run(tmp_path, 200, 2, "-Dusat=ssat")
    assert tiles == 200 * KINDS and different > 100


@pytest.mark.slow
def test_a_hundred_thousand_tiles_of_each_kind(tmp_path):
    assert _run(tmp_path, 100_000, 3) == (100_000 * KINDS, 0)
