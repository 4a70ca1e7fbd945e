"""The cost of a step among workers is measured beside that of one."""

import pytest

from kws.experiments.worker_cost import WorkerCostConfig, measure, table


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_each_worker_has_its_share_of_a_batch() -> None:
    found = measure(WorkerCostConfig(batch_size=4, rounds=1))
    assert [(each["workers"], each["examples"]) for each in found] == [(1, 4), (2, 2)]
    assert found[0]["parameters"] == found[1]["parameters"] > 500
    assert all(each["cpu_seconds"] > 0 for each in found)


def test_the_table_compares_with_the_first() -> None:
    figures = [{"workers": 1, "examples": 64, "cpu_seconds": 0.02}, {"workers": 2, "examples": 32, "cpu_seconds": 0.03}]
    assert table(figures).splitlines()[-1].split() == ["2", "32", "30.0", "1.50"]
