"""The cost of a fixed-point step is measured beside a float step and those of other ways to train."""

import importlib.util
import json
import subprocess
import sys

import pytest
import tensorflow as tf

from kws.experiments import rival_trainings, step_cost
from kws.experiments.step_cost import StepCost, StepCostConfig
from kws.models.ds_cnn import DsCnnSpec
from kws.training.run_folder import FIXED_POINT, FLOAT


def test_medians_of_rounds_are_compared() -> None:
    spent = {FLOAT: [(10.0, 20.0), (30.0, 20.0), (20.0, 90.0)], FIXED_POINT: [(9.0, 1.0), (8.0, 2.0), (99.0, 3.0)]}
    assert step_cost._costs(spent) == [
        StepCost(FLOAT, 2.0, 2.0, 1.0, 1.0),
        StepCost(FIXED_POINT, *map(pytest.approx, (0.9, 0.2, 0.45, 0.1))),
    ]


def test_the_table_says_how_a_missing_rival_is_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_cost.devices, "description", lambda: "CPU, 1 thread")
    costs = [StepCost(FLOAT, 0.02, 0.025, 1.0, 1.0), StepCost(FIXED_POINT, 0.017, 0.022, 0.85, 0.88)]
    head, first, second, missing = step_cost.table(costs, StepCostConfig()).splitlines()
    assert head.startswith("ds_cnn_mlperf, batch of 64, CPU, 1 thread")
    assert first.split() == ["float", "20.0", "ms", "1.00", "25.0", "ms", "1.00"]
    assert second.startswith("fixed point with SWD and ACosR, 4 bits  ")
    assert second.split()[-6:] == ["17.0", "ms", "0.85", "22.0", "ms", "0.88"]
    assert missing.endswith("pip install --no-deps -r requirements-rivals.txt")
    assert "QKeras" not in step_cost.table(costs, StepCostConfig(rivals=False))


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_every_way_is_measured_and_printed_as_json() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "kws.experiments.step_cost"]
    done = subprocess.run(
        [*command, "--batch_size=2", "--rounds=1", "--threads=2", "--json=-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = [FLOAT, FIXED_POINT, "tfmot", *(["qkeras"] if importlib.util.find_spec("qkeras") else [])]
    assert [cost["way"] for cost in found["steps"]] == expected and found["threads"] == 2
    assert found["steps"][0]["ratio"] == found["steps"][0]["cpu_ratio"] == 1
    assert all(cost["cpu_seconds"] > 0 and cost["seconds"] > 0 for cost in found["steps"])


@pytest.mark.filterwarnings("ignore")
def test_qkeras_has_the_same_layers_and_weights() -> None:
    pytest.importorskip("qkeras", reason="QKeras is not installed (requirements-rivals.txt)")
    float_model = DsCnnSpec(4, (2, 2), ((2, 2),)).build((49, 10, 1), 3, seed=0)
    model = rival_trainings.qkeras_model(float_model, 4)
    assert [layer.name for layer in model.layers] == [layer.name for layer in float_model.layers]
    assert {type(layer).__name__ for layer in model.layers} >= {"QConv2D", "QDepthwiseConv2D", "QDense", "QActivation"}
    assert [v.shape for v in model.trainable_variables] == [v.shape for v in float_model.trainable_variables]
    assert float(tf.reduce_max(tf.abs(model.get_layer("conv0").kernel - float_model.get_layer("conv0").kernel))) == 0
