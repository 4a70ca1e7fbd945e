"""The cost of a step in parts, and what is projected from it."""

import json
import subprocess
import sys

import pytest

from kws.experiments import part_cost
from kws.experiments.part_cost import PartCost, PartCostConfig
from kws.training.run_folder import FIXED_POINT, FLOAT


@pytest.mark.parametrize(
    ("cpu_seconds", "projected"),
    [(0.10, 0.02 + 0.02), (0.07, 0.02)],  # of CPU time that parts add, and of less than the parts alone take
)
def test_what_parts_add_is_projected_behind_a_part_alone(cpu_seconds: float, projected: float) -> None:
    found = {(FLOAT, 64, 1): (0.08, 0.08), (FLOAT, 64, 4): (0.05, cpu_seconds), (FLOAT, 16, 1): (0.02, 0.02)}
    assert part_cost._cost(found, FLOAT, 64, 4) == PartCost(
        FLOAT,
        4,
        16,
        0.05,
        cpu_seconds,
        *map(pytest.approx, (projected, 0.05 / 0.08, cpu_seconds / 0.08, projected / 0.08)),
    )


def test_a_number_of_parts_that_leaves_a_rest_is_one_line() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "kws.experiments.part_cost", "--parts=2,5", "--batch_size=8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "error: --parts=5: give numbers that divide --batch_size=8"


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_both_stages_are_measured_and_printed_as_json() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "kws.experiments.part_cost", "--json=-"]
    done = subprocess.run(
        [*command, "--batch_size=4", "--parts=2", "--rounds=1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    assert [(step["stage"], step["parts"], step["examples"]) for step in steps] == [
        (stage, parts, 4 // parts) for stage in (FLOAT, FIXED_POINT) for parts in (1, 2)
    ]
    assert all(step["cpu_ratio"] == 1 for step in steps if step["parts"] == 1)
    assert all(step["cpu_seconds"] > 0 and step["projected_seconds"] > 0 for step in steps)


def test_the_table_has_a_row_for_each_stage_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_cost.devices, "description", lambda: "CPU, 1 thread")
    cost = PartCost(FIXED_POINT, 8, 8, 0.05, 0.08, 0.01, 0.6, 1.0, 0.125)
    head, row = part_cost.table([cost], PartCostConfig()).splitlines()
    assert head.startswith("ds_cnn_mlperf, batch of 64, CPU, 1 thread") and head.endswith("of one part's")
    assert row.split()[-11:] == ["8", "8", "50.0", "ms", "0.60", "80.0", "ms", "1.00", "10.0", "ms", "0.12"]
