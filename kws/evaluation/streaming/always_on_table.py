"""`always_on.evaluate`'s figures for a person."""

from typing import Any

from kws.evaluation.streaming.always_on_figures import ALL, TARGETS, WITHOUT_SPEECH
from kws.evaluation.streaming.hearing import CONDITIONS, NOISY, QUIET

UPPER_BOUND = "upper bound: the recordings have no transcripts"


def table(result: dict[str, Any]) -> str:
    """All tables, one below the other."""
    head = (
        f"{result['bundle']} on {result['dataset']} {result['split']} and {result['negatives'][ALL]['hours']:.2f} "
        f"hours of negatives (seed {result['seed']}), at the bundle's own thresholds; intervals of 95 %"
    )
    return "\n".join([head, *_alarms(result), *_words(result), *_keywords(result), *_targets(result)])


def _alarms(result: dict[str, Any]) -> list[str]:
    lines = [f"{'false alarms':18}{'hours':>7}{'count':>7}{'per hour':>10}  {'interval':16}"]
    for group, values in result["negatives"].items():
        lower, upper = values["interval"]
        said = f"  {UPPER_BOUND}" if values["upper_bound"] else ""
        lines.append(
            f"{group:18}{values['hours']:7.2f}{values['false_alarms']:7d}{values['per_hour']:10.2f}  "
            f"{f'{lower:.2f} to {upper:.2f}':16}{said}".rstrip()
        )
    if result["maybe_said"] and any(values["upper_bound"] for values in result["negatives"].values()):
        words = ", ".join(result["maybe_said"])
        lines.append(f"  speech may hold {words}: name what nobody says in --negatives_without")
    return lines


def _words(result: dict[str, Any]) -> list[str]:
    rooms = ", ".join(f"{room['rt60_seconds']:.2f} s" for room in result["rooms"])
    words = result["words"]
    first = words[QUIET.name]
    speakers = "1 speaker" if first["speakers"] == 1 else f"{first['speakers']} speakers"
    lines = [
        f"{first['spoken']} keywords of {speakers}, each alone in a stream; reverberant: RT60 {rooms}",
        f"{'missed':24}{'all':>9}  {'interval':18}{'another keyword':>16}",
    ]
    for condition in CONDITIONS:
        values = words[condition.name]
        interval = " to ".join(_percent(end) for end in values["interval"]) if values["interval"] else "(one speaker)"
        lines.append(
            f"{condition.name:24}{_percent(values['miss_rate']):>9}  {interval:18}"
            f"{_percent(values['taken_for_another']):>16}"
        )
    others = result["other_words"]
    if others is not None:
        taken = _percent(others["taken_for_a_keyword"])
        lines.append(f"{others['spoken']} other words, {QUIET.name}: {taken} taken for a keyword")
    return lines


def _keywords(result: dict[str, Any]) -> list[str]:
    names = [condition.name for condition in CONDITIONS if not condition.reverberant]
    lines = [f"{'missed by keyword':20}{'spoken':>8}" + "".join(f"{name:>9}" for name in names) + f"{'alarms':>9}"]
    alarms = result["negatives"][ALL]["keywords"]
    for keyword, values in result["words"][QUIET.name]["keywords"].items():
        rates = [result["words"][name]["keywords"][keyword]["miss_rate"] for name in names]
        cells = "".join(f"{_percent(rate):>9}" for rate in rates)
        lines.append(f"{keyword:20}{values['spoken']:8d}{cells}{alarms[keyword]:9d}")
    return lines


def _targets(result: dict[str, Any]) -> list[str]:
    lines = ["missed where all thresholds are moved together, at most so many false alarms per hour:"]
    lines.append(f"{'of':18}{'missed':10}" + "".join(f"{target:>9g}" for target in TARGETS))
    for group in (ALL, WITHOUT_SPEECH):
        for condition in (QUIET.name, NOISY.name):
            if group in result["at_false_alarms_per_hour"]:
                found = result["at_false_alarms_per_hour"][group]
                cells = "".join(f"{_percent(found[f'{target:g}'][condition]):>9}" for target in TARGETS)
                lines.append(f"{group:18}{condition:10}{cells}")
    return lines


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f} %"
