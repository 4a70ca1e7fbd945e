"""Drawings are the same again, and colours have contrast in light and dark."""

import pathlib
import re

import numpy as np

from kws.reports import charts, drawing, measured

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent


def test_a_drawing_is_the_same_again_and_in_the_pages_colours() -> None:
    curve = measured.Det([0.5, 0.1, 0.0], [0.001, 0.01, 1.0])
    one, two = (drawing.svg("det", "A title", lambda: charts.det([("$x_", curve), ("b", curve)])) for _ in range(2))
    assert one == two
    assert "var(--s0)" in one and "var(--s1)" in one and "var(--ink)" in one and not re.search("#0072b2|#1a1a1a", one)
    assert "$x_" in one and 'aria-label="A title"' in one


def luminance(colour: str) -> float:
    """Relative, of WCAG 2."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_text_and_lines_have_contrast_in_light_and_dark() -> None:
    style = (ROOT / "kws" / "reports" / "page.html").read_text()
    schemes = [
        dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("@media (prefers-color-scheme: dark)")
    ]
    assert len(schemes) == 2
    for colours in schemes:
        for name, least in {"ink": 7.0, "muted": 4.5, **{f"s{i}": 3.0 for i in range(7)}}.items():
            for ground in ("paper", "shade"):
                low, high = sorted((luminance(colours[name]), luminance(colours[ground])))
                assert (high + 0.05) / (low + 0.05) >= least, (name, ground)
