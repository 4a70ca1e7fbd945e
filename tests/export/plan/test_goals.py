"""The profile for so much memory, and what each profile takes."""

import subprocess
import sys

import pytest

from export.model import random_model
from export.plan import FAST, PACKED, RAM, goals, plan
from export.plan.plan_error import PlanError


def test_the_profile_that_was_asked_for_stays_where_it_fits_to_the_byte() -> None:
    model = random_model.ds_cnn(0)
    fast, little = (goals.needed(model, name) for name in (FAST, RAM))
    assert (fast, little) == (17200 + goals.STACK_BYTES, 4608 + goals.STACK_BYTES)
    for max_ram, profile in ((None, FAST), (fast, FAST), (fast - 1, RAM), (8192, RAM), (little, RAM)):
        assert goals.profile_within(model, FAST, max_ram) == profile
    with pytest.raises(PlanError, match=rf"max_ram={little - 1}: .* needs {little} bytes at least.*\(profile ram"):
        goals.profile_within(model, FAST, little - 1)
    with pytest.raises(PlanError, match=r"max_ram=-1: .* needs 9536 bytes at least.*\(profile packed"):
        goals.profile_within(model, PACKED, -1, PACKED)


def test_costs_are_the_plan_s() -> None:
    model = random_model.ds_cnn(0, channels=8, blocks=1)
    costs = goals.costs(model)
    assert [cost.profile for cost in costs] == list(goals.COMPARED)
    for cost in costs:
        made = plan(model, cost.profile)
        assert cost.ram_bytes == made.arena_bytes + goals.STACK_BYTES
        assert cost.instructions == round(sum(made.instructions().values()))
    assert {cost.profile: cost.cycles for cost in costs}["small"] is None  # nobody estimates its loops'
    lines = goals.cost_table(costs).splitlines()
    assert [line.split()[0] for line in lines[1:5]] == list(goals.COMPARED) and lines[3].endswith("-")


def test_a_bench_of_a_bundle_that_needs_more_ends_with_what_it_needs(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model)
    least = goals.needed(small_model, RAM)
    command = [sys.executable, "-m", "microcontroller.bench", f"--bundle={bundle.path}", "--emulator=qemu"]
    done = subprocess.run([*command, "--max_ram=100", "--clips=0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: --max_ram=100: {small_model.name} needs {least} bytes at least")
