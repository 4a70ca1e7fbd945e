"""The front as a plot: loss over each cost."""

import pathlib
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from kws.bits.bits_error import BitsError
from kws.bits.search import FLASH, INSTRUCTIONS, RAM

_AXES = {
    INSTRUCTIONS: ("millions of instructions per inference", 1e6),
    FLASH: ("kB of flash", 1e3),
    RAM: ("kB of RAM", 1e3),
}


def draw(title: str, rows: Sequence[dict[str, Any]], chosen: dict[str, Any] | None, path: pathlib.Path) -> Figure:
    """Writes the plot.

    Args:
      rows: the front, with `loss` and the costs each.
      chosen: a row that is marked; None for none.

    Raises:
      BitsError: the file can't be written.
    """
    figure = Figure((13, 4.5), layout="constrained")
    figure.suptitle(title)
    for axes, (name, (label, unit)) in zip(figure.subplots(1, len(_AXES), sharey=True), _AXES.items(), strict=True):
        axes.plot([row[name] / unit for row in rows], [row["loss"] for row in rows], "o", label="front")
        if chosen:
            axes.plot(chosen[name] / unit, chosen["loss"], "s", markersize=10, fillstyle="none", label="chosen")
        axes.set(xlabel=label, yscale="log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
        axes.grid(which="both", alpha=0.3)
    figure.axes[0].set_ylabel("loss: sum of the layers' divergences, nats")
    figure.axes[0].legend()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:  # ValueError: a suffix that is no kind of picture
        raise BitsError(f"plot={path} can't be written: {error}") from error
    return figure
