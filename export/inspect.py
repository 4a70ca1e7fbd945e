"""Prints what a bundle's model is made of: one table, a row per layer; and what it takes in which profile.

Run: python -m export.inspect --bundle=B [--json=PATH|-].
"""

import dataclasses
import pathlib
from typing import Any

from export.bundle import folder as bundles
from export.bundle.inspection import inspect, table
from export.plan import goals
from export.source import model_source
from kws_cli import command


def define_flags() -> None:
    """Flags of `python -m export.inspect`."""
    command.define_required_flag("bundle", "Folder that export.convert wrote.")
    command.define_json_flag()


def work(values: Any) -> None:
    """The command with parsed flags."""
    bundle = bundles.load(pathlib.Path(values.bundle))
    result = inspect(bundle.model)
    command.say(table(result), values.json)
    command.say("\nplan of the generated C:\n" + bundle.c_files[model_source.PLAN].rstrip(), values.json)
    costs = goals.costs(bundle.model)
    command.say("\nmemory against time, by profile (--optimize, --max_ram):\n" + goals.cost_table(costs), values.json)
    command.write_json({**result, "profiles": [dataclasses.asdict(cost) for cost in costs]}, values.json)


def main() -> None:
    """Entry point of `python -m export.inspect` and `kws-inspect`."""
    command.run(work, define_flags)


if __name__ == "__main__":
    main()
