"""The DET plot of a streaming evaluation."""

import pathlib
from typing import Any

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
    try:
        figure(result).savefig(path, dpi=150)
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
