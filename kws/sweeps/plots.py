"""Plots of a sweep: accuracy by width, and DET curves."""

import math
import pathlib
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from kws.figures import error_axes, style
from kws.sweeps.sweep_error import SweepError
from kws.training.run_folder import FIXED_POINT, FLOAT

ACCURACY = "accuracy_by_width.png"
DET = "det_curves.png"
_LARGEST_RATE = 0.3
_SMALLEST_RATE = 1e-3
_PANELS_IN_A_ROW = 3


def draw(rows: list[dict[str, Any]], cells: list[dict[str, Any]], folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes the plots and returns their paths.

    Args:
      rows: of `kws.report.report`.
      cells: of `kws.sweeps.results.read`.

    Raises:
      SweepError: the folder can't be written.
    """
    figures = {ACCURACY: accuracy_by_width(rows), DET: det_curves(cells)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(folder / name, dpi=150)
    except OSError as error:
        raise SweepError(f"can't write the plots to {folder}: {error.strerror}") from error
    return [folder / name for name in figures]


def accuracy_by_width(rows: list[dict[str, Any]]) -> Figure:
    """Testing accuracy in percent over widths, a line for each variant, bars of one standard deviation."""
    fixed = [row for row in rows if row["width"]]
    widths = list(dict.fromkeys(row["width"] for row in fixed))
    figure = style.figure(9, 5)
    axes = figure.subplots()
    axes.set_title("Accuracy by width: mean over seeds, bars of one standard deviation")
    for row in rows:
        if not row["width"]:
            axes.axhline(100 * row["testing_accuracy"]["mean"], color=style.INK, linestyle="--", label=row["name"])
    for number, variant in enumerate(dict.fromkeys(row["variant"] for row in fixed)):
        own = [row for row in fixed if row["variant"] == variant]
        axes.errorbar(
            [widths.index(row["width"]) for row in own],
            [100 * row["testing_accuracy"]["mean"] for row in own],
            [100 * (row["testing_accuracy"]["deviation"] or 0.0) for row in own],
            capsize=3,
            label=variant,
            **style.line(number, marked=True),
        )
    axes.set_xticks(range(len(widths)), widths)
    axes.set(xlabel="bits of weights (W) and activations (A)", ylabel="accuracy on testing, %")
    style.plain_linear(axes.yaxis)
    style.grid(axes)
    figure.legend(loc="outside right upper", fontsize="small")
    return figure


def det_curves(cells: list[dict[str, Any]]) -> Figure:
    """False reject rate over false alarm rate on testing: a panel for each width, a curve for each row's mean."""
    floats = [cell for cell in cells if not cell["width"]]
    widths = list(dict.fromkeys(cell["width"] for cell in cells if cell["width"])) or [""]
    variants = list(dict.fromkeys(cell["variant"] for cell in cells if cell["width"]))
    columns = min(len(widths), _PANELS_IN_A_ROW)
    figure = style.figure(4 * columns + 3, 4 * math.ceil(len(widths) / columns))
    figure.suptitle("Detection error trade-off on testing: mean over seeds")
    panels = figure.subplots(math.ceil(len(widths) / columns), columns, squeeze=False).ravel()
    for panel in panels[len(widths) :]:
        panel.remove()
    lines = {}
    for panel, width in zip(panels, widths, strict=False):
        for cell in _by_name(floats):
            lines[cell[0]["name"]] = _draw_mean(panel, [c["det"][FLOAT] for c in cell], color=style.INK, linestyle="--")
        for own in _by_name([cell for cell in cells if cell["width"] == width != ""]):
            variant = own[0]["variant"]
            curves = [cell["det"][FIXED_POINT] for cell in own]
            lines[variant] = _draw_mean(panel, curves, **style.line(variants.index(variant)))
        panel.set(title=width, xlabel="false alarm rate, %", ylabel="false reject rate, %")
        style.grid(panel)
    drawn = panels[: len(widths)]
    for which in "xy":
        rates = np.concatenate([getattr(line, f"get_{which}data")() for panel in drawn for line in panel.lines])
        for panel in drawn:
            error_axes.normal_deviate(panel, which, rates)
    figure.legend(list(lines.values()), list(lines), loc="outside right upper", fontsize="small")
    return figure


def _by_name(cells: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    names = dict.fromkeys(cell["name"] for cell in cells)
    return [[cell for cell in cells if cell["name"] == name] for name in names]


def _draw_mean(panel: Axes, curves: list[dict[str, list[float]]], **style: Any) -> Line2D:
    rates, rejected = mean_curve(curves)
    return panel.plot(100 * rates, 100 * rejected, **style)[0]


def mean_curve(curves: list[dict[str, list[float]]]) -> tuple[np.ndarray, np.ndarray]:
    """False alarm rates, evenly spaced in their logarithm, and the mean of the curves' false reject rates there.

    A curve begins where everything is rejected, and is straight between its points; rates are floats from 0 to 1.
    """
    rates = np.geomspace(_SMALLEST_RATE, _LARGEST_RATE, 200)
    rejected = [
        np.interp(rates, [0.0, *curve["false_alarm_rate"]], [1.0, *curve["false_reject_rate"]]) for curve in curves
    ]
    return rates, np.mean(rejected, axis=0)
