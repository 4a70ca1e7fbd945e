"""The DET plot of a streaming evaluation."""

import pathlib
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kws.evaluation.evaluation_error import EvaluationError


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
    drawing, curve = Figure((6, 4.5), layout="constrained"), result["curve"]
    axes = drawing.subplots()
    for colour, (condition, missed) in enumerate(curve["miss_rate"].items()):
        for group, style in (("all", "-"), ("all but speech", "--")):
            if group in curve["false_alarms_per_hour"]:
                points = zip(curve["false_alarms_per_hour"][group], missed, strict=True)
                heard = [(rate, 100 * miss) for rate, miss in points if rate > 0]
                drawn = np.array(heard).reshape(-1, 2).T
                axes.plot(*drawn, f"C{colour}{style}", label=f"{condition}, alarms on {group}")
        own = result["negatives"]["all"]["per_hour"], 100 * result["words"][condition]["miss_rate"]
        axes.plot(*own, f"C{colour}o")
    axes.set(xscale="log", xlabel="false alarms per hour", ylabel="miss rate, %", ylim=(0, 100))
    hours = result["negatives"]["all"]["hours"]
    axes.set_title(f"{result['bundle']}, {hours:.1f} hours of {result['split']} negatives")
    axes.grid(which="both", alpha=0.3)
    axes.legend()
    return drawing


def _save(drawing: Figure, path: str | pathlib.Path) -> None:
    try:
        drawing.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"can't write plot={path}: {error}") from error


def figure(result: dict[str, Any]) -> Figure:
    """The plot of `draw`."""
    drawing = Figure((6, 4.5), layout="constrained")
    axes = drawing.subplots()
    for system, style in (("float", "k--"), ("integer", "C0-")):
        if system in result:
            det = result[system]["det"]
            points = zip(det["false_alarms_per_hour"], det["miss_rate"], strict=True)
            heard = [(rate, missed) for rate, missed in points if rate > 0]
            axes.plot([rate for rate, _ in heard], [100 * missed for _, missed in heard], style, label=system)
    own = result["integer"]["detector"]
    axes.plot(own["false_alarms_per_hour"], 100 * own["miss_rate"], "C0o", label="the bundle's detector")
    axes.set(xscale="log", xlabel="false alarms per hour", ylabel="miss rate, %", ylim=(0, 100))
    axes.set_title(f"{result['bundle']}, {result['hours']:.1f} hours of {result['recipe']['split']}")
    axes.grid(which="both", alpha=0.3)
    axes.legend()
    return drawing
