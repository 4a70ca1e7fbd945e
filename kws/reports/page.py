"""The page: sections in order, in one file that needs nothing else."""

import html
import pathlib
import re
import shlex
from collections.abc import Sequence

from kws.reports import accuracy, board_fit, charts, device, drawing, markup
from kws.reports.markup import Markup
from kws.reports.measured import Verification
from kws.reports.report_error import ReportError
from kws.reports.subject import Subject

LARGEST = 5_000_000
"""Bytes of a page."""
_TEMPLATE = pathlib.Path(__file__).with_name("page.html")


def write(subjects: Sequence[Subject], command: Sequence[str]) -> str:
    """The page as HTML.

    Args:
      command: the line that made it.

    Raises:
      ReportError: it would be larger than `LARGEST`.
    """
    titles = ", ".join(subject.title for subject in subjects)
    sections = [
        verdict(subjects),
        accuracy.accuracy(subjects),
        accuracy.confusion(subjects),
        accuracy.trade_off(subjects),
        accuracy.false_alarms(subjects),
        accuracy.conditions(subjects),
        device.boards(subjects),
        device.costs(subjects),
        device.proof(subjects),
        device.formats(subjects),
        device.weights(subjects),
        training(subjects),
        accuracy.mistakes(subjects),
        environment(subjects, command),
    ]
    found = {"title": html.escape(f"Report on {titles}"), "sections": "\n".join(sections)}
    text = re.sub(r"\{\{(\w+)\}\}", lambda place: found[place[1]], _TEMPLATE.read_text(encoding="utf-8"))
    if len(text.encode()) > LARGEST:
        raise ReportError(f"bundle={','.join(s.title for s in subjects)} make a page of more than 5 MB: give fewer")
    return text


def verdict(subjects: Sequence[Subject]) -> Markup:
    """A line or two about each bundle: what it recognizes, whether it is proved, what it fits."""
    parts = [(subject.title, _verdict(subject)) for subject in subjects]
    return markup.section("verdict", "Verdict", [markup.side_by_side(parts)])


def _verdict(subject: Subject) -> Markup:
    model = subject.bundle.model
    lines = [accuracy.verdict(subject), _proof(subject.result(Verification))]
    lines.append(_boards(subject))
    words = [label for label in model.labels if not label.startswith("_")]
    of = f"{len(model.labels)} classes" + (f", of them {len(words)} words ({', '.join(words)})" if words else "")
    lines.append(f"{of}, {model.macs:,} MAC an inference, sha256 {model.sha256[:16]}.")
    return Markup("".join(markup.paragraph(line) for line in lines))


def _boards(subject: Subject) -> str:
    """How many boards it fits, by what was measured."""
    fits = board_fit.fits(subject)
    if not device.is_counted(subject):
        count = sum(fit.fits for fit in fits)
        memory = "No firmware was measured: its arena, stack and constants alone fit into the memory of"
        return f"{memory} {count} of the {len(fits)} boards below."
    answers = [fit.answer for fit in fits]
    line = f"It fits {answers.count('yes')} of the {len(fits)} boards below"
    if unknown := answers.count("in memory"):
        line += f", and {unknown} more in memory, for whose cores no cycles are estimated"
    if all(fit.listening is None for fit in fits):
        line += "; an inference alone, for listening was not counted (microcontroller.bench --streaming)"
    return line + "."


def _proof(found: Verification | None) -> str:
    if found is None:
        return "Whether its implementations agree was not proved for this report."
    codes = sum(pair.codes for pair in found.pairs)
    if found.mismatches:
        return f"{found.mismatches:,} of {codes:,} codes differ from the exact interpreter: do not use it."
    return f"Proved: all {codes:,} codes compared equal the exact interpreter's."


def training(subjects: Sequence[Subject]) -> Markup:
    """Loss and validation accuracy by epoch."""
    histories = [(subject.title, subject.history) for subject in subjects if subject.history]
    if not histories:
        parts = [
            markup.absent("Training curves", "Give the report --run_dir=R, the run that the bundle was converted from.")
        ]
    else:
        picture = drawing.svg("training", "Loss and accuracy by epoch", lambda: charts.training(histories))
        parts = [markup.figure(picture, "A value per epoch, of both stages behind each other.")]
    return markup.section("training", "Training", parts)


def environment(subjects: Sequence[Subject], command: Sequence[str]) -> Markup:
    """What the bundles were made with, and the commands that make them and this page again."""
    parts: list[str] = []
    for subject in subjects:
        parts.append(markup.heading(subject.title))
        known = subject.bundle.training.get("environment")
        if isinstance(known, dict) and known:
            parts.append(markup.table(("made with", "version"), [(name, str(value)) for name, value in known.items()]))
        line = subject.bundle.training.get("command")
        parts.append(
            markup.code(line) if isinstance(line, str) else markup.paragraph("Its commands are not known.", "note")
        )
    parts += [markup.heading("This page"), markup.code(shlex.join(command))]
    return markup.section("environment", "Environment and commands", parts)
