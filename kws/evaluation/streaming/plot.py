"""The DET plot of a streaming evaluation."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kws.evaluation.evaluation_error import EvaluationError
from kws.figures import error_axes, style


def draw(result: dict[str, Any], path: str | pathlib.Path) -> None:
    """Writes miss rate over false alarms per hour, a curve for each of float and integer, and the bundle's detector.

    Args:
      result: of `kws.evaluation.streaming.evaluation.evaluate`.
      path: of an image; its ending says which kind.

    Raises:
      EvaluationError: the file can't be written.
    """
    _save(figure(result), path)


def draw_always_on(result: dict[str, Any], path: str | pathlib.Path) -> None:
    """Writes misses in quiet and in noise over false alarms per hour on negatives, along the bundle's thresholds moved.

    Args:
      result: of `kws.evaluation.streaming.always_on.evaluate`.
      path: of an image; its ending says which kind.

    Raises:
      EvaluationError: the file can't be written.
    """
    _save(always_on_figure(result), path)


def always_on_figure(result: dict[str, Any]) -> Figure:
    """The plot of `draw_always_on`."""
    drawing, axes = _empty()
    curve, hours = result["curve"], result["negatives"]["all"]["hours"]
    for colour, (condition, missed) in enumerate(curve["miss_rate"].items()):
        for group, linestyle in (("all", "-"), ("all but speech", "--")):
            if group in curve["false_alarms_per_hour"]:
                look = {"color": style.PALETTE[colour], "linestyle": linestyle}
                _plot(axes, curve["false_alarms_per_hour"][group], missed, f"{condition}, alarms on {group}", look)
        own = result["negatives"]["all"]["per_hour"], result["words"][condition]["miss_rate"]
        _mark(axes, *own, f"{condition}, the bundle's detector", style.PALETTE[colour], hours)
    _finish(axes, f"{result['bundle']}, {hours:.1f} hours of {result['split']} negatives")
    return drawing


def _save(drawing: Figure, path: str | pathlib.Path) -> None:
    try:
        drawing.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"can't write plot={path}: {error}") from error


def figure(result: dict[str, Any]) -> Figure:
    """The plot of `draw`."""
    drawing, axes = _empty()
    looks = {"float": {"color": style.INK, "linestyle": "--"}, "integer": {"color": style.PALETTE[0]}}
    for system, look in looks.items():
        if system in result:
            det = result[system]["det"]
            _plot(axes, det["false_alarms_per_hour"], det["miss_rate"], system, look)
    own = result["integer"]["detector"]
    values = own["false_alarms_per_hour"], own["miss_rate"]
    _mark(axes, *values, "the bundle's detector", style.PALETTE[0], result["hours"])
    _finish(axes, f"{result['bundle']}, {result['hours']:.1f} hours of {result['recipe']['split']}")
    return drawing


def _empty() -> tuple[Figure, Axes]:
    drawing = style.figure(6, 4.5)
    return drawing, drawing.subplots()


def _plot(axes: Axes, per_hour: Sequence[float], missed: Sequence[float], label: str, look: dict[str, Any]) -> None:
    """A curve of the points that a logarithmic axis has, those with a false alarm; none where there is none."""
    points = [(rate, 100 * miss) for rate, miss in zip(per_hour, missed, strict=True) if rate > 0]
    if points:
        axes.plot(*np.array(points).T, label=label, **look)


def _mark(axes: Axes, per_hour: float, missed: float, label: str, colour: str, hours: float) -> None:
    """A point; at one false alarm in all hours, with an arrow to the left, where there was none."""
    if per_hour > 0:
        axes.plot(per_hour, 100 * missed, "o", color=colour, label=label)
    else:
        axes.plot(1 / hours, 100 * missed, "<", color=colour, label=f"{label}: no false alarm")


def _finish(axes: Axes, title: str) -> None:
    """Title, units, and axes that fit what is drawn."""
    rates, missed = (np.concatenate([getattr(line, f"get_{which}data")() for line in axes.lines]) for which in "xy")
    axes.set(xscale="log", xlabel="false alarms per hour", ylabel="miss rate, %", title=title)
    style.plain_logarithmic(axes.xaxis, rates.min(), rates.max())
    error_axes.normal_deviate(axes, "y", missed)
    style.grid(axes)
    style.legend(axes)
