"""Figures as SVG within a page, in the page's own colours, so that they follow its light and its dark."""

import html
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from kws.figures import style
from kws.reports.markup import Markup

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), style.INK),
}
_COLOURS = {style.INK: "ink", style.GRID: "rule", **{colour: f"s{i}" for i, colour in enumerate(style.PALETTE)}}


def svg(name: str, title: str, draw: Callable[[], Figure]) -> Markup:
    """What `draw` draws; `name` is the page's own for it, so that no two drawings share an id."""
    content = io.StringIO()
    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        draw().savefig(content, format="svg", transparent=True, metadata={"Date": None})
    text = content.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<(?:g|path|use|clipPath|defs)[^>]*? id=")', rf"\1{name}-", text)
    text = re.sub(r"((?:url\(#|href=\"#))", rf"\1{name}-", text)
    for colour, variable in _COLOURS.items():
        text = text.replace(colour, f"var(--{variable})")
    width = re.search(r'width="([0-9.]+)pt"', text)
    assert width
    text = re.sub(r'width="[0-9.]+pt" height="[0-9.]+pt"|height="[0-9.]+pt" width="[0-9.]+pt"', "", text, count=1)
    size = f'style="max-width: {float(width[1]) * 4 / 3:.0f}px"'
    label = html.escape(title, quote=True)
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{label}" {size}', 1))
