"""The sections about what is recognized: accuracy, confusion, trade-offs, conditions, mistakes."""

import functools
from collections.abc import Sequence
from typing import Any

from kws.reports import charts, drawing, markup, measured
from kws.reports.markup import Markup
from kws.reports.measured import AlwaysOn, Clips, Composed, Conditions
from kws.reports.mistakes import Mistake
from kws.reports.report_error import ReportError
from kws.reports.subject import Subject

UNKNOWN = "-"
"""Stands where a table has no figure."""
_RATE = "0.05"
EVALUATE = (
    "python -m kws.evaluate --bundle=B --data_dir=D --json=F, then --measured=F; or give the report --data_dir=D."
)


def clips_of(subject: Subject) -> Clips | None:
    """Measured for this report, or else when the bundle was trained; None where neither is, or is of no use."""
    found = subject.result(Clips)
    if found is not None:
        return found
    values = _kept(subject)
    if not isinstance(values, dict):
        return None
    about: dict[str, Any] = {
        "model_sha256": subject.bundle.model.sha256,
        "dataset": "the dataset it was trained with",
        "split": "testing",
    }
    about |= {"labels": list(subject.bundle.labels), "intervals": {}, "computed_by": "kws.train"}
    about["float"] = _kept_of_float(subject, values.get("clips"))
    try:
        return measured.shaped(values | about, Clips, "metrics.json", "kws.train")
    except ReportError:
        return None


def _kept(subject: Subject, model: str = "fixed_point") -> Any:
    """What the bundle's own metrics.json has about testing; None where that is nothing."""
    stage = subject.bundle.metrics.get(model)
    return stage.get("testing") if isinstance(stage, dict) else None


def _kept_of_float(subject: Subject, clips: Any) -> dict[str, Any] | None:
    """The same of the float model, where it heard as many clips."""
    values = _kept(subject, "float")
    return values if isinstance(values, dict) and values.get("clips") == clips else None


def verdict(subject: Subject) -> str:
    """A sentence about the accuracy, also where it is unknown."""
    found = clips_of(subject)
    if found:
        ends = found.intervals.get("accuracy")
        spread = f" (95 %: {interval(ends)})" if ends else ""
        return f"{percent(found.accuracy)} of {found.clips:,} clips are right{spread}."
    if _kept(subject) is None:
        return "Its accuracy was not measured."
    return (
        "Its accuracy is not known: what its metrics.json says of testing is damaged, or no number. Measure it again."
    )


def percent(value: float | None, digits: int = 2) -> str:
    return UNKNOWN if value is None else f"{100 * value:.{digits}f} %"


def interval(ends: Sequence[float] | None) -> str:
    return UNKNOWN if ends is None else f"{100 * ends[0]:.2f} to {100 * ends[1]:.2f} %"


def accuracy(subjects: Sequence[Subject]) -> Markup:
    """Accuracy, and error rates of detection, with intervals over speakers."""
    head = ("", "clips", "accuracy", "95 % interval", "float", "FDR at 5 % FRR", "95 % interval", "measured by")
    rows = []
    for subject in subjects:
        found = clips_of(subject)
        if found is None:
            rows.append((subject.title, *[UNKNOWN] * (len(head) - 1)))
            continue
        rows.append(
            (
                subject.title,
                f"{found.clips:,}",
                percent(found.accuracy),
                interval(found.intervals.get("accuracy")),
                percent(found.float_model.accuracy if found.float_model else None),
                percent(found.false_discovery_rate_at_false_reject_rate.get(_RATE)),
                interval(found.intervals.get("false_discovery_rate")),
                f"{found.computed_by}, {found.dataset}: {found.split}",
            )
        )
    note = "Intervals: bootstrap over speakers. FDR: the share of false among all detections; FRR: of keywords missed."
    parts = [markup.table(head, rows), markup.paragraph(note, "note")]
    if not all(subject.result(Clips) for subject in subjects):
        parts.append(markup.absent("Intervals", EVALUATE))
    return markup.section("accuracy", "Accuracy", parts)


def confusion(subjects: Sequence[Subject]) -> Markup:
    """Spoken against recognized, in counts, coloured by the share of the row."""
    parts = []
    for subject in subjects:
        found = clips_of(subject)
        shown = _confusion(found) if found else markup.absent("Confusion", EVALUATE)
        parts.append((subject.title, shown))
    note = "Rows: spoken. Columns: recognized. Stronger colour: a larger share of the row. At the end: recall."
    legend = [markup.paragraph(note, "note")] if any(map(clips_of, subjects)) else []
    return markup.section("confusion", "Confusion", [markup.side_by_side(parts), *legend])


def _confusion(found: Clips) -> Markup:
    rows = []
    for label, counts in zip(found.labels, found.confusion, strict=False):
        spoken = sum(counts) or 1
        cells = [Markup(f'<span style="--share: {count / spoken:.3f}">{count or ""}</span>') for count in counts]
        recall = found.recall.get(label)
        rows.append((label, *cells, UNKNOWN if recall is None else f"{100 * recall:.0f}"))
    return markup.table(("", *found.labels, "recall, %"), rows, kind="confusion")


def trade_off(subjects: Sequence[Subject]) -> Markup:
    """The DET curves in one figure."""
    curves = [(subject.title, found.det) for subject in subjects if (found := clips_of(subject))]
    if not curves:
        return markup.section("det", "Detection error trade-off", [markup.absent("The trade-off", EVALUATE)])
    title = "Detection error trade-off"
    picture = drawing.svg("det", title, lambda: charts.det(curves))
    caption = (
        "Misses of keywords over false alarms, clip by clip, all keywords pooled; both on the scale of normal deviates."
    )
    return markup.section("det", title, [markup.figure(picture, caption)])


def false_alarms(subjects: Sequence[Subject]) -> Markup:
    """What the detector does when it is kept switched on."""
    heard = [(subject.title, found) for subject in subjects if (found := subject.result(AlwaysOn))]
    composed = [(subject.title, one) for subject in subjects if (one := subject.result(Composed))]
    parts: list[str] = []
    if heard:
        rows = [
            (title, kind, f"{group.hours:.2f}", str(group.false_alarms), f"{group.per_hour:.2f}", _per_hour(group))
            for title, found in heard
            for kind, group in found.negatives.items()
        ]
        parts.append(markup.table(("", "recordings", "hours", "false alarms", "per hour", "95 % interval"), rows, 2))
        misses = [
            (title, name, f"{words.spoken:,}", percent(words.miss_rate), interval(words.interval))
            for title, found in heard
            for name, words in found.words.items()
        ]
        parts.append(markup.table(("", "words said alone", "spoken", "missed", "95 % interval"), misses, 2))
        picture = drawing.svg("always-on", "Misses over false alarms per hour", lambda: charts.always_on(heard))
        parts.append(
            markup.figure(picture, "Along a shift of all thresholds; the marks are the bundles' own detectors.")
        )
    if composed:
        head = ("", "hours composed of clips", "false alarms per hour", "missed")
        parts.append(markup.table(head, [_composed_row(title, one) for title, one in composed]))
    if not parts:
        remedy = "python -m kws.evaluate --bundle=B --data_dir=D --streaming --negatives=N --json=F, then --measured=F."
        parts = [markup.absent("False alarms per hour", remedy)]
    return markup.section("false-alarms", "False alarms per hour", parts)


def _composed_row(title: str, result: Composed) -> tuple[str, str, str, str]:
    own = result.integer.detector
    return title, f"{result.hours:.2f}", f"{own.false_alarms_per_hour:.2f}", percent(own.miss_rate)


def _per_hour(group: measured.Negatives) -> str:
    return f"{group.interval[0]:.2f} to {group.interval[1]:.2f}" + (" (at most)" if group.upper_bound else "")


def conditions(subjects: Sequence[Subject]) -> Markup:
    """Accuracy by gain, noise and room."""
    found = {id(result): result for subject in subjects if (result := subject.result(Conditions))}
    remedy = "python -m kws.evaluate --bundle=B --data_dir=D --conditions --json=F, then --measured=F."
    parts: list[str] = []
    for number, result in enumerate(found.values()):
        rows = [(row.condition, f"{row.clips:,}", *map(percent, row.correct)) for row in result.rows]
        draw = functools.partial(charts.conditions, result)
        picture = drawing.svg(f"conditions{number}", "Accuracy by gain and noise", draw)
        parts.append(markup.figure(picture, f"Share of clips that are right, {result.dataset} {result.split}."))
        parts.append(markup.table(("condition", "clips", *result.models), rows))
    parts = parts or [markup.absent("Accuracy by gain, noise and room", remedy)]
    return markup.section("conditions", "Gain, noise and room", parts)


def mistakes(subjects: Sequence[Subject]) -> Markup:
    """The clips that each network is most wrong about, with players."""
    parts = []
    for subject in subjects:
        heard = subject.mistakes
        if heard is None:
            shown = markup.absent("The worst mistakes", "Give the report --data_dir=D, whose clips it then hears.")
        elif not heard:
            shown = markup.paragraph("No mistake in this split.")
        else:
            shown = markup.table(("listen", "is", "taken for", "posterior", "clip"), map(_mistake_row, heard), 3)
        parts.append((subject.title, shown))
    return markup.section("mistakes", "Worst mistakes", [markup.side_by_side(parts)])


def _mistake_row(mistake: Mistake) -> tuple[str, ...]:
    player = markup.audio(mistake.wav, mistake.name)
    return player, mistake.label, mistake.taken_for, percent(mistake.posterior, 1), mistake.name
