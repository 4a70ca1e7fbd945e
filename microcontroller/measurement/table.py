"""The bench's result for a person: one engine in full, or several side by side."""

from typing import Any

from kws_cli.table import aligned
from microcontroller.measurement.engines import CMSIS_NN


def table(result: dict[str, Any]) -> str:
    """Text of what `bench.measure` returned."""
    head = [
        f"{result['bundle']} on {result['board']}, {result['compiler']}",
        f"emulator: {result['emulator']} ({result['emulator_reason']}), {result['emulator_version']}",
        "",
    ]
    body = _one(result) if len(result["engines"]) == 1 else _side_by_side(result["engines"])
    return "\n".join([*head, *body, *(line for engine in result["engines"] for line in _differences(engine))])


def _one(result: dict[str, Any]) -> list[str]:
    total = result["instructions_per_inference"]
    rows = [["layer", "op", "MAC", "est. cycles", "per MAC", "instructions", "per MAC", "share"]]
    for layer in result["layers"]:
        share = f"{layer['instructions'] / total:.1%}"
        rows.append([layer["name"], layer["op"], *_costs(layer, layer["instructions"]), share])
    rows.append(["inference", "", *_costs(result, total), "100%"])
    if result["estimated_cycles"] is None:
        rows = [row[:3] + row[5:] for row in rows]
    ram, flash = result["ram_sections"], result["flash_sections"]
    return [
        f"engine {_named(result)}: {result['origin']}",
        *aligned(rows, left=2),
        _counted(result),
        f"counter: {result['counter']}",
        f"estimated cycles: {result['estimated_cycles_note']}",
        "",
        f"RAM   {result['ram_bytes']:>9,} bytes: arena {ram['arena']:,}, engine {ram['engine']:,}, "
        f"harness {ram['harness']:,}, stack {ram['stack']:,}",
        f"flash {result['flash_bytes']:>9,} bytes: model and engine {flash['model_and_engine']:,}, "
        f"harness {flash['harness']:,}, C library {flash['library']:,}",
        f"logit codes that differ from the exact interpreter ({result['rounding']} rounding): {result['mismatches']}",
    ]


def _costs(of: dict[str, Any], instructions: int) -> list[str]:
    """MAC, estimated cycles, instructions, and both per MAC."""
    macs, cycles = of["macs"], of["estimated_cycles"]
    per_mac = [f"{count / macs:.2f}" if macs and count is not None else "-" for count in (cycles, instructions)]
    return [f"{macs:,}", _number(cycles), per_mac[0], f"{instructions:,}", per_mac[1]]


def _side_by_side(engines: list[dict[str, Any]]) -> list[str]:
    with_cycles = [engine["estimated_cycles"] is not None for engine in engines]
    title = ["", "MAC"]
    for engine, cycles in zip(engines, with_cycles, strict=True):
        title += [f"{engine['engine']}, est. cycles", "instructions"] if cycles else [engine["engine"]]
    rows = [title]

    nothing = [""] * len(engines)

    def add(name: str, macs: str, instructions: list[str], cycles: list[str]) -> None:
        row = [name, macs]
        for text, estimate, known in zip(instructions, cycles, with_cycles, strict=True):
            row += [estimate, text] if known else [text]
        rows.append(row)

    add("profile", "", [engine["profile"] or "-" for engine in engines], nothing)
    for i, layer in enumerate(engines[0]["layers"]):
        measured = [engine["layers"][i] for engine in engines]
        add(
            layer["name"],
            f"{layer['macs']:,}",
            [f"{each['instructions']:,}" for each in measured],
            [_number(each["estimated_cycles"]) for each in measured],
        )
    add(
        "inference",
        f"{engines[0]['macs']:,}",
        [f"{engine['instructions_per_inference']:,}" for engine in engines],
        [_number(engine["estimated_cycles"]) for engine in engines],
    )
    if engines[0]["ratio_to_cmsis_nn"] is not None:
        add(
            f"ratio to {CMSIS_NN}",
            "",
            [f"{engine['ratio_to_cmsis_nn']:.3f}" for engine in engines],
            [_ratio(engine["cycles_ratio_to_cmsis_nn"]) for engine in engines],
        )
    sections = [engine["flash_sections"] for engine in engines]
    for name, counts in (
        ("arena bytes", [engine["arena_bytes"] for engine in engines]),
        ("stack bytes", [engine["stack_bytes"] for engine in engines]),
        ("flash: code", [section.get("engine_text", 0) for section in sections]),
        ("flash: weights, tables", [section.get("model_rodata", 0) for section in sections]),
        ("flash: C library", [section["library"] for section in sections]),
        ("flash: harness", [section["harness"] for section in sections]),
        ("differing logit codes", [engine["mismatches"] for engine in engines]),
    ):
        add(name, "", [f"{count:,}" for count in counts], nothing)
    lines = aligned(rows, left=1)
    lines.append(_counted(engines[0]))
    lines.append(f"counter: {engines[0]['counter']}")
    for note in dict.fromkeys(engine["estimated_cycles_note"] for engine in engines):
        lines.append(f"estimated cycles: {note}")
    lines += [
        f"{_named(e)}: {e['origin']}; compared with the exact interpreter, {e['rounding']} rounding" for e in engines
    ]
    return lines


def _named(engine: dict[str, Any]) -> str:
    return engine["engine"] + (f", profile {engine['profile']}" if engine["profile"] else "")


def _counted(engine: dict[str, Any]) -> str:
    low, high = engine["instructions_min"], engine["instructions_max"]
    return (
        f"(mean of {engine['inferences']} inferences, {low:,} to {high:,} for {engine['engine']}; "
        "instructions, not cycles and not time)"
    )


def _differences(engine: dict[str, Any]) -> list[str]:
    return [
        f"  {engine['engine']}: clip {wrong['clip']}, logit {wrong['logit']}: {wrong['device']}, "
        f"expected {wrong['expected']}"
        for wrong in engine["mismatch_examples"]
    ]


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
