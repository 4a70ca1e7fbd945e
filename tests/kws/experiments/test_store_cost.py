"""What a store costs and spares is measured on the same clips."""

import pathlib

import corpus

from kws.datasets import DatasetConfig
from kws.experiments import store_cost


def test_a_store_is_written_once_and_read_then(tmp_path: pathlib.Path) -> None:
    root = corpus.write(tmp_path / "corpus", training=20, evaluation=5)
    (tmp_path / "scratch").mkdir()
    config = DatasetConfig("speech_commands", str(root), ("yes", "no"), scratch_dir=str(tmp_path / "scratch"))
    result = store_cost.measure(config)
    assert list(result["ways"]) == list(store_cost.WAYS) and result["clips"] > 90
    written = {way: figures["written_bytes"] for way, figures in result["ways"].items()}
    assert written["first"] > 32000 * result["clips"] > 100 * max(written["in memory"], written["again"])
    assert not list((tmp_path / "scratch").iterdir())
    assert store_cost.table(result).count("\n") == 4
