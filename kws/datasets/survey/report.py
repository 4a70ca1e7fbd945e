"""The survey as one HTML file of bounded size, with the suspicious clips to listen to; it loads nothing else.

Whatever a file is called, its name is text: everything is escaped, and no script could run.
"""

import base64
import html
import io
import pathlib
import string
import wave
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from kws.datasets.clip import SAMPLE_RATE, SPLITS, Dataset
from kws.datasets.survey.duplicates import KINDS, Place
from kws.datasets.survey.survey import FAULTS, Row, Survey

_TEMPLATE = pathlib.Path(__file__).with_name("report.html")
# Of sound in the page, before base64, shared by the kinds of findings; and rows of a list.
_MOST_AUDIO_BYTES = 3_000_000
_MOST_ROWS = 200
_COLUMNS = 150
_LEGENDS = {
    "silent": "below -60 dB of full scale: nothing is said, or the microphone was off.",
    "clipped": "more than 0.1 % of the samples are at a flat peak: recorded at too high a level.",
    "noisy": "the word is less than 6 dB above what lies around it.",
    "quiet": "below -45 dB of full scale: far away, or recorded at a low level.",
    "cut off": "loud up to an edge of the clip: the beginning or the end of the word is missing.",
    "two words": "one of the labels is wrong.",
    "two splits": "accuracy is flattered by what was trained on.",
    "two speakers": "one of the names is wrong.",
    "twice": "they count as one.",
}

Item = TypeVar("Item")


def page(found: Survey) -> str:
    """The file's content, at most some 5 MB."""
    dataset, escaped = found.dataset, html.escape
    speakers = {speaker for clips in dataset.splits.values() for speaker in clips.speakers} - {""}
    clips = sum(map(len, dataset.splits.values()))
    summary = f"{clips:,} clips, {len(speakers):,} speakers, {len(found.findings):,} clips look wrong"
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        where=escaped(_text(found.where)),
        summary=summary,
        problems="".join(f'<p class="problem">{escaped(_text(line))}</p>' for line in found.problems[:_MOST_ROWS]),
        table=_table(found.rows),
        sections="\n".join(_sections(found)),
    )


def _table(rows: tuple[Row, ...]) -> str:
    head = ("word", "label", *SPLITS, "speakers", "level", "SNR", *FAULTS)
    lines = ["".join(f"<th>{title}</th>" for title in head)]
    words: dict[str, dict[str, Row]] = {}
    for row in rows:
        words.setdefault(row.word, {})[row.split] = row
    lines += [_line(of_word) for of_word in list(words.values())[:_MOST_ROWS]]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _line(rows: dict[str, Row]) -> str:
    whole = rows["all"]
    counts = [str(rows[split].clips) if split in rows else "" for split in SPLITS]
    levels = [f"{values[1]:.0f} ({values[0]:.0f})" for values in (whole.level_db, whole.snr_db)]
    cells = [_text(whole.word), _text(whole.label), *counts, str(whole.speakers), *levels]
    faults = [f'<td class="bad">{count}</td>' if (count := whole.faults[fault]) else "<td></td>" for fault in FAULTS]
    return "".join([*(f"<td>{html.escape(cell)}</td>" for cell in cells), *faults])


def _sections(found: Survey) -> list[str]:
    groups: dict[str, list[tuple[str, list[Place]]]] = {}
    for kind in KINDS:
        groups[kind] = [("", list(each.places)) for each in found.duplicates if each.kind == kind]
    for fault in FAULTS:
        groups[fault] = [
            (f"{each.level_db:.0f} dB, SNR {each.snr_db:.0f} dB", [each.place])
            for each in found.findings
            if each.faults[0] == fault
        ]
    groups = {kind: members for kind, members in groups.items() if members}
    length = next(iter(found.dataset.splits.values())).samples.shape[1]
    shown = max(1, _MOST_AUDIO_BYTES // (2 * length * max(len(groups), 1)))
    of_name = _samples_by_name(found.dataset, [members for members in groups.values()])
    sections = [_group(kind, members, shown, of_name) for kind, members in groups.items()]
    dataset = found.dataset
    sections.append(_list("skipped", [f"{file}: {reason}" for file, reason in dataset.skipped]))
    sections.append(_list("cut into several clips", [f"{file}: {clips} clips" for file, clips in dataset.divided]))
    return sections


def _samples_by_name(dataset: Dataset, groups: list[list[tuple[str, list[Place]]]]) -> dict[str, np.ndarray]:
    wanted = {place.name for members in groups for _, places in members for place in places[:1]}
    return {
        name: clips.samples[index]
        for clips in dataset.splits.values()
        for index, name in enumerate(clips.names)
        if name in wanted
    }


def _group(kind: str, members: list[tuple[str, list[Place]]], shown: int, of_name: dict[str, np.ndarray]) -> str:
    title = f"The same clip: {kind}" if kind in KINDS else kind.capitalize()
    chosen = _spread(members, shown)
    note = f", {len(chosen)} of them here" if len(chosen) < len(members) else ""
    figures = "".join(_figure(text, places, of_name[places[0].name]) for text, places in chosen)
    legend = html.escape(_LEGENDS[kind])
    return f'<h2>{title} ({len(members):,}{note})</h2><p class="soft">{legend}</p><div class="clips">{figures}</div>'


def _spread(members: Sequence[Item], count: int) -> list[Item]:
    """At most `count`, evenly from all of them."""
    places = np.unique(np.linspace(0, len(members) - 1, min(count, len(members))).astype(int))
    return [members[place] for place in places.tolist()]


def _figure(text: str, places: list[Place], samples: np.ndarray) -> str:
    names = "<br>".join(
        f"{html.escape(_text(place.name))} <small>{html.escape(_text(place.speaker))} {place.split}</small>"
        for place in places[:6]
    )
    sound = base64.b64encode(_wav(samples)).decode()
    return (
        f"<figure><figcaption>{names}<br><small>{html.escape(text)}</small></figcaption>{_waveform(samples)}"
        f'<audio controls preload="none" src="data:audio/wav;base64,{sound}"></audio></figure>'
    )


def _wav(samples: np.ndarray) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


def _waveform(samples: np.ndarray) -> str:
    """The extremes of each column, so tall as the clip's own peak, as a drawing 150 x 100."""
    columns = np.array_split(samples.astype(np.float64) / max(1, int(np.abs(samples.astype(np.int32)).max())), _COLUMNS)
    bars = (
        f"M{x} {50 - 48 * np.max(column):.0f}h1V{max(51 - 48 * np.min(column), 51 - 48 * np.max(column)):.0f}h-1z"
        for x, column in enumerate(columns)
    )
    return f'<svg viewBox="0 0 {_COLUMNS} 100" preserveAspectRatio="none"><path d="{"".join(bars)}"/></svg>'


def _list(title: str, texts: list[str]) -> str:
    if not texts:
        return ""
    items = "".join(f"<li>{html.escape(_text(text))}</li>" for text in texts[:_MOST_ROWS])
    more = f"<li>and {len(texts) - _MOST_ROWS:,} more</li>" if len(texts) > _MOST_ROWS else ""
    return f"<h2>{title.capitalize()} ({len(texts):,})</h2><ul>{items}{more}</ul>"


def _text(name: str) -> str:
    """A name of a file that can be written as UTF-8; one may hold bytes that are none."""
    return name.encode("utf-8", "backslashreplace").decode()
