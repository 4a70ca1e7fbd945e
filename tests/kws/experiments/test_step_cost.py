"""The cost of a fixed-point step is measured beside a float step."""

import pytest

from kws.experiments.step_cost import StepCostConfig, measure
from quant.method import Method


@pytest.mark.slow
def test_both_steps_run_and_the_ratio_is_theirs() -> None:
    result = measure(StepCostConfig(batch_size=4, rounds=1), Method())
    assert result["float_step_seconds"] > 0
    assert result["ratio"] == pytest.approx(result["fixed_point_step_seconds"] / result["float_step_seconds"])
