"""The model card of a bundle: facts in Markdown. What is unknown is left out."""

import html
import re
from collections.abc import Iterator
from typing import Any

from export.bundle.training import trained
from export.model import accumulator
from export.model.integer_model import IntegerModel
from quant.qformat import QFormat

_SCALAR = (str, int, float)
_BACKTICKS = re.compile("`+")
_LOCAL_SUFFIXES = ("_dir", "_path")
INTENDED_USE = (
    "Spotting the words below in {clips} of 16-bit mono speech at 16 kHz, on a microcontroller or in a test "
    "of one. Audio unlike the training data (other languages, distances, microphones, noises) was not part of the "
    "metrics below unless they say so. It recognizes words, not people, and is not meant to trigger anything that "
    "needs certainty."
)

USE_WITHOUT_FRONTEND = (
    "Classifying inputs that the program around it computes, on a microcontroller or in a test of one. The bundle has "
    "no front end: what its inputs mean, and how well the model tells its classes apart, is known to who trained it."
)


def write(
    model: IntegerModel,
    metrics: dict[str, Any],
    frontend: dict[str, Any],
    training: dict[str, Any],
    data: dict[str, Any],
    warning: str = "",
) -> str:
    """The card as Markdown text.

    Every number and text in the four dictionaries is printed under its key ('_' read as a space), at any depth;
    None, empty values, lists of lists (confusion matrices: see metrics.json) and folders of the machine that trained
    (keys ending in `_dir` or `_path`) are left out.

    Args:
      metrics: by variant or split at any depth, e.g. {"float": {"testing": {"accuracy": 0.9}}}; innermost numbers
        that share a parent become one row, rows that share a column one table.
      frontend: the front end's parameters.
      training: `command` (the lines that make the model again), `seed`, and anything else but `data`, given apart.
      data: `name`, `licence`, `attribution`, `source` and anything else known about the training data.
      warning: a sentence that whoever takes the model has to know first.
    """
    parts = [f"# {_escaped(model.name)}", _summary(model)]
    parts += [f"**{warning}**"] if warning else []
    parts += ["## Intended use", _use(frontend)]
    parts += ["## Input and output", _interface(model)]
    parts += _section("## Training data", _bullets(data))
    details = {key: value for key, value in training.items() if key not in ("command", "data")}
    parts += _section("## Training", _details(details))
    parts += _section("## Metrics", _metrics(metrics, model.labels))
    parts += _section("## Front end", _bullets(frontend))
    parts += ["## Accumulators", _accumulators(model)]
    parts += ["## Size and identity", _identity(model)]
    if training.get("command"):
        fence = _fence(training["command"], 3)
        parts += ["## Make it again", f"{fence}\n{training['command']}\n{fence}"]
    return "\n\n".join(parts) + "\n"


def of_trained(model: IntegerModel, metrics: dict[str, Any], frontend: dict[str, Any], training: dict[str, Any]) -> str:
    """`write`'s card of a trained model, from what its bundle stores.

    Args:
      metrics: stage -> split -> everything measured; the single figures are on the card, curves in metrics.json.
      training: with the data under `data`.
    """
    figures = {
        stage: {split: _headlines(values) for split, values in splits.items() if isinstance(values, dict)}
        for stage, splits in metrics.items()
        if isinstance(splits, dict)
    }
    settings = {name: value for name, value in training.items() if name != "data"}
    found = trained.near_chance(metrics.get("fixed_point", {}).get("validation", {}))
    warning = f"It has learned next to nothing: on validation {found}." if found else ""
    return write(model, figures, frontend, settings, training.get("data", {}), warning)


def _use(frontend: dict[str, Any]) -> str:
    """What it is for, of a model with a front end's parameters."""
    if not frontend:
        return USE_WITHOUT_FRONTEND
    seconds = frontend.get("clip_samples", 0) / frontend.get("sample_rate", 1)
    return INTENDED_USE.format(clips="one-second clips" if seconds in (0, 1) else f"clips of {seconds:g} s")


def _headlines(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if isinstance(value, (int, float))}


def _summary(model: IntegerModel) -> str:
    """What it is, in a sentence."""
    weights, outputs = _weight_bits(model), _output_bits(model)
    return (
        f"A network of {len(model.layers)} layers for {len(model.labels)} classes, in fixed point: weights of "
        f"{_list(weights)} bits, layer outputs of {_list(outputs)} bits."
    )


def _weight_bits(model: IntegerModel) -> list[int]:
    return sorted({layer.weight_format.bits for layer in model.layers if layer.weight_bytes})


def _output_bits(model: IntegerModel) -> list[int]:
    return sorted({layer.output_format.bits for layer in model.layers})


def _section(title: str, text: str) -> list[str]:
    return [title, text] if text else []


def _interface(model: IntegerModel) -> str:
    height, width, channels = model.input_shape
    labels = ", ".join(map(code, model.labels))
    return (
        f"- Input: int8 [1, {height}, {width}, {channels}], {_format(model.input_format)}\n"
        f"- Output: int8 [1, {len(model.labels)}] logits, {_format(model.output_format)}\n"
        f"- Labels, in the order of the logits: {labels}"
    )


def _format(q: QFormat) -> str:
    sign = "signed" if q.signed else "unsigned"
    return f"{sign} {q.bits} bits, {q.fraction_bits} fraction bits (value = code * 2^{-q.fraction_bits})"


def _identity(model: IntegerModel) -> str:
    shift = "" if model.one_shift is None else f"- One shift: every layer requantizes by {model.one_shift} bits\n"
    return (
        f"- Layers: {len(model.layers)}, multiply-accumulates per inference: {model.macs:,}\n"
        f"- Weights and biases: {sum(layer.weight_bytes for layer in model.layers):,} bytes, weights of "
        f"{_list(_weight_bits(model))} bits, layer outputs of {_list(_output_bits(model))} bits\n"
        f"{shift}"
        f"- sha256 of the integer model: `{model.sha256}`"
    )


def _accumulators(model: IntegerModel) -> str:
    """The proof of widths, a row per layer."""
    declared = sorted({layer.accumulator_bits for layer in model.layers})
    needed = max(map(accumulator.required_bits, model.layers))
    header = ["layer", "largest magnitude", "bits that hold it"]
    rows = [
        [layer.name, f"{accumulator.worst_case(layer).max():,}", str(accumulator.required_bits(layer))]
        for layer in model.layers
    ]
    table = "\n".join(_row(cells) for cells in (header, ["---"] * len(header), *rows))
    return (
        f"Signed accumulators of **{needed} bits** hold every sum of every layer, for any input and in any order of "
        f"summation (declared: {_list(declared)} bits): sum of weight magnitudes * largest input magnitude + bias "
        f"magnitude + rounding half, of the channel where it is largest.\n\n{table}"
    )


def _list(values: list[int]) -> str:
    return ", ".join(map(str, values))


def _fence(text: str, least: int) -> str:
    """Backticks, at least so many, and more than stand in a row in the text."""
    return "`" * max(least, 1 + max(map(len, _BACKTICKS.findall(text)), default=0))


def code(text: str) -> str:
    """A code span, in which Markdown reads nothing."""
    fence = _fence(text, 1)
    space = " " if len(fence) > 1 else ""
    return f"{fence}{space}{text}{space}{fence}"


def _escaped(text: str) -> str:
    """In one line, and no HTML or code: a label or a name of a corpus may be anything."""
    return " ".join(html.escape(text, quote=False).replace("`", "&#96;").split())


def _plain(key: str) -> str:
    return _escaped(str(key).replace("_", " "))


def _text(value: Any) -> str | None:
    """One line for a scalar or a list of scalars; None for what the card leaves out."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, _SCALAR):
        return _escaped(str(value)) or None
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, _SCALAR) for item in value):
        return ", ".join(_text(item) or "" for item in value)
    return None


def _leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in values.items():
        if str(key).endswith(_LOCAL_SUFFIXES):
            continue
        if isinstance(value, dict):
            yield from _leaves(value, (*path, str(key)))
        elif (text := _text(value)) is not None:
            yield (*path, str(key)), text


def _bullets(values: dict[str, Any]) -> str:
    """A line for each entry; of one that has entries itself, all of them behind each other: "clips: training 6000"."""
    lines: dict[str, list[str]] = {}
    for (key, *path), text in _leaves(values):
        lines.setdefault(key, []).append(" ".join([*map(_plain, path), text]))
    return "\n".join(f"- {_plain(key)}: {', '.join(texts)}" for key, texts in lines.items())


def _details(values: dict[str, Any]) -> str:
    """Bullets, then a table for every entry that has entries itself, with their names as they stand."""
    parts = [_bullets({key: value for key, value in values.items() if not isinstance(value, dict)})]
    for key, value in values.items():
        rows = [(" ".join(map(code, path)), text) for path, text in _leaves(value)] if isinstance(value, dict) else []
        if rows:
            lines = [_row([_plain(key), "value"]), _row(["---"] * 2), *(_row(list(row)) for row in rows)]
            parts.append("\n".join(lines))
    return "\n\n".join(filter(None, parts))


def _metrics(values: dict[str, Any], labels: tuple[str, ...]) -> str:
    """Tables with a row per parent and a column per innermost key, in order of appearance; labels stand as they are."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for (*path, key), text in _leaves(values):
        rows.setdefault(tuple(path), {})[key] = text
    tables: list[dict[tuple[str, ...], dict[str, str]]] = []
    for parent, row in rows.items():
        same = next((table for table in tables if any(row.keys() & other.keys() for other in table.values())), None)
        if same is None:
            tables.append({parent: row})
        else:
            same[parent] = row
    return "\n\n".join(_table(table, labels) for table in tables)


def _table(rows: dict[tuple[str, ...], dict[str, str]], labels: tuple[str, ...]) -> str:
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    header = ["", *(_escaped(key) if key in labels else _plain(key) for key in columns)]
    lines = [_row(header), _row(["---"] * len(header))]
    for parent, row in rows.items():
        lines.append(_row([", ".join(map(_plain, parent)), *(row.get(key, "") for key in columns)]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
