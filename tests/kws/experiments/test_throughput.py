"""What a core does in a second is measured row by row, and printed as a table and as JSON."""

import json
import subprocess
import sys

import pytest

from kws.experiments import throughput
from kws.experiments.throughput import Figure, ThroughputConfig

TINY = {"examples": 6, "rounds": 1}


def by_name(figures: list[Figure]) -> dict[tuple[str, str], float]:
    return {(figure.what, figure.way): figure.value for figure in figures}


def test_an_example_is_augmentation_and_features_by_either_way() -> None:
    found = by_name(throughput.measure(ThroughputConfig(rows=("example",), **TINY)))
    assert set(found) == {
        (what, way) for what in ("augmentation", "features", "augmented example") for way in ("C", "Python")
    }
    assert min(found.values()) > 0
    for way in ("C", "Python"):
        assert found["augmented example", way] == found["augmentation", way] + found["features", way]


def test_both_ways_make_the_same_examples() -> None:
    production = throughput._Production(ThroughputConfig(examples=70))
    by_c, by_python = (
        production.variants(steps) for steps in (throughput.compiled_augment.steps(), throughput.augment.NUMPY)
    )
    assert by_c.shape == (70, 16000) and by_c.tobytes() == by_python.tobytes()
    assert production.examples().tobytes() == throughput.cepstrum.features(by_c, throughput._FRONTEND).tobytes()


def test_ways_take_turns_and_medians_count(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    now = [0.0]
    costs = {"a": iter((9.0, 1.0, 5.0, 2.0)), "b": iter((9.0, 4.0, 4.0, 7.0))}

    def work(name: str) -> None:
        calls.append(name)
        now[0] += next(costs[name])

    monkeypatch.setattr(throughput.time, "process_time", lambda: now[0])
    found = throughput._cpu_seconds({name: lambda name=name: work(name) for name in costs}, rounds=3)
    assert found == {"a": 2.0, "b": 4.0}
    assert calls == list("abababab")


@pytest.mark.slow
def test_the_command_prints_every_row(tmp_path) -> None:
    flags = [f"--{name}={value}" for name, value in {**TINY, "batch_size": 4, "json": tmp_path / "t.json"}.items()]
    command = [sys.executable, "-m", "kws.experiments.throughput", *flags]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = json.loads((tmp_path / "t.json").read_text())["figures"]
    assert [figure["what"] in said for figure in figures] == [True] * 9
    values = {figure["way"]: figure["value"] for figure in figures if figure["what"] == "example of an epoch"}
    assert figures[-1]["what"] == "epoch production / training"
    assert figures[-1]["value"] == pytest.approx(values["produced"] / values["trained on, ds_cnn_mlperf in float"])


def test_an_unknown_row_is_one_line() -> None:
    command = [sys.executable, "-m", "kws.experiments.throughput", "--rows=example,speed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --rows=speed: known are example, production\n"
