"""What loading a corpus costs: without a store, the first time with one, and from then on.

    python -m kws.experiments.store_cost --dataset=speech_commands --data_dir=D

Each in a fresh process: `kws.datasets.load`, and the identity of all clips that a run keeps. The store goes into a
folder in --scratch_dir that is removed at the end. `scripts.stand_in` makes a corpus of any size.
"""

import dataclasses
import time
from typing import Any

import psutil
from absl import flags

from kws import datasets
from kws.datasets import DatasetConfig, dataset_flags, identity
from kws_cli import command, held_folder
from kws_cli.command import UserError
from kws_cli.table import aligned
from kws_cli.worker_pool import start_workers

WAYS = ("in memory", "first", "again")


def measure(config: DatasetConfig) -> dict[str, Any]:
    """Figures of each of WAYS, as JSON values: see `cost`, "clips" aside.

    Raises:
      DatasetError, StoreError: the corpus can't be loaded, or the store not be written.
      UserError: the ways give different clips.
    """
    with held_folder.made("store-cost-", config.scratch_dir) as folder:
        found = {
            way: _in_a_process(dataclasses.replace(config, cache_dir=_cache_dir(way, str(folder)))) for way in WAYS
        }
    heard = {(figures.pop("sha256"), figures.pop("clips")) for figures in found.values()}
    if len(heard) > 1:
        raise UserError(f"--data_dir={config.data_dir} changed meanwhile: measure again")
    return {"dataset": config.dataset, "clips": heard.pop()[1], "ways": found}


def _cache_dir(way: str, folder: str) -> str:
    return "" if way == WAYS[0] else folder


def _in_a_process(config: DatasetConfig) -> dict[str, Any]:
    pool = start_workers(1)
    try:
        found = pool.submit(cost, config).result()
    except BaseException:
        pool.shutdown(wait=False, kill_workers=True)
        raise
    pool.shutdown()
    return found


def cost(config: DatasetConfig) -> dict[str, Any]:
    """Loads the dataset in this process.

    Returns:
      "clips" and the "sha256" of their identity; "cpu_seconds", "seconds", "written_bytes" (by system calls), and the
      bytes of memory that this process shares with no other, "own_bytes", with the dataset and "before" it.
    """
    process = psutil.Process()
    before, written = process.memory_full_info().uss, process.io_counters().write_chars
    cpu, wall = time.process_time(), time.perf_counter()
    dataset = datasets.load(config)
    sha256 = identity.sha256(identity.identity(dataset))
    return {
        "clips": sum(len(clips) for clips in dataset.splits.values()),
        "sha256": sha256,
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.perf_counter() - wall,
        "written_bytes": process.io_counters().write_chars - written,
        "own_bytes": process.memory_full_info().uss,
        "own_bytes_before": before,
    }


def table(result: dict[str, Any]) -> str:
    """The figures for a person."""
    rows = [("", "CPU s", "s", "memory of its own", "before", "written")]
    for way, figures in result["ways"].items():
        bytes_ = (figures[name] for name in ("own_bytes", "own_bytes_before", "written_bytes"))
        seconds = (f"{figures[name]:.1f}" for name in ("cpu_seconds", "seconds"))
        rows.append((way, *seconds, *(f"{value / 1e6:.0f} MB" for value in bytes_)))
    return "\n".join([f"{result['clips']} clips of {result['dataset']}", *aligned(rows, left=1)])


def define_flags() -> None:
    """Defines this command's flags."""
    dataset_flags.define_flags()
    command.define_json_flag()


def main() -> None:
    """The command `python -m kws.experiments.store_cost`."""

    def work(values: flags.FlagValues) -> None:
        result = measure(dataset_flags.config_from_flags(values))
        command.say(table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
