"""Detection metrics of keyword logits.

A *trial* is a pair (clip, keyword): a target where the clip says the keyword, else a non-target. Its score is the
log-posterior of the keyword, the log-softmax of the clip's logits. At a threshold t (accept where score >= t):

    false reject rate    FRR = missed targets / targets
    false alarm rate     FAR = accepted non-targets / non-targets
    false discovery rate FDR = accepted non-targets / accepted trials
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class DetCurve:
    """Detection error trade-off over falling thresholds; all arrays float [thresholds].

    Attributes:
      thresholds: scores at which the sets of accepted trials change, highest first.
      false_reject_rate, false_alarm_rate, false_discovery_rate: at each threshold.
    """

    thresholds: np.ndarray
    false_reject_rate: np.ndarray
    false_alarm_rate: np.ndarray
    false_discovery_rate: np.ndarray


def log_posteriors(logits: np.ndarray) -> np.ndarray:
    """Log-softmax in float64 of real-valued logits [n, classes]."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of clips whose largest logit (the first of equals) is the label's; logits [n, classes], labels [n]."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def confusion_matrix(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts int64 [true class, predicted class]."""
    classes = logits.shape[1]
    pairs = labels * classes + np.argmax(logits, axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def keywords_of(names: Sequence[str]) -> list[int]:
    """The classes that are keywords: those whose name has no leading '_'."""
    return [label for label, name in enumerate(names) if not name.startswith("_")]


def det_curve(logits: np.ndarray, labels: np.ndarray, keywords: list[int]) -> DetCurve:
    """The DET curve of all trials of `keywords` (class indices) pooled under one threshold.

    Raises:
      ValueError: no clip says one of the keywords, or every trial is a target.
    """
    scores = log_posteriors(logits)[:, keywords]
    targets = labels[:, None] == np.asarray(keywords)[None, :]
    scores, targets = scores.ravel(), targets.ravel()
    if targets.all() or not targets.any():
        raise ValueError("a DET curve needs both clips that say a keyword and clips that don't")
    order = np.argsort(-scores, kind="stable")
    scores, targets = scores[order], targets[order]
    last_of_equals = np.append(scores[1:] != scores[:-1], True)
    accepted_targets = np.cumsum(targets)[last_of_equals]
    accepted_others = np.cumsum(~targets)[last_of_equals]
    return DetCurve(
        scores[last_of_equals],
        1 - accepted_targets / targets.sum(),
        accepted_others / (~targets).sum(),
        accepted_others / (accepted_targets + accepted_others),
    )


def false_discovery_rate(curve: DetCurve, false_reject_rate: float) -> float:
    """FDR at the highest threshold whose FRR does not exceed `false_reject_rate`."""
    return float(curve.false_discovery_rate[np.argmax(curve.false_reject_rate <= false_reject_rate)])


def summary(logits: np.ndarray, labels: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """All metrics as plain JSON values.

    Args:
      logits: real values [n, classes]; labels: int [n]; names: of the classes, those of keywords without a leading '_'.
    """
    matrix = confusion_matrix(logits, labels)
    counts = matrix.sum(axis=1)
    spoken = np.array([names[label] != "_silence_" for label in labels])
    result = {
        "clips": len(labels),
        "accuracy": accuracy(logits, labels),
        "accuracy_without_silence": accuracy(logits[spoken], labels[spoken]) if spoken.any() else None,
        "recall": {name: float(matrix[i, i] / counts[i]) if counts[i] else None for i, name in enumerate(names)},
        "confusion": matrix.tolist(),
    }
    curve = det_curve(logits, labels, keywords_of(names))
    result["false_discovery_rate_at_false_reject_rate"] = {
        f"{rate:.2f}": false_discovery_rate(curve, rate) for rate in (0.01, 0.02, 0.05, 0.1)
    }
    # About 100 points, evenly spaced over the curve, are enough to draw it.
    points = np.unique(np.linspace(0, len(curve.thresholds) - 1, 100).astype(int))
    result["det"] = {
        "false_reject_rate": curve.false_reject_rate[points].tolist(),
        "false_alarm_rate": curve.false_alarm_rate[points].tolist(),
    }
    return result
