"""Plots of a sweep: accuracy by width, and DET curves."""

import pathlib
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from cli.command import UserError
from kws.run_folder import FIXED_POINT, FLOAT

ACCURACY = "accuracy_by_width.png"
DET = "det_curves.png"
_LARGEST_RATE = 0.3
_SMALLEST_RATE = 1e-3


def draw(rows: list[dict[str, Any]], cells: list[dict[str, Any]], folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes the plots and returns their paths.

    Args:
      rows: of `kws.report.report`.
      cells: of `kws.sweeps.results.read`.

    Raises:
      UserError: the folder can't be written.
    """
    figures = {ACCURACY: accuracy_by_width(rows), DET: det_curves(cells)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            figure.savefig(folder / name, dpi=150)
    except OSError as error:
        raise UserError(f"can't write the plots to {folder}: {error.strerror}") from error
    return [folder / name for name in figures]


def accuracy_by_width(rows: list[dict[str, Any]]) -> Figure:
    """Testing accuracy in percent over widths, a line for each variant, bars of one standard deviation."""
    fixed = [row for row in rows if row["width"]]
    widths = list(dict.fromkeys(row["width"] for row in fixed))
    figure = Figure((9, 5), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        if not row["width"]:
            axes.axhline(100 * row["testing_accuracy"]["mean"], color="black", linestyle="--", label=row["name"])
    for variant in dict.fromkeys(row["variant"] for row in fixed):
        own = [row for row in fixed if row["variant"] == variant]
        axes.errorbar(
            [widths.index(row["width"]) for row in own],
            [100 * row["testing_accuracy"]["mean"] for row in own],
            [100 * (row["testing_accuracy"]["deviation"] or 0.0) for row in own],
            marker="o",
            capsize=3,
            label=variant,
        )
    axes.set_xticks(range(len(widths)), widths)
    axes.set_ylabel("accuracy on testing, %")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small")
    return figure


def det_curves(cells: list[dict[str, Any]]) -> Figure:
    """False reject rate over false alarm rate on testing, a curve for each row, the mean over its seeds."""
    figure = Figure((9, 5), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(cell["name"] for cell in cells):
        own = [cell for cell in cells if cell["name"] == name]
        is_float = not own[0]["width"]
        curves = [cell["det"][FLOAT if is_float else FIXED_POINT] for cell in own]
        rates, rejected = mean_curve(curves)
        style = {"color": "black", "linestyle": "--"} if is_float else {}
        axes.plot(100 * rates, 100 * rejected, label=name, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("false alarm rate, %")
    axes.set_ylabel("false reject rate, %")
    axes.grid(which="both", alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="x-small", ncols=1 + len(axes.lines) // 24)
    return figure


def mean_curve(curves: list[dict[str, list[float]]]) -> tuple[np.ndarray, np.ndarray]:
    """False alarm rates, evenly spaced in their logarithm, and the mean of the curves' false reject rates there.

    Between its points a curve is taken as straight; both rates are floats from 0 to 1.
    """
    rates = np.geomspace(_SMALLEST_RATE, _LARGEST_RATE, 200)
    rejected = [np.interp(rates, curve["false_alarm_rate"], curve["false_reject_rate"]) for curve in curves]
    return rates, np.mean(rejected, axis=0)
