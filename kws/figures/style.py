"""Colours, line styles and ticks.

The colours are those of M. Okabe and K. Ito ("Color Universal Design", 2008), darkened where they have less than 3:1 of
contrast on white; a line's style and marker tell it apart without them.
"""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

PALETTE = ("#0072b2", "#c04a00", "#007a5a", "#a8497d", "#8a6a00", "#3b7ea1", "#5f5f5f")
INK = "#1a1a1a"
GRID = "#d0d0d0"
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_MOST_PLAIN_TICKS = 2
"""Decades of a logarithmic axis, up to which 2 and 5 have ticks, too."""


def line(number: int, *, marked: bool = False) -> dict[str, Any]:
    """The colour and style of the line of this number, and its marker where it is `marked`."""
    found = {"color": PALETTE[number % len(PALETTE)], "linestyle": _STYLES[number % len(_STYLES)]}
    return {**found, "marker": _MARKERS[number % len(_MARKERS)], "markersize": 4} if marked else found


def plain(value: float, _: int = 0) -> str:
    """A tick's number as a person writes it: 90, not 9x10^1."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def plain_logarithmic(axis: Axis, lowest: float, highest: float) -> None:
    """Plain ticks on a logarithmic axis with these ends: at 1, 2 and 5, or at powers of ten where those are many."""
    few = highest / lowest < 10 ** (_MOST_PLAIN_TICKS + 1)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=20))
    axis.set_minor_locator(LogLocator(subs=range(1, 10), numticks=100))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())


def plain_linear(axis: Axis) -> None:
    """Plain ticks, without an offset or a power beside the axis."""
    axis.set_major_formatter(FuncFormatter(plain))


def legend(axes: Axes, **where: Any) -> None:
    """A legend where there is more than one line to tell apart."""
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(fontsize="small", **where)


def grid(axes: Axes) -> None:
    """Thin lines at the ticks that have numbers."""
    axes.grid(which="major", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def figure(width: float, height: float) -> Figure:
    """An empty figure of this many inches, laid out so that nothing is cut."""
    return Figure((width, height), layout="constrained")
