"""The front as a plot: loss over each cost."""

import pathlib
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from kws.bits.bits_error import BitsError
from kws.bits.search import FLASH, INSTRUCTIONS, RAM
from kws.figures import style

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
    figure = style.figure(13, 4.5)
    figure.suptitle(title)
    for axes, (name, (label, unit)) in zip(figure.subplots(1, len(_AXES), sharey=True), _AXES.items(), strict=True):
        axes.plot(
            [row[name] / unit for row in rows],
            [row["loss"] for row in rows],
            "o",
            color=style.PALETTE[0],
            label="front",
        )
        if chosen:
            marks = {"markersize": 10, "fillstyle": "none", "color": style.PALETTE[1]}
            axes.plot(chosen[name] / unit, chosen["loss"], "s", label="chosen", **marks)
        axes.set(xlabel=label, yscale="log")
        losses = [row["loss"] for row in rows if row["loss"] > 0] or [1.0]
        style.plain_logarithmic(axes.yaxis, min(losses), max(losses))
        style.plain_linear(axes.xaxis)
        style.grid(axes)
    figure.axes[0].set_ylabel("loss: sum of the layers' divergences, nats")
    figure.axes[0].legend()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:  # ValueError: a suffix that is no kind of picture
        raise BitsError(f"plot={path} can't be written: {error}") from error
    return figure
