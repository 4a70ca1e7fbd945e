"""Every exact way to a bundle's codes is timed beside the definition."""

import pathlib

import pytest

import export
from export.model import random_model
from kws.experiments import inference_cost
from kws.experiments.inference_cost import DEFINITION, InferenceCostConfig


def test_each_way_is_compared_with_the_definition(tmp_path: pathlib.Path) -> None:
    model = random_model.ds_cnn(0, input_shape=(8, 6, 1), channels=4, blocks=1, classes=3)
    bundle = export.write_bundle(tmp_path / "bundle", model, random_model.codes(0, model, 3))
    result = inference_cost.measure(InferenceCostConfig(bundle.path, clips=80, rounds=1))
    speeds, ratios = result["clips_per_cpu_second"], result["times_the_definition"]
    assert ratios == pytest.approx({name: speed / speeds[DEFINITION] for name, speed in speeds.items()})
    head, *rows = inference_cost.table(result).splitlines()
    assert head.startswith(bundle.name) and [row.split("  ")[0] for row in rows] == list(speeds)
