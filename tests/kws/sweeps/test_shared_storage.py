"""A sweep in storage that a URL names: what is sent, in which order, and what is not done twice."""

import json
import pathlib
import sys
import uuid

import fsspec
import pytest

from kws import report, sweep
from kws.datasets import DatasetConfig
from kws.sweeps import cell as cell_files
from kws.sweeps import workers
from kws.sweeps.shared_storage import SharedStorage
from kws.sweeps.sweep_error import SweepError

STAND_IN = pathlib.Path(__file__).with_name("stand_in_cell.py")
MATRIX = """
[rows]
"a" = { weight_bits = 4 }
"b" = { weight_bits = 8 }
"""


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}/sweep"


@pytest.fixture
def config(url: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> sweep.SweepConfig:
    """Two rows and two seeds of stand-ins, which need no data."""
    monkeypatch.setattr(workers, "RUN_CELL", (str(STAND_IN),))
    monkeypatch.setenv("KWS_TEST_EVENTS", str(tmp_path / "events"))
    (tmp_path / "matrix.toml").write_text(MATRIX)
    monkeypatch.setenv("KWS_TEST_SCRATCH", str(tmp_path / "scratch"))
    dataset = DatasetConfig(dataset="synthetic", scratch_dir="$KWS_TEST_SCRATCH", processes=1)
    return sweep.SweepConfig(url, dataset, tmp_path / "matrix.toml", seeds=(0, 1), parallel=3)


def events(tmp_path: pathlib.Path, what: str) -> list[str]:
    path = tmp_path / "events"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    return sorted(title for said, title, *_ in lines if said == what)


def test_cells_are_sent_and_never_repeated(config: sweep.SweepConfig, url: str, tmp_path: pathlib.Path) -> None:
    said: list[str] = []
    assert sweep.sweep(config, said.append) == []
    titles = [f"{name}, seed {seed}" for name in ("a", "b", "float") for seed in (0, 1)]
    assert events(tmp_path, "end") == titles
    files = fsspec.filesystem("memory")
    place = url.removeprefix("memory:/")
    names = {name.removeprefix(f"{place}/") for name in files.find(place)}
    assert {"results.csv", "results.json", "logs/cells-a-seed0.log", "jobs/cells-a-seed0.json"} <= names
    assert {"float/seed1/float/model.h5", "cells/b-seed1/bundle/model.npz", "cells/b-seed1/result.json"} <= names
    assert not [name for name in names if "checkpoint" in name or name.endswith(".partial")]
    assert files.cat_file(f"{place}/cells/b-seed1/bundle/model.npz") == b"b of weights of seed 1"
    (here,) = (tmp_path / "scratch").iterdir()
    assert not list(here.glob("cells/*"))  # sent and removed
    assert str(tmp_path) not in "".join(said)
    assert [row["name"] for row in report.report(url)["rows"]] == ["float", "a", "b"]

    # One result is lost, and a machine has nothing of its own: the float model comes from the storage.
    files.rm(f"{place}/cells/a-seed0/result.json")
    for path in sorted(here.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    said.clear()
    assert sweep.sweep(config, said.append) == []
    assert said[0] == "2 rows, 2 seeds: 5 cells are finished, 1 to do"
    assert events(tmp_path, "end") == sorted([*titles, "a, seed 0"])
    assert (here / "float" / "seed0" / "float" / "model.h5").is_file()


def test_a_result_is_sent_last(tmp_path: pathlib.Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = tmp_path / "cells" / "z"
    for name in ("result.json", "run.json", "z/last", "bundle/result.json"):
        (cell / name).parent.mkdir(parents=True, exist_ok=True)
        (cell / name).write_text(name)
    sent: list[str] = []
    storage = SharedStorage(url)
    monkeypatch.setattr(storage, "send", lambda name, folder: sent.append(name))
    storage.send_cell("cells/z", tmp_path)
    assert sent[-1] == "cells/z/result.json" and len(sent) == 4


def test_a_finished_cell_is_not_run_again(config: sweep.SweepConfig, url: str, tmp_path: pathlib.Path) -> None:
    """As after the loss of a machine that had sent it, and not said so."""
    sweep.sweep(config, lambda text: None)
    before = events(tmp_path, "start")
    job = json.loads(fsspec.filesystem("memory").cat_file(f"{url.removeprefix('memory:/')}/jobs/cells-a-seed0.json"))
    assert workers.run(cell_files.Cell(**job), 0, url, (sys.executable,)) is None
    assert events(tmp_path, "start") == before


def test_other_settings_are_refused_with_the_place_that_the_user_gave(
    config: sweep.SweepConfig, url: str, tmp_path: pathlib.Path
) -> None:
    sweep.sweep(config, lambda text: None)
    config.matrix.write_text(MATRIX.replace("4", "5"))
    with pytest.raises(
        SweepError, match=f"a, seed 0 was begun in sweep_dir={url} with .* or remove {url}/cells/a-seed0"
    ):
        sweep.sweep(config, lambda text: None)


def test_a_failed_cell_names_its_log_in_the_storage(config: sweep.SweepConfig, url: str) -> None:
    config.matrix.write_text(MATRIX.replace('"a"', '"fails"'))
    failed = sorted(sweep.sweep(config, lambda text: None))
    end = f"exit code 1: this cell fails (see {url}/logs/cells-fails-seed0.log)"
    assert failed[0] == f"fails, seed 0: {end}"
    assert SharedStorage(url).read("logs/cells-fails-seed0.log") == b"error: this cell fails\n"


def test_a_variable_that_is_not_set_is_named(config: sweep.SweepConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KWS_TEST_SCRATCH")
    failed = sorted(sweep.sweep(config, lambda text: None))
    assert failed[-1].startswith("float, seed 1: scratch_dir=$KWS_TEST_SCRATCH: KWS_TEST_SCRATCH is not set")


def test_storage_that_cannot_be_used_is_one_line(tmp_path: pathlib.Path) -> None:
    for url in ("nonsense://x/y", f"file://{tmp_path}/file/sweep"):
        (tmp_path / "file").write_text("")
        with pytest.raises(SweepError, match=f"^sweep_dir={url} can't be used: .*check the place and the rights$"):
            SharedStorage(url).send("file", tmp_path)


def test_files_of_a_path_as_url_are_whole(tmp_path: pathlib.Path) -> None:
    (tmp_path / "text").write_text("text")
    storage = SharedStorage(f"file://{tmp_path}/there")
    storage.send("text", tmp_path)
    storage.send("text", tmp_path)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["text"]
    assert storage.read("text") == b"text" and storage.read("none") is None
