"""The loops for cores without the DSP extension give exact sums, tile by tile, in every shape of a block, on a host."""

import pathlib
import re
import subprocess

import pytest

from export.host import compiler
from microcontroller import c_sources

SOURCE = pathlib.Path(__file__).parent / "packed_tiles" / "main.c"
KINDS = 8
BLOCKS = {"3x2": (3, 2), "4x1": (4, 1), "4x4": (4, 4)}


def _run(folder: pathlib.Path, block: tuple[int, int], tiles: int, *flags: str) -> tuple[int, int]:
    """Tiles compared and different, of `tiles` of each of the `KINDS` kinds."""
    shape = [f"-DFXP_PACKED_POSITIONS={block[0]}", f"-DFXP_PACKED_CHANNELS={block[1]}"]
    draws = [f"-DTILES={tiles}u", "-DSEED=7u", *flags]
    program = folder / "tiles"
    include = c_sources.include_flags(c_sources.engine())
    command = [compiler.path(), *compiler.C_FLAGS, "-O1", *shape, *draws, *include, str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=900)
    match = re.fullmatch(r"tiles (\d+) different (\d+)\n", done.stdout)
    assert match, done.stdout
    return int(match[1]), int(match[2])


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_few_tiles(tmp_path: pathlib.Path, block: tuple[int, int]) -> None:
    sanitized = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    assert _run(tmp_path, block, 200, *sanitized) == (200 * KINDS, 0)


def test_a_sum_that_is_off_is_seen(tmp_path: pathlib.Path) -> None:
    tiles, different = _run(tmp_path, (3, 2), 200, "-DSKEW=40")
    assert tiles == 200 * KINDS and different > 100


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_hundred_thousand_tiles_of_each_kind(tmp_path: pathlib.Path, block: tuple[int, int]) -> None:
    assert _run(tmp_path, block, 100_000) == (100_000 * KINDS, 0)
