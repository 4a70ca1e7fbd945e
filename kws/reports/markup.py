"""Pieces of HTML; every text that may come from elsewhere is escaped here."""

import html
import re
from collections.abc import Iterable, Sequence


class Markup(str):
    """HTML as it is; any other text is escaped."""


def text(value: object) -> str:
    """A cell's or a paragraph's content."""
    return value if isinstance(value, Markup) else html.escape(str(value))


def paragraph(value: object, kind: str = "") -> Markup:
    """A paragraph, of a class of the page's style."""
    return Markup(f"<p{_class(kind)}>{text(value)}</p>")


def absent(what: str, remedy: str) -> Markup:
    """The line that stands where something was not measured; no flag in it is broken at its hyphens."""
    whole = re.sub(r"--[\w=]+", lambda found: f'<span class="flag">{found[0]}</span>', html.escape(remedy))
    return paragraph(Markup(f"{html.escape(what)}: not measured. {whole}"), "absent")


def heading(title: str, level: int = 3) -> Markup:
    """A heading within a section."""
    return Markup(f"<h{level}>{html.escape(title)}</h{level}>")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], left: int = 1, kind: str = "") -> Markup:
    """A table that scrolls by itself where it is wide: the first `left` columns are text, the others numbers."""

    def line(cells: Sequence[object], tag: str) -> str:
        return "".join(
            f"<{tag}{_class('' if number < left else 'number')}>{text(cell)}</{tag}>"
            for number, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return Markup(
        f'<div class="scroll" tabindex="0"><table{_class(kind)}><thead><tr>{line(head, "th")}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(drawing: Markup, caption: str) -> Markup:
    """A drawing with what it shows."""
    return Markup(f"<figure>{drawing}<figcaption>{html.escape(caption)}</figcaption></figure>")


def section(name: str, title: str, parts: Iterable[str]) -> Markup:
    """A section of the page, which links can name."""
    return Markup(f'<section id="{name}"><h2>{html.escape(title)}</h2>{"".join(parts)}</section>')


def side_by_side(parts: Iterable[tuple[str, str]]) -> Markup:
    """Titled parts beside each other, below each other on a narrow screen; one alone has no title."""
    shown = list(parts)
    if len(shown) == 1:
        return Markup(shown[0][1])
    inner = "".join(f"<div>{heading(title)}{content}</div>" for title, content in shown)
    return Markup(f'<div class="side">{inner}</div>')


def stacked(parts: Iterable[tuple[str, str]]) -> Markup:
    """Titled parts below each other, for wide tables; one alone has no title."""
    shown = list(parts)
    if len(shown) == 1:
        return Markup(shown[0][1])
    return Markup("".join(heading(title) + content for title, content in shown))


def code(lines: str) -> Markup:
    """Lines of a shell."""
    return Markup(f'<pre tabindex="0">{html.escape(lines)}</pre>')


def audio(wav: str, label: str) -> Markup:
    """A player of a WAV file in base64."""
    about = html.escape(label, quote=True)
    return Markup(f'<audio controls preload="none" aria-label="{about}" src="data:audio/wav;base64,{wav}"></audio>')


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
