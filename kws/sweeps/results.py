"""The results of a sweep: one flat row for each finished cell, as CSV and JSON."""

import csv
import io
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

from kws.sweeps.cell import FLOAT_NAME, MEASURED_SPLITS, RESULT, STAGES
from kws.sweeps.shared_storage import SharedStorage, is_url
from kws.sweeps.sweep_error import SweepError
from kws.training.run_folder import BATCH_SIZE, FIXED_POINT, FLOAT
from kws_cli import atomic, json_file
from kws_cli.settings import spelled

CSV = "results.csv"
JSON = "results.json"
FALSE_REJECT_RATE = "0.05"
# Of a cell's columns, those whose values are one figure each for a stage and a split.
MEASURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "accuracy": lambda summary: summary["accuracy"],
    "accuracy_without_silence": lambda summary: summary["accuracy_without_silence"],
    "false_discovery_rate": lambda summary: summary["false_discovery_rate_at_false_reject_rate"][FALSE_REJECT_RATE],
}
_NOT_A_COLUMN = ("dataset", "method", "seed")
_NOT_IN_CSV = ("det", "labels")


def column(split: str, stage: str, measure: str) -> str:
    """The name of a figure's column, as in "testing_fixed_point_accuracy"."""
    return f"{split}_{stage}_{measure}"


def row(result: dict[str, Any]) -> dict[str, Any]:
    """A cell's result.json as a flat row, its curves under "det": stage -> rates on testing, and its "labels".

    False discovery rates are those at 5 % false reject rate. Raises `KeyError` for a result that is not whole.
    """
    settings = result["settings"]
    flat = {name: result[name] for name in ("name", "variant", "width")}
    flat["seed"] = settings["seed"]
    flat |= {name: value for name, value in settings.items() if name not in _NOT_A_COLUMN}
    flat |= settings["method"]
    # What it was trained with, which is less than what was asked for where data are few.
    flat |= {name: result[name] for name in (BATCH_SIZE,) if name in result}
    for split in MEASURED_SPLITS:
        for stage in STAGES:
            for measure, of in MEASURES.items():
                summary = result["stages"].get(stage, {}).get(split)
                flat[column(split, stage, measure)] = of(summary) if summary else None
    for name in ("accumulator_bits_proved", "weight_bytes"):
        flat[name] = result.get(name)
    flat["seconds"] = result["seconds"]
    flat["det"] = {
        stage: result["stages"][stage]["testing"]["det"] for stage in (FLOAT, FIXED_POINT) if stage in result["stages"]
    }
    flat["labels"] = result["stages"].get(FIXED_POINT, {}).get("testing", {}).get("labels")
    return flat


def collect(sweep_dir: pathlib.Path, order: list[str]) -> list[dict[str, Any]]:
    """The rows of all finished cells: float models first, then by name in `order`, then by seed.

    Raises:
      SweepError: a result is damaged.
    """
    rows = []
    for path in [*sweep_dir.glob(f"float/*/{RESULT}"), *sweep_dir.glob(f"cells/*/{RESULT}")]:
        try:
            flat = row(json_file.read(path, dict[str, Any]))
            rows.append({**flat, "folder": path.parent.relative_to(sweep_dir).as_posix()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SweepError(f"{path} is damaged ({error!r}): remove it and run the sweep again") from error
    places = {name: place for place, name in enumerate(order)}

    def place(cell: dict[str, Any]) -> tuple[bool, int, str, int]:
        is_cell = not cell["name"].startswith(FLOAT_NAME)
        return is_cell, places.get(cell["name"], len(places)), cell["name"], cell["seed"]

    return sorted(rows, key=place)


def write(sweep_dir: pathlib.Path, rows: list[dict[str, Any]], left_out: dict[str, str], missing: list[str]) -> None:
    """Writes results.csv and results.json, whole or not at all.

    Args:
      left_out: row -> why it makes no sense.
      missing: cells that were asked for and are not finished.
    """
    found = {"left_out": left_out, "missing": missing, "cells": rows}
    atomic.write_text(sweep_dir / JSON, json.dumps(found, indent=1) + "\n")
    names = dict.fromkeys(name for cell in rows for name in cell if name not in _NOT_IN_CSV)
    text = io.StringIO()
    table = csv.DictWriter(text, list(names), lineterminator="\n", restval="")
    table.writeheader()
    for cell in rows:
        values = {name: value for name, value in cell.items() if name not in _NOT_IN_CSV}
        table.writerow({k: " ".join(map(str, v)) if isinstance(v, list) else v for k, v in values.items()})
    atomic.write_text(sweep_dir / CSV, text.getvalue())


def read(sweep_dir: str | pathlib.Path) -> dict[str, Any]:
    """What `write` wrote: "left_out", "missing" and "cells".

    Raises:
      SweepError: there is no such sweep, it has no finished cell, or a row is damaged.
    """
    path, text = f"{sweep_dir}/{JSON}", content(sweep_dir, JSON)
    again = spelled("python -m kws.sweep", {"sweep_dir": sweep_dir})
    if text is None:
        raise SweepError(f"sweep_dir={sweep_dir} holds no {JSON}: run {again}")
    try:
        found = json_file.parse(text, dict[str, Any])
        cells, _, _ = found["cells"], found["left_out"], found["missing"]
    except (ValueError, KeyError, TypeError) as error:
        raise SweepError(
            f"{path} is damaged ({error!r}): run python -m kws.sweep again, which writes it anew"
        ) from error
    if not cells:
        raise SweepError(f"{path} has no finished cell yet: run {again}")
    for number, cell in enumerate(cells, 1):
        _check(cell, f"{path}, cell {number}")
    return found


def content(sweep_dir: str | pathlib.Path, name: str) -> bytes | None:
    """What is in a file of a sweep; None where there is none. Raises `SweepError` where it can't be read."""
    if is_url(sweep_dir):
        return SharedStorage(str(sweep_dir)).read(name)
    path = pathlib.Path(sweep_dir) / name
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise SweepError(f"can't read sweep_dir={sweep_dir}: {name}: {error.strerror}") from error


def _check(cell: Any, where: str) -> None:
    again = "run python -m kws.sweep again, which writes it anew"
    if not isinstance(cell, dict):
        raise SweepError(f"{where} is {cell!r}, expected a row: {again}")
    where += f" ({cell.get('name')}, seed {cell.get('seed')})"
    is_float = str(cell.get("name")).startswith(FLOAT_NAME)
    stages = (FLOAT,) if is_float else STAGES
    kinds: dict[str, type | tuple[type, ...]] = {"name": str, "variant": str, "width": str, "seed": int, "det": dict}
    kinds |= {column(split, stage, measure): (int, float) for split in MEASURED_SPLITS for stage in stages
              for measure in ("accuracy", "false_discovery_rate")}  # fmt: skip
    for name, kind in kinds.items():
        if name not in cell:
            raise SweepError(f"{where} has no {name!r}: {again}")
        if not isinstance(cell[name], kind) or (isinstance(cell[name], float) and not math.isfinite(cell[name])):
            raise SweepError(f"{where}: {name} is {cell[name]!r}: {again}")
