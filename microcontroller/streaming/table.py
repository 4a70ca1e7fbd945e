"""The streaming bench's result for a person."""

from typing import Any

from kws_cli.table import aligned

_NAMES = {"frontend": "front end", "network": "network", "detector": "detector"}


def table(result: dict[str, Any]) -> str:
    """Text of what `measurement.measure` returned."""
    played, per_second, ram, flash = (
        result[key] for key in ("recording", "instructions_per_second_of_audio", "ram_sections", "flash_sections")
    )
    rows = [["", "calls", "instructions per call", "most", "per second of audio", "share"]]
    for part, name in _NAMES.items():
        calls, count = result["calls"][part], per_second[part]
        share = f"{count / per_second['total']:.1%}"
        rows.append([name, f"{calls['calls']:,}", f"{calls['mean']:,}", f"{calls['most']:,}", f"{count:,}", share])
    rows.append(["total", "", "", "", f"{per_second['total']:,}", "100%"])
    heard = [f"{item['seconds']:9.2f} s  {item['keyword']}" for item in result["detections"]]
    return "\n".join(
        [
            f"{result['bundle']} on {result['board']}, {result['compiler']}",
            f"emulator: {result['emulator']} ({result['emulator_reason']}), {result['emulator_version']}",
            f"recording: {played['name']}; {played['seconds']:.2f} s, {played['hops']:,} hops, "
            f"{played['steps']:,} steps",
            f"profile {result['profile']}: {result['origin']}",
            "",
            *aligned(rows, left=1),
            "(instructions, not cycles and not time)",
            f"counter: {result['counter']}",
            _clock(result),
            "",
            f"RAM   {result['ram_bytes']:>9,} bytes: front end {ram['frontend']:,}, network {ram['network']:,}, "
            f"detector {ram['detector']:,}, frames {ram['frames']:,}, scratch {ram['scratch']:,}, "
            f"stack {ram['stack']:,}",
            f"flash {result['flash_bytes']:>9,} bytes: model and engine {flash['model_and_engine']:,}, "
            f"harness {flash['harness']:,}, C library {flash['library']:,}",
            "",
            f"detections: {len(heard)}",
            *heard,
            f"steps compared with the host: {played['steps']:,}; logit codes that differ: "
            f"{result['mismatching_logits']}, detections that differ: {result['mismatching_detections']}",
            *(_difference(wrong) for wrong in result["mismatch_examples"]),
        ]
    )


def _clock(result: dict[str, Any]) -> str:
    """The clock that keeps up, or why it is not known."""
    if result["mhz_to_keep_up"] is None:
        return f"MHz to keep up: {result['mhz_note']}"
    cycles = f"{result['estimated_cycles_per_second_of_audio']:,} estimated cycles per second of audio"
    return f"MHz to keep up: {result['mhz_to_keep_up']:.2f} ({cycles}; {result['mhz_note']})"


def _difference(wrong: dict[str, Any]) -> str:
    if "logit" in wrong:
        return f"  step {wrong['step']}, logit {wrong['logit']}: {wrong['device']}, expected {wrong['expected']}"
    return (
        f"  step {wrong['step']}: detected {wrong['detected'] or 'nothing'}, expected {wrong['expected'] or 'nothing'}"
    )
