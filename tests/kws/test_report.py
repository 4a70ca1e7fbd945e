"""The report: figures over seeds, tables, plots, and what it says of a damaged sweep."""

import csv
import json
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from kws import report
from kws.evaluation.outcomes import Outcomes
from kws.sweeps import plots, results
from kws.sweeps.sweep_error import SweepError

ACCURACY = {"float": (0.90, 0.92, 0.94), "W4A8 QAT": (0.91, 0.92, 0.96), "W4A4 QAT": (0.88, 0.90, 0.92)}


def summary(accuracy: float) -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "accuracy_without_silence": accuracy - 0.01,
        "false_discovery_rate_at_false_reject_rate": {"0.05": (1 - accuracy) / 2},
        "det": {"false_reject_rate": [0.5, 0.1, 0.0], "false_alarm_rate": [0.0, 0.01, 1.0]},
    }


def result(name: str, seed: int, accuracy: float) -> dict[str, Any]:
    """A cell's result.json."""
    splits = {"validation": summary(accuracy + 0.01), "testing": summary(accuracy)}
    reference = {"validation": summary(ACCURACY["float"][seed]), "testing": summary(ACCURACY["float"][seed])}
    stages = {"float": reference}
    if name != "float":
        stages |= {"post_training": splits, "fixed_point": splits}
    width, _, variant = name.rpartition(" ")
    return {
        "name": name,
        "variant": variant if width else "",
        "width": width,
        "settings": {"seed": seed, "weight_bits": [4], "dataset": {}, "method": {"squash": True}},
        "stages": stages,
        "seconds": 1.5,
        **({} if name == "float" else {"accumulator_bits_proved": 17 + seed, "weight_bytes": 1000}),
    }


@pytest.fixture
def sweep_dir(tmp_path: pathlib.Path) -> pathlib.Path:
    """A finished sweep."""
    for name, accuracies in ACCURACY.items():
        for seed, accuracy in enumerate(accuracies):
            folder = tmp_path / ("float" if name == "float" else "cells") / f"{name}-seed{seed}"
            folder.mkdir(parents=True)
            (folder / "result.json").write_text(json.dumps(result(name, seed, accuracy)))
    write(tmp_path)
    return tmp_path


NAMES = ("_silence_", "yes", "no")


def keep_outcomes(folder: pathlib.Path, wrong: int, clips: int = 400) -> None:
    """Gives a cell outcomes: float is wrong on the first 20 clips, the integers on so many, of ten clips a speaker."""
    labels = np.arange(clips) % 3
    of_float, own = (np.eye(3)[(labels + (np.arange(clips) < count)) % 3] for count in (20, wrong))
    names, speakers = (tuple(f"{what}{i // every}" for i in range(clips)) for what, every in (("clip", 1), ("who", 10)))
    kept = Outcomes(names, speakers, labels, own, of_float).to_json()
    (folder / "outcomes.json").write_text(json.dumps({"validation": kept, "testing": kept}))
    path = folder / "result.json"
    found = json.loads(path.read_text())
    found["stages"]["fixed_point"]["testing"]["labels"] = NAMES
    path.write_text(json.dumps(found))


def write(folder: pathlib.Path) -> None:
    rows = results.collect(folder, ["W4A8 QAT", "W4A4 QAT"])
    results.write(folder, rows, {"W4A4 PTQ": "for a reason"}, ["W4A4 QAT, seed 9"])


def test_figures_are_means_and_sample_deviations_over_seeds(sweep_dir: pathlib.Path) -> None:
    found = report.report(sweep_dir)
    rows = {row["name"]: row for row in found["rows"]}
    assert list(rows) == ["float", "W4A8 QAT", "W4A4 QAT"]
    row = rows["W4A8 QAT"]
    assert row["seeds"] == [0, 1, 2]
    assert row["testing_accuracy"]["mean"] == pytest.approx(0.93)
    assert row["testing_accuracy"]["deviation"] == pytest.approx(np.std([0.91, 0.92, 0.96], ddof=1))
    assert row["validation_accuracy"]["mean"] == pytest.approx(0.94)
    assert row["change"] == pytest.approx({"mean": 0.01, "deviation": 0.01})
    assert row["false_discovery_rate"]["mean"] == pytest.approx(0.035)
    assert row["false_discovery_rate_change"] == pytest.approx(0.07 / 0.08 - 1)
    assert row["accumulator_bits_proved"] == 19
    assert rows["float"]["testing_accuracy"]["mean"] == pytest.approx(0.92)


def test_the_tables_show_them_in_percent(sweep_dir: pathlib.Path) -> None:
    text = report.markdown(report.report(sweep_dir))
    assert "92.00 ± 2.00" in text  # float
    assert "+1.00 ± 1.00" in text and "-2.00 ± 0.00" in text and "-12.5 %" in text
    assert "- W4A4 PTQ: for a reason" in text and "Not finished: W4A4 QAT, seed 9" in text
    widths, rows = (table.splitlines() for table in text.split("\n\n")[:2])
    assert [cell.strip() for cell in widths[0].split("|")[1:-1]] == ["testing accuracy", "W4A8", "W4A4"]
    assert len(widths) == 4 and len(rows) == 5
    assert len({line.count("|") for line in rows}) == 1 and len({len(line) for line in rows}) == 1


def test_one_seed_has_no_deviation() -> None:
    assert report.Spread.of([0.5]) == report.Spread(0.5, None)
    assert report.Spread.of([0.5]).text() == "50.00"


def test_the_csv_has_a_row_for_each_cell(sweep_dir: pathlib.Path) -> None:
    with (sweep_dir / results.CSV).open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["seed"]) for row in rows][3:5] == [("W4A8 QAT", "0"), ("W4A8 QAT", "1")]
    assert rows[3]["weight_bits"] == "4" and rows[3]["squash"] == "True"
    assert float(rows[3]["testing_fixed_point_accuracy"]) == 0.91
    assert rows[0]["testing_fixed_point_accuracy"] == ""
    assert "det" not in rows[0]


def test_plots_are_drawn(sweep_dir: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "kws.report", f"--sweep_dir={sweep_dir}", "--plots", "--json=-"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["rows"]) == 3
    for name in (plots.ACCURACY, plots.DET):
        assert (sweep_dir / "plots" / name).read_bytes().startswith(b"\x89PNG")


def test_a_figure_shows_every_row(sweep_dir: pathlib.Path) -> None:
    cells = results.read(sweep_dir)["cells"]
    panels = plots.det_curves(cells).axes
    assert [panel.get_title() for panel in panels] == ["W4A8", "W4A4"]
    assert [len(panel.lines) for panel in panels] == [2, 2]  # float and the width's own
    (axes,) = plots.accuracy_by_width(report.report(sweep_dir)["rows"]).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["W4A8", "W4A4"]


def test_the_mean_curve_runs_through_the_points() -> None:
    curve = {"false_reject_rate": [0.5, 0.1], "false_alarm_rate": [0.01, 0.1]}
    other = {"false_reject_rate": [0.3, 0.1], "false_alarm_rate": [0.01, 0.1]}
    rates, rejected = plots.mean_curve([curve, other])
    assert np.interp(0.01, rates, rejected) == pytest.approx(0.4, abs=0.02)
    assert rejected[-1] == pytest.approx(0.1)
    assert np.all(np.diff(rejected) <= 1e-12)
    assert rejected[0] > 0.9  # below the first point: towards the threshold that rejects everything


def test_an_empty_or_damaged_sweep_is_named(sweep_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(SweepError, match=r"holds no results\.json: run python -m kws.sweep"):
        report.report(tmp_path / "nowhere")
    path = sweep_dir / results.JSON
    whole = json.loads(path.read_text())

    def refused(text: str, message: str) -> None:
        path.write_text(text)
        with pytest.raises(SweepError, match=message):
            report.report(sweep_dir)

    refused("{", "results.json is damaged")
    refused("[]", "results.json is damaged")
    refused(json.dumps({**whole, "cells": []}), "has no finished cell yet")
    cells = whole["cells"]
    gone = {name: value for name, value in cells[4].items() if name != "testing_float_accuracy"}
    refused(
        json.dumps({**whole, "cells": [*cells[:4], gone]}),
        r"cell 5 \(W4A8 QAT, seed 1\) has no 'testing_float_accuracy'",
    )
    wrong = {**cells[4], "testing_fixed_point_accuracy": None}
    refused(json.dumps({**whole, "cells": [wrong]}), "testing_fixed_point_accuracy is None")
    endless = {**cells[4], "testing_fixed_point_accuracy": float("nan")}
    refused(json.dumps({**whole, "cells": [endless]}), "testing_fixed_point_accuracy is nan")
    refused(json.dumps({**whole, "cells": [7]}), "cell 1 is 7, expected a row")


def test_a_damaged_cell_is_named(sweep_dir: pathlib.Path) -> None:
    path = sweep_dir / "cells" / "W4A8 QAT-seed1" / "result.json"
    for text in ("{", "{}", "[]"):
        path.write_text(text)
        with pytest.raises(SweepError, match=r"W4A8 QAT-seed1/result.json is damaged .*: remove it"):
            results.collect(sweep_dir, [])


def test_differences_have_intervals_over_seeds_and_speakers(sweep_dir: pathlib.Path) -> None:
    for seed, wrong in enumerate((24, 28, 26)):
        keep_outcomes(sweep_dir / "cells" / f"W4A8 QAT-seed{seed}", wrong)
    write(sweep_dir)
    found = report.report(sweep_dir)
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["W4A4 QAT"]["against_float"] == {"validation": None, "testing": None}
    assert "against_float" not in rows["float"]
    difference = rows["W4A8 QAT"]["against_float"]["testing"]
    assert (difference["seeds"], difference["speakers"]) == (3, 40)
    accuracy, rate = difference["accuracy"], difference["false_discovery_rate"]
    np.testing.assert_allclose(accuracy["by_seed"], [-0.01, -0.02, -0.015])
    assert accuracy["difference"] == pytest.approx(-0.015)
    # All that differs is one speaker of forty, who is drawn zero to three times.
    low, high = accuracy["interval"]
    assert -0.06 <= low < -0.015 < high <= 0
    assert rate["relative_change"] > 0 and rate["interval"][0] <= rate["difference"] <= rate["interval"][1]
    text = report.markdown(found)
    assert "testing against float" in text and "-1.00, -2.00, -1.50" in text and "-1.50 |" in text
    assert "bootstrap over seeds and speakers" in text


def test_outcomes_that_cannot_be_compared(sweep_dir: pathlib.Path) -> None:
    for seed in range(3):
        keep_outcomes(sweep_dir / "cells" / f"W4A8 QAT-seed{seed}", 24, clips=400 + 10 * (seed == 2))
    write(sweep_dir)
    assert report.report(sweep_dir)["rows"][1]["against_float"]["testing"] is None
    (sweep_dir / "cells" / "W4A8 QAT-seed1" / "outcomes.json").write_text('{"testing": 1, "validation": {}}')
    with pytest.raises(SweepError, match=r"W4A8 QAT-seed1/outcomes\.json is damaged"):
        report.report(sweep_dir)


def test_outcomes_are_read_as_they_were_kept() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    outcomes = Outcomes(("a", "b", "c"), ("x", "", "x"), np.array([0, 3, 1]), logits, None)
    again = Outcomes.from_json(json.loads(json.dumps(outcomes.to_json())))
    assert (again.names, again.speakers, again.float_logits) == (outcomes.names, outcomes.speakers, None)
    np.testing.assert_array_equal(again.logits, logits)
    np.testing.assert_array_equal(again.labels, outcomes.labels)
