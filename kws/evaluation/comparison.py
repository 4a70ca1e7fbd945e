"""A model beside the float model that it was trained from, clip by clip, with 95 % intervals over speakers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kws.evaluation import bootstrap, metrics
from kws.evaluation.bootstrap import FALSE_REJECT_RATE

FDR = "false_discovery_rate_at_false_reject_rate"


def intervals(
    logits: np.ndarray, labels: np.ndarray, names: Sequence[str], speakers: Sequence[str]
) -> dict[str, list[float] | None]:
    """95 % intervals of a model's figures.

    Args:
      logits: real values [clips, classes]; labels: int [clips]; names: of the classes; speakers: of the clips.

    Returns:
      "accuracy" and "false_discovery_rate" (at 5 % false reject rate) -> [low, high]; None where there is one speaker.
    """
    drawn = bootstrap.draws(speakers)
    accuracies, rates = _figures(drawn, logits, labels, names)
    return {"accuracy": _interval(drawn, accuracies), "false_discovery_rate": _interval(drawn, rates)}


def against_float(
    logits: np.ndarray,
    float_logits: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    speakers: Sequence[str],
) -> dict[str, Any]:
    """Differences between a model and its float model on the same clips; arguments as of `intervals`.

    Returns:
      "speakers": how many there are, with each clip whose speaker isn't known as one more, and "without_speaker": these
      clips; "accuracy": "difference" (positive where the model is better) and its "interval"; "false_discovery_rate",
      at 5 % false reject rate: the same, and "relative_change" with "relative_interval", None where float has none.
    """
    drawn = bootstrap.draws(speakers)
    accuracies, rates = _figures(drawn, logits, labels, names)
    float_accuracies, float_rates = _figures(drawn, float_logits, labels, names)
    keywords = metrics.keywords_of(names)
    rate, float_rate = (
        metrics.false_discovery_rate(metrics.det_curve(of, labels, keywords), FALSE_REJECT_RATE)
        for of in (logits, float_logits)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = rates / float_rates - 1
    return {
        "speakers": drawn.speakers,
        "without_speaker": sum(not speaker for speaker in speakers),
        "accuracy": {
            "difference": metrics.accuracy(logits, labels) - metrics.accuracy(float_logits, labels),
            "interval": _interval(drawn, accuracies - float_accuracies),
        },
        "false_discovery_rate": {
            "difference": rate - float_rate,
            "interval": _interval(drawn, rates - float_rates),
            "relative_change": rate / float_rate - 1 if float_rate else None,
            "relative_interval": _interval(drawn, relative),
        },
    }


def _figures(
    drawn: bootstrap.Draws, logits: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy, and false discovery rate at 5 % false reject rate, of each draw."""
    correct = np.argmax(logits, axis=1) == labels
    rates = bootstrap.false_discovery_rates(drawn, logits, labels, metrics.keywords_of(names))
    return bootstrap.accuracies(drawn, correct), rates


def _interval(drawn: bootstrap.Draws, values: np.ndarray) -> list[float] | None:
    found = bootstrap.interval(values) if drawn.speakers > 1 else None
    return None if found is None else list(found)
