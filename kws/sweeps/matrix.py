"""The matrix of a sweep: named rows of settings, read from a TOML or JSON file.

    [settings]      settings of every row, fields of `kws.training.settings.TrainConfig`
    [widths]        name -> settings
    [variants]      name -> settings; every width is combined with every variant, as row "<width> <variant>"
    [left_out]      name of such a row -> why it makes no sense
    [rows]          name -> settings of further rows

A row's settings are those of all rows, overridden by its width's and then by its variant's. The parts of the method
are a table of their own: `method = { squash = true }`.
"""

import dataclasses
import pathlib
import re
import tomllib
from typing import Any

from kws.datasets import DatasetConfig
from kws.sweeps.sweep_error import SweepError
from kws.training.settings import WIDTHS, TrainConfig
from kws_cli import json_file
from kws_cli.settings import settings_of

SECTIONS = ("settings", "widths", "variants", "left_out", "rows")
_ELSEWHERE = {"dataset": "the dataset of the sweep", "seed": "the seeds of the sweep"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One configuration.

    Attributes:
      name: unique in the matrix.
      variant: what the name says beside the width; the whole name for a row that is not of widths x variants.
      config: its settings, with seed 0.
    """

    name: str
    variant: str
    config: TrainConfig

    @property
    def width(self) -> str:
        """As in W4A8; "mixed" where layers differ."""
        weights, activations = (set(getattr(self.config, name)) for name in WIDTHS)
        return f"W{min(weights)}A{min(activations)}" if len(weights) == len(activations) == 1 else "mixed"

    @property
    def slug(self) -> str:
        """The name as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


@dataclasses.dataclass(frozen=True)
class Matrix:
    """All rows, in the file's order; `left_out` has name -> reason."""

    base: TrainConfig
    rows: tuple[Row, ...]
    left_out: dict[str, str]


def load(
    path: str | pathlib.Path, dataset: DatasetConfig, allow_few: bool = False, allow_chance: bool = False
) -> Matrix:
    """Reads a matrix file, .json or else TOML.

    Args:
      allow_few, allow_chance: of `TrainConfig`, for all rows.

    Raises:
      SweepError: the file can't be read, or names a section, setting or value that doesn't exist.
    """
    path = pathlib.Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SweepError(f"can't read matrix={path}: {getattr(error, 'strerror', None) or error}") from error
    is_json = path.suffix == ".json"
    try:
        content = json_file.parse(text.encode()) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SweepError(f"matrix={path} is not {'JSON' if is_json else 'TOML'}: {error}") from error
    return parse(content, dataset, f"matrix={path}", allow_few, allow_chance)


def parse(
    content: Any, dataset: DatasetConfig, where: str, allow_few: bool = False, allow_chance: bool = False
) -> Matrix:
    """The matrix that parsed TOML or JSON spells; `where` names its origin in errors, which are `SweepError`s."""
    sections = _tables(content, SECTIONS, where)
    base = _config(
        f"{where}, settings", TrainConfig(dataset, allow_few=allow_few, allow_chance=allow_chance), sections["settings"]
    )
    left_out = sections["left_out"]
    rows = []
    for width, its_settings in sections["widths"].items():
        of_width = _config(f"{where}, width {width!r}", base, its_settings)
        for variant, settings in sections["variants"].items():
            config = _config(f"{where}, variant {variant!r}", of_width, settings)
            rows.append(Row(f"{width} {variant}", variant, config))
    unknown = set(left_out) - {row.name for row in rows}
    if unknown:
        raise SweepError(f"{where}: left_out names {min(unknown)!r}, which is no combination of a width and a variant")
    rows = [row for row in rows if row.name not in left_out]
    for name, settings in sections["rows"].items():
        rows.append(Row(name, name, _config(f"{where}, row {name!r}", base, settings)))
    if not rows:
        raise SweepError(f"{where} has no rows: give it [widths] and [variants], or [rows]")
    _check_names(rows, where)
    return Matrix(base, tuple(rows), {name: str(reason) for name, reason in left_out.items()})


def _check_names(rows: list[Row], where: str) -> None:
    taken: dict[str, str] = {"float": "float, the float model's own"}
    for row in rows:
        if not row.slug or row.slug in taken:
            raise SweepError(f"{where}: row {row.name!r} needs another name (taken: {taken.get(row.slug, 'none')})")
        taken[row.slug] = row.name


def _tables(content: Any, known: tuple[str, ...], where: str) -> dict[str, dict[str, Any]]:
    """The sections, each a table and empty where it is missing."""
    if not isinstance(content, dict):
        raise SweepError(f"{where} holds a {type(content).__name__}, expected a table with {', '.join(known)}")
    _check_keys(where, content, known)
    for name, table in content.items():
        if not isinstance(table, dict):
            raise SweepError(f"{where}: {name} is {table!r}, expected a table")
    return {name: content.get(name, {}) for name in known}


def _check_keys(where: str, settings: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in settings:
        if key in _ELSEWHERE:
            raise SweepError(f"{where}: {key} is not set here but by {_ELSEWHERE[key]}")
        if key not in known:
            raise SweepError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")


def _config(where: str, base: TrainConfig, changes: Any) -> TrainConfig:
    """`base` with the changed settings, checked."""
    if not isinstance(changes, dict):
        raise SweepError(f"{where} is {changes!r}, expected a table of settings")
    return _replaced(where, base, changes, "")


def _replaced(where: str, base: Any, changes: dict[str, Any], within: str) -> Any:
    known = {each.name: each for each in settings_of(type(base)) if each.name not in _ELSEWHERE}
    _check_keys(f"{where}{within}", changes, tuple(known))
    found = {}
    try:
        for name, value in changes.items():
            if known[name].is_group:
                found[name] = _group(where, name, getattr(base, name), value)
            else:
                found[name] = known[name].of_plain(value)
        return dataclasses.replace(base, **found)
    except ValueError as error:
        raise SweepError(f"{where}: {error}") from error


def _group(where: str, name: str, base: Any, changes: Any) -> Any:
    if not isinstance(changes, dict):
        raise SweepError(f"{where}: {name} is {changes!r}, expected a table such as {{ squash = true }}")
    return _replaced(where, base, changes, f", {name}")
