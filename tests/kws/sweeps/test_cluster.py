"""A sweep on a Ray cluster of three machines, each a process here: one is lost, GPUs are shared."""

import json
import pathlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from kws import sweep
from kws.datasets import DatasetConfig
from kws.sweeps import workers

STAND_IN = pathlib.Path(__file__).with_name("stand_in_cell.py")
MATRIX = """
[rows]
"a" = { weight_bits = 4 }
"b" = { weight_bits = 8 }
"""
SEEDS = (0, 1)
CELLS = {f"{name}, seed {seed}" for name in ("float", "a", "b") for seed in SEEDS}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Name -> node of a cluster; "head" has no cores for cells, "m0" to "m2" have one each and m0 two GPUs."""
    from ray.cluster_utils import Cluster

    # A machine is taken for lost after 2 s, not 15.
    health = {"health_check_period_ms": 500, "health_check_failure_threshold": 4, "health_check_initial_delay_ms": 0}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": health},
    )
    folder = tmp_path_factory.mktemp("machines")
    found: dict[str, Any] = {"cluster": cluster, "folder": folder}
    for number in range(3):
        name = f"m{number}"
        variables = {
            "KWS_TEST_MACHINE": name,
            "KWS_TEST_EVENTS": str(folder / "events"),
            "KWS_TEST_SECONDS": "2",
            "KWS_TEST_SCRATCH": str(folder / name),
        }
        found[name] = cluster.add_node(num_cpus=1, num_gpus=2 if name == "m0" else 0, env_vars=variables)
    yield found
    cluster.shutdown()


@pytest.fixture
def machines(running: dict[str, Any]) -> dict[str, Any]:
    """`running`, on which nothing has happened yet."""
    (running["folder"] / "events").unlink(missing_ok=True)
    return running


def config(tmp_path: pathlib.Path, address: str, **settings: Any) -> sweep.SweepConfig:
    (tmp_path / "matrix.toml").write_text(MATRIX)
    dataset = DatasetConfig(dataset="synthetic", scratch_dir="$KWS_TEST_SCRATCH", processes=1)
    place = f"file://{tmp_path}/shared"
    return sweep.SweepConfig(place, dataset, tmp_path / "matrix.toml", seeds=SEEDS, ray_address=address, **settings)


def events(machines: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    path = machines["folder"] / "events"
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.is_file() else []


@pytest.mark.slow
def test_cells_share_gpus(machines: dict[str, Any], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a GPU for a cell: all run where GPUs are, and see one."""
    from kws.sweeps.sweep_error import SweepError

    monkeypatch.setattr(workers, "RUN_CELL", (str(STAND_IN),))
    address = machines["cluster"].address
    assert sweep.sweep(config(tmp_path, address, gpus_per_cell=0.5), lambda text: None) == []
    assert {machine for _, _, machine, _ in events(machines)} == {"m0"}
    assert {gpus for *_, gpus in events(machines)} <= {"0", "1"}
    with pytest.raises(SweepError, match="gpus_per_cell=3: no machine of the Ray cluster has more than 2 GPUs"):
        sweep.sweep(config(tmp_path, address, gpus_per_cell=3), lambda text: None)


@pytest.mark.slow
def test_a_lost_machine_costs_its_unfinished_cell_alone(
    machines: dict[str, Any], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "RUN_CELL", (str(STAND_IN),))
    lost: list[str] = []

    def lose_m1() -> None:
        """Kills all processes of m1 when it has begun a cell after the float models."""
        deadline = time.monotonic() + 90
        while not lost and time.monotonic() < deadline:
            lost.extend(title for what, title, machine, _ in events(machines) if machine == "m1" and title[0] in "ab")
            time.sleep(0.1)
        machines["cluster"].remove_node(machines["m1"], allow_graceful=False)

    killer = threading.Thread(target=lose_m1)
    killer.start()
    failed = sweep.sweep(config(tmp_path, machines["cluster"].address), lambda text: None)
    killer.join()
    assert failed == []
    started = Counter(title for what, title, *_ in events(machines) if what == "start")
    ended = Counter(title for what, title, *_ in events(machines) if what == "end")
    assert set(ended) == CELLS and set(ended.values()) == {1}  # nothing lost, nothing finished twice
    assert len(lost) == 1
    assert {title: times for title, times in started.items() if times > 1} == {lost[0]: 2}
    ((_, _, machine, _),) = [event for event in events(machines) if event[:2] == ("end", lost[0])]
    assert machine != "m1"
    shared = tmp_path / "shared"
    found = json.loads((shared / "results.json").read_text())
    assert found["missing"] == [] and len(found["cells"]) == len(CELLS)
    assert (shared / "cells" / "a-seed1" / "bundle" / "model.npz").read_text() == "a of weights of seed 1"
    # Without GPUs asked for, none is seen.
    assert {gpus for *_, gpus in events(machines)} == {""}
