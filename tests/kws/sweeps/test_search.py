"""A sweep that stops what lags behind: recipes of no use end early, the best is finished, nothing is trained twice."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
from collections import Counter

import pytest

from kws.sweeps import search
from kws.sweeps.sweep_error import SweepError

STAND_IN = pathlib.Path(__file__).with_name("stand_in_cell.py")
MATRIX = """
[settings]
weight_bits = 4
float_epochs = 1
fixed_point_epochs = 4
[rows]
"good" = { fixed_point_learning_rate = 0.01 }
"silly" = { fixed_point_learning_rate = 5.0 }
"sillier" = { fixed_point_learning_rate = 7.0 }
"best" = { fixed_point_learning_rate = 0.001 }
"""
SWEEP = f"""
from kws import sweep
from kws.sweeps import workers
workers.RUN_CELL = ({str(STAND_IN)!r},)
sweep.main()
"""

needs_tune = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in search._NEEDED),
    reason="Ray Tune is not installed: pip install -r requirements-search.txt",
)


def run(folder: pathlib.Path, *flags: str) -> subprocess.CompletedProcess:
    (folder / "matrix.toml").write_text(MATRIX)
    given = [f"--sweep_dir={folder / 'sweep'}", f"--matrix={folder / 'matrix.toml'}", *flags]
    variables = {"KWS_TEST_EVENTS": str(folder / "events"), "KWS_TEST_EPOCH_SECONDS": "1"}
    return subprocess.run(
        [sys.executable, "-c", SWEEP, *given],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def epochs(folder: pathlib.Path) -> Counter[str]:
    """Cell -> epochs that were trained of it."""
    events = [json.loads(line) for line in (folder / "events").read_text().splitlines()]
    return Counter(title.removesuffix(", seed 0") for what, title, *_ in events if what == "epoch")


@needs_tune
@pytest.mark.slow
def test_bad_recipes_end_early_and_the_best_one_is_finished(tmp_path: pathlib.Path) -> None:
    asked = ("--search=asha", "--grace_epochs=1", "--reduction_factor=2")
    done = run(tmp_path, *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    trained = epochs(tmp_path)
    assert trained["good"] == trained["best"] == 4
    assert 1 <= trained["silly"] < 4 and 1 <= trained["sillier"] < 4
    assert "silly, seed 0: stopped after epoch 1, validation 20.00 %" in done.stdout
    found = json.loads((tmp_path / "sweep" / "results.json").read_text())
    assert {cell["name"] for cell in found["cells"]} == {"float", "good", "best"}
    assert set(found["missing"]) == {"silly, seed 0", "sillier, seed 0"}

    again = run(tmp_path, *asked)
    assert "4 rows, 1 seeds: 5 cells are finished or stopped, 0 to do" in again.stdout, again.stdout + again.stderr
    assert epochs(tmp_path) == trained
    # Without a search all is finished, from the last epoch on.
    rest = run(tmp_path)
    assert rest.returncode == 0 and "2 to do" in rest.stdout, rest.stdout + rest.stderr
    assert epochs(tmp_path) == {"good": 4, "silly": 4, "sillier": 4, "best": 4, "float": 1}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--reduction_factor=2",), "--reduction_factor=2 is for --search: add --search=asha"),
        (("--search=asha", "--sweep_dir=memory://x"), "not --sweep_dir=memory://x"),
    ],
)
def test_flags_that_do_not_go_together_are_one_line(tmp_path: pathlib.Path, flags: tuple[str, ...], said: str) -> None:
    done = run(tmp_path, *flags)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_NEEDED", ("numpy", "no_such_package"))
    with pytest.raises(SweepError, match=r"asha needs no_such_package: run pip install -r requirements-search\.txt"):
        search.check_installed()
