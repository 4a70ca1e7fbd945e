"""Files that a Ray cluster's machines read, each a process here, give the store that one process makes."""

import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import corpus
import pytest
from test_reading import files

from kws import datasets
from kws.datasets import DatasetConfig, DatasetError
from kws.datasets.recordings import cluster, reading


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """ "cluster", the nodes "m0" and "m1" of a core each, and the file of "events"; the head has no cores."""
    from ray.cluster_utils import Cluster

    # A machine is taken for lost after 2 s, not 15.
    health = {"health_check_period_ms": 500, "health_check_failure_threshold": 4, "health_check_initial_delay_ms": 0}
    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "_system_config": health},
    )
    paths = ":".join([str(pathlib.Path(__file__).parent), *filter(None, sys.path)])
    found: dict[str, Any] = {"cluster": made, "events": tmp_path_factory.mktemp("machines") / "events"}
    for name in ("m0", "m1"):
        variables = {"KWS_TEST_MACHINE": name, "KWS_TEST_EVENTS": str(found["events"]), "PYTHONPATH": paths}
        found[name] = made.add_node(num_cpus=1, env_vars=variables)
    yield found
    made.shutdown()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LEAST_FILES_OF_A_WORKER", 8)
    monkeypatch.setattr(cluster, "_FILES_PER_TASK", 4)


@pytest.mark.slow
def test_errors_on_a_cluster_come_when_it_is_their_turn(machines: dict[str, Any]) -> None:
    from stand_in_reading import tenth_of

    found = reading.in_order([*range(1, 9), 0], tenth_of, 1, machines["cluster"].address)
    assert [next(found) for _ in range(8)] == [10 // number for number in range(1, 9)]
    with pytest.raises(ZeroDivisionError):
        next(found)


@pytest.mark.slow
def test_a_cluster_makes_the_same_store_and_a_lost_machine_costs_what_it_was_reading(
    machines: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    root = corpus.write(tmp_path / "corpus", training=10, evaluation=2)
    (root / "no" / "a_nohash_0.wav").write_text("nothing")
    address = machines["cluster"].address
    made = []
    for name, where in (("here", {"processes": 1}), ("there", {"reading_cluster": address})):
        config = DatasetConfig("speech_commands", str(root), ("yes", "no"), cache_dir=str(tmp_path / name), **where)
        assert len(datasets.load(config).skipped) == 1
        made.append(files(tmp_path / name))
    assert made[0] == made[1]

    from stand_in_reading import read_slowly

    events = machines["events"]
    found = reading.in_order(range(80), read_slowly, 1, address)
    first = [next(found) for _ in range(4)]
    # Both machines read; one is lost in the midst of a part.
    deadline = time.monotonic() + 60
    while "m1" not in (events.read_text() if events.is_file() else "") and time.monotonic() < deadline:
        time.sleep(0.05)
    machines["cluster"].remove_node(machines["m1"], allow_graceful=False)
    assert first + list(found) == [number * number for number in range(80)]
    readers = [line.split() for line in events.read_text().splitlines()]
    assert {machine for machine, _ in readers} == {"m0", "m1"}


def test_no_cluster_is_said() -> None:
    with pytest.raises(DatasetError, match=r"reading_cluster=127.0.0.1:1: no Ray cluster answers \(.*refused"):
        next(reading.in_order(range(8), abs, 1, "127.0.0.1:1"))
    # Few files need none.
    assert list(reading.in_order(range(7), abs, 1, "host:1")) == [*range(7)]


def test_a_cluster_without_cores_is_said() -> None:
    class Ray:
        @staticmethod
        def cluster_resources() -> dict[str, float]:
            return {"memory": 1e9}

    with pytest.raises(DatasetError, match="reading_cluster=auto: no machine of the Ray cluster has a core"):
        cluster._cores(Ray, "auto")
