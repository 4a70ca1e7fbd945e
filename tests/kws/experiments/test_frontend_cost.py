"""What the integer front end costs: the same draws in both arithmetics, going on after a stop, runs that don't fit."""

import dataclasses
import json
import pathlib
from typing import Any

import corpus
import numpy as np
import pytest

from kws.datasets import DatasetConfig, dataset_flags
from kws.experiments import frontend_cost
from kws.experiments.frontend_cost import FrontEndCostConfig, measure
from kws.frontend import FrontEndConfig
from kws.training import run_folder
from kws.training.run_folder import FLOAT, HISTORY
from kws.training.settings import TrainConfig
from kws.training.training_error import TrainingError
from kws_cli.command import UserError

FRONTEND = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)


def finished(path: pathlib.Path, accuracy: float, **changes: Any) -> pathlib.Path:
    """What a finished run holds, but for its weights."""
    config = TrainConfig(DatasetConfig(), **changes)
    settings = {**dataclasses.asdict(config), "dataset": dataset_flags.to_json(config.dataset)}
    folder = run_folder.create(path, settings)
    folder.write_json(run_folder.FRONTEND, FRONTEND.to_json())
    report = {"validation": {"accuracy": accuracy + 0.02}, "testing": {"accuracy": accuracy}}
    folder.write_json(run_folder.METRICS, {FLOAT: report})
    folder.model_path(FLOAT).write_bytes(b"")
    return path


def cost_of(tmp_path: pathlib.Path, *runs: pathlib.Path) -> dict[str, Any]:
    return measure(FrontEndCostConfig(runs, tmp_path / "out", {"processes": 1}))


def test_costs_are_differences_in_points_seed_by_seed(tmp_path: pathlib.Path) -> None:
    runs = [finished(tmp_path / f"s{seed}", 0.9 + seed / 100, seed=seed) for seed in (0, 1, 2)]
    # The float64 runs are finished too, so nothing is trained.
    for seed, accuracy in enumerate((0.902, 0.91, 0.919)):
        config = TrainConfig(DatasetConfig(), seed=seed)
        path = finished(tmp_path / "out" / f"seed{seed}", accuracy)
        written = json.loads((path / run_folder.SETTINGS).read_text())
        written["settings"] = {**config.float_stage, "float_teachers": [], "arithmetic": "float64"}
        (path / run_folder.SETTINGS).write_text(json.dumps(written))
    result = cost_of(tmp_path, *runs)
    costs = [row["cost_in_points"]["testing"] for row in result["seeds"]]
    np.testing.assert_allclose(costs, [0.2, 0.0, -0.1], atol=1e-9)
    assert result["mean"]["cost_in_points"]["testing"] == pytest.approx(0.1 / 3)
    assert result["mean"]["integer"]["validation"] == pytest.approx(0.93)
    assert result["mean"]["float64"]["testing"] == pytest.approx(2.731 / 3)
    assert result["standard_error_of_cost_in_points"]["testing"] == pytest.approx(np.std(costs, ddof=1) / 3**0.5)
    lines = frontend_cost.table(result).splitlines()
    assert lines[2].split() == ["seed", "0", "92.00", "92.20", "+0.20", "90.00", "90.20", "+0.20"]
    assert lines[-2].split() == ["mean", "93.00", "93.03", "+0.03", "91.00", "91.03", "+0.03"]


def test_runs_that_dont_fit_are_named(tmp_path: pathlib.Path) -> None:
    run, other = finished(tmp_path / "s0", 0.9), finished(tmp_path / "s1", 0.9, seed=1, float_epochs=7)
    with pytest.raises(TrainingError, match="holds no run"):
        cost_of(tmp_path, run, tmp_path / "missing")
    with pytest.raises(UserError, match=r"s1 was trained with float_epochs=7, .*s0 with 70"):
        cost_of(tmp_path, run, other)
    with pytest.raises(UserError, match="their seeds are 0, 0: give each seed once"):
        cost_of(tmp_path, run, run)
    with pytest.raises(UserError, match="had teachers"):
        cost_of(tmp_path, finished(tmp_path / "taught", 0.9, float_teachers=("elsewhere",)))
    (tmp_path / "s0" / FLOAT / "model.h5").unlink()
    with pytest.raises(UserError, match="holds no finished float model"):
        cost_of(tmp_path, run)


def test_a_folder_of_other_settings_is_refused(tmp_path: pathlib.Path) -> None:
    finished(tmp_path / "out" / "seed0", 0.9)
    with pytest.raises(UserError, match="was begun with other settings"):
        cost_of(tmp_path, finished(tmp_path / "s0", 0.9))


@pytest.mark.slow
def test_both_arithmetics_train_on_the_same_examples(tmp_path: pathlib.Path) -> None:
    from kws.training import run as training

    dataset = DatasetConfig("speech_commands", str(corpus.write(tmp_path / "corpus")), words=("yes", "no"), processes=1)
    small = {"batch_size": 16, "epoch_examples": 1, "allow_chance": True}
    settings = TrainConfig(dataset, float_epochs=1, fixed_point_epochs=0, **small)
    run = training.run(settings, tmp_path / "s0", keep_epochs=True)
    config = FrontEndCostConfig((run.path,), tmp_path / "out", {"data_dir": dataset.data_dir, "processes": 1})
    said: list[str] = []
    result = measure(config, said.append)
    assert said[0] == "seed 0: 1 epochs on float64 features"

    codes = np.load(next((tmp_path / "feature_cache").glob("epoch0-*")))
    values = np.load(next((tmp_path / "out" / "feature_cache").glob("epoch0-*")))
    assert (codes.dtype, values.dtype, codes.shape) == (np.int8, np.float32, values.shape)
    # Quiet clips differ most: 2.3 codes at the largest among real ones (docs/frontend.md).
    assert np.abs(np.clip(32 * values, -128, 127) - codes).max() < 2.5

    # Without its last step, the seed goes on where its checkpoint is.
    folder = run_folder.RunFolder(tmp_path / "out" / "seed0")
    history = folder.read_json(HISTORY)
    assert [row["epoch"] for row in history] == [1]
    folder.model_path(FLOAT).unlink()
    folder.file(run_folder.METRICS).unlink()
    assert measure(config, said.append) == result
    assert folder.read_json(HISTORY) == history
    said.clear()
    assert measure(config, said.append) == result
    assert not said

    means = frontend_cost.exchange(config)
    for name in ("integer", "float64"):
        for split, accuracy in means[name][name].items():
            assert accuracy == pytest.approx(result["mean"][name][split])
            assert 0 <= means[name]["float64" if name == "integer" else "integer"][split] <= 1
    assert len(frontend_cost.exchange_table(means).splitlines()) == 5

    # kws.train --resume can't take it for a run of its own.
    saved = run_folder.open_run(folder.path)[1]["settings"]
    with pytest.raises(TrainingError, match="another version"):
        TrainConfig.from_json(saved, dataset)
