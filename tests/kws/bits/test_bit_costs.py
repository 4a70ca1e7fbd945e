"""Costs are those that the bench gives for a bundle of such widths."""

import pathlib
import shutil

import pytest

from export.bundle import random_bundle
from export.bundle.random_bundle import RandomBundleConfig
from export.plan import goals
from kws.bits import costs
from kws.bits.search import FLASH, INSTRUCTIONS, RAM
from microcontroller import bench

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")


@pytest.mark.slow
@pytest.mark.parametrize(("weight_bits", "activation_bits", "profile"), [(4, 4, "ram"), (3, 8, "small")])
def test_counts_are_the_benchs(tmp_path: pathlib.Path, weight_bits: int, activation_bits: int, profile: str) -> None:
    if not all(map(shutil.which, TOOLS)):
        pytest.skip(f"{' or '.join(TOOLS)} is not installed")
    bundle = random_bundle.write(
        RandomBundleConfig(tmp_path / "bundle", 1, weight_bits, activation_bits, 8, 1, 2, profile)
    )
    counting = costs.Counting(profile, bench.DEFAULT_BOARD, "qemu")
    found = costs.counted(bundle.model, bundle.golden.features, counting)
    config = bench.BenchConfig(bundle.path, "qemu", clips=2, random_codes=0, build_dir=tmp_path / "build")
    expected = bench.measure(config)
    assert expected["mismatches"] == 0
    assert found[INSTRUCTIONS] == expected["instructions_per_inference"]
    assert found[costs.CYCLES] == expected["estimated_cycles"]
    assert (found[FLASH], found[costs.MEASURED_RAM]) == (expected["flash_bytes"], expected["ram_bytes"])
    assert found[RAM] == goals.needed(bundle.model, profile) == expected["arena_bytes"] + goals.STACK_BYTES


def test_estimates_are_the_plans() -> None:
    found = costs.estimated({INSTRUCTIONS: 12.6, FLASH: 30.0, RAM: 16.0})
    assert found == {INSTRUCTIONS: 13, costs.CYCLES: None, FLASH: 30, RAM: 16, costs.MEASURED_RAM: None}
