"""Prints what a bundle's model is made of: one table, a row per layer.

Run: python -m export.inspect --bundle=B [--json=PATH|-].
"""

from typing import Any

from export.model import accumulator
from export.model.integer_model import IntegerModel
from kws_cli.table import aligned, padded

_COLUMNS = {
    "layer": "name",
    "op": "op",
    "input": "input_shape",
    "output": "output_shape",
    "Q in": "input_format",
    "Q weights": "weight_format",
    "Q out": "output_format",
    "shift": "shift",
    "acc": "accumulator_bits",
    "proved": "required_bits",
    "MACs": "macs",
    "bytes": "weight_bytes",
}
_TEXT_COLUMNS = 7
LEGEND = (
    "Q: s signed, u unsigned, bits, fraction bits (s8.f5 is code / 32); acc: declared accumulator bits; proved: bits "
    "that no input can exceed; bytes: weights packed to their width, and biases"
)


def inspect(model: IntegerModel) -> dict[str, Any]:
    """Everything the table shows.

    Returns:
      Keys `name`, `sha256`, `labels`, `macs`, `weight_bytes`, and `layers`: per layer `name`, `op`, `input_shape`,
      `output_shape` (height, width, channels), `input_format`, `weight_format`, `output_format` (as 's8.f5'), `shift`,
      `accumulator_bits` (declared), `required_bits` (proved worst case), `worst_case` (magnitude), `macs`,
      `weight_bytes`; and `one_shift`, the shift that all layers have, None where they differ.
    """
    layers = [
        {
            "name": layer.name,
            "op": layer.op,
            "input_shape": list(layer.input_shape),
            "output_shape": list(layer.output_shape),
            "input_format": str(layer.input_format),
            "weight_format": str(layer.weight_format),
            "output_format": str(layer.output_format),
            "shift": layer.shift,
            "accumulator_bits": layer.accumulator_bits,
            "required_bits": accumulator.required_bits(layer),
            "worst_case": int(accumulator.worst_case(layer).max()),
            "macs": layer.macs,
            "weight_bytes": layer.weight_bytes,
        }
        for layer in model.layers
    ]
    return {
        "name": model.name,
        "sha256": model.sha256,
        "labels": list(model.labels),
        "macs": model.macs,
        "weight_bytes": sum(layer["weight_bytes"] for layer in layers),
        "one_shift": model.one_shift,
        "layers": layers,
    }


def table(result: dict[str, Any]) -> str:
    """`inspect`'s result as aligned text: a row per layer, totals, labels and hash."""
    rows = [list(_COLUMNS)]
    rows += [[_cell(layer[key]) for key in _COLUMNS.values()] for layer in result["layers"]]
    totals = {"layer": "total", "MACs": _cell(result["macs"]), "bytes": _cell(result["weight_bytes"])}
    rows.append([totals.get(column, "") for column in _COLUMNS])
    rule = ["-" * len(cell) for cell in padded(rows)[0]]
    lines = aligned([rows[0], rule, *rows[1:]], left=_TEXT_COLUMNS)
    if result["one_shift"] is not None:
        lines.append(f"one shift: every layer requantizes by {result['one_shift']} bits")
    lines += [LEGEND, f"labels: {', '.join(result['labels'])}", f"model {result['name']}, sha256 {result['sha256']}"]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
