"""False alarms on recordings in which no keyword is said, and intervals of rates that are counted.

The number of false alarms in T hours is taken to be Poisson. The interval of its rate is exact (F. Garwood, "Fiducial
limits for the Poisson distribution", Biometrika 28, 1936): quantiles of a chi-squared distribution with twice as many
degrees of freedom as false alarms, over 2 T.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from export.model import detector as detectors
from export.model.detector import Detector
from kws.evaluation import bootstrap

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class HeardNegative:
    """A recording without keywords, as the network hears it.

    Attributes:
      name: of its file.
      kind: speech, music, noise or other.
      hours: of sound.
      logits: int8 [steps, classes].
    """

    name: str
    kind: str
    hours: float
    logits: np.ndarray


def count(detections: Sequence[tuple[int, int]], classes: int) -> np.ndarray:
    """int64 [classes]: how often each class was detected, all of it falsely."""
    return np.bincount(np.array([label for _, label in detections], np.int64), minlength=classes)


def of_detector(detector: Detector, heard: Sequence[HeardNegative]) -> list[list[tuple[int, int]]]:
    """The detections (step, class) in each recording."""
    return [detectors.run(detector, recording.logits) for recording in heard]


def poisson_interval(events: int, hours: float) -> tuple[float, float]:
    """The central interval of a rate per hour at `CONFIDENCE`; its lower end is 0 where nothing happened."""
    from scipy.stats import chi2  # takes a second

    tail = (1 - CONFIDENCE) / 2
    lower = chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    return float(lower / hours), float(chi2.ppf(1 - tail, 2 * events + 2) / 2 / hours)


def interval_over_speakers(outcomes: np.ndarray, speakers: Sequence[str]) -> tuple[float, float] | None:
    """The interval at `CONFIDENCE` of the mean of `outcomes`, bool [n], by `kws.evaluation.bootstrap`; None of one
    speaker, who says nothing about others."""
    drawn = bootstrap.draws(speakers)
    if drawn.speakers < 2:
        return None
    lower, upper = np.quantile(bootstrap.accuracies(drawn, outcomes), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(lower), float(upper)
