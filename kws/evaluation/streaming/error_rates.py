"""Missed words and false alarms of a stream of detections, at one threshold or along a curve of them.

    miss rate              keywords that are not detected / keywords spoken
    false alarms per hour  detections that belong to no spoken keyword / hours of sound

A detection belongs to a word where it names it, comes after the word's clip has begun and at most `TOLERANCE_SECONDS`
after it has ended, and is the first such one. A second detection of the same word is a false alarm, and so is the
wrong keyword for a keyword.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from export.model import detector as detectors
from export.model.detector import ONE, Detector
from kws.evaluation.streaming.recording import Recording

TARGETS = (1.0, 5.0)
"""False alarms per hour at which miss rates are given."""
MOST_FALSE_ALARMS = 60.0
"""The curve ends above this many per hour."""
ONSET = 2.0**-detectors.ONSET_SHIFT
"""The smoothed posterior at which a rise begins."""
_SHIFT_STEP = 0.125
_LOWEST_AVERAGE = 0.01


@dataclasses.dataclass(frozen=True)
class Score:
    """What a stream of detections is worth.

    Attributes:
      hours: of sound.
      spoken, heard: int64 [classes], words and those of them that were detected.
      false_alarms: int64 [classes], by the class that was detected.
      heard_words: bool [words of the recording].
    """

    hours: float
    spoken: np.ndarray
    heard: np.ndarray
    false_alarms: np.ndarray
    heard_words: np.ndarray

    @property
    def miss_rate(self) -> float:
        return 1 - float(np.divide(np.sum(self.heard), np.sum(self.spoken)))

    @property
    def false_alarms_per_hour(self) -> float:
        return float(self.false_alarms.sum() / self.hours)

    def to_json(self, labels: Sequence[str]) -> dict[str, Any]:
        """Totals and, by label, what each keyword contributes."""
        keywords = {
            label: {
                "spoken": int(self.spoken[i]),
                "miss_rate": 1 - int(self.heard[i]) / int(self.spoken[i]) if self.spoken[i] else None,
                "false_alarms": int(self.false_alarms[i]),
            }
            for i, label in enumerate(labels)
            if not label.startswith("_")
        }
        return {
            "miss_rate": self.miss_rate,
            "false_alarms_per_hour": self.false_alarms_per_hour,
            "false_alarms": int(self.false_alarms.sum()),
            "keywords": keywords,
        }


def score(
    detections: Sequence[tuple[int, int]], recording: Recording, labels: Sequence[str], step_samples: int
) -> Score:
    """Sets detections (step, class) against the words that were spoken.

    Args:
      labels: of the classes; those with a leading '_' are no keywords.
      step_samples: samples of one step; step i has heard (i + 1) * step_samples.
    """
    heard = np.zeros(len(recording.starts), bool)
    false_alarms = np.zeros(len(labels), np.int64)
    for step, label in detections:
        now = (step + 1) * step_samples
        first = np.searchsorted(recording.starts, now - recording.reach_samples)
        behind = np.searchsorted(recording.starts, now)
        words = first + np.flatnonzero(~heard[first:behind] & (recording.labels[first:behind] == label))
        if len(words):
            heard[words[0]] = True
        else:
            false_alarms[label] += 1
    keyword = np.array([not label.startswith("_") for label in labels])
    heard &= keyword[recording.labels]
    spoken = np.bincount(recording.labels, minlength=len(labels)) * keyword
    found = np.bincount(recording.labels[heard], minlength=len(labels))
    return Score(recording.hours, spoken, found, false_alarms, heard)


@dataclasses.dataclass(frozen=True)
class Curve:
    """Detection error trade-off: one score per shift of all thresholds, strictest first.

    Attributes:
      shifts: what is added to the log-odds of every threshold.
      scores: at each shift.
    """

    shifts: tuple[float, ...]
    scores: tuple[Score, ...]

    def at(self, false_alarms_per_hour: float) -> Score | None:
        """The score with the fewest misses among those with at most so many false alarms; None if there is none."""
        return min(
            (found for found in self.scores if found.false_alarms_per_hour <= false_alarms_per_hour),
            key=lambda found: found.miss_rate,
            default=None,
        )

    def to_json(self, labels: Sequence[str]) -> dict[str, Any]:
        at = {f"{target:g}": self.at(target) for target in TARGETS}
        return {
            "at_false_alarms_per_hour": {name: found and found.to_json(labels) for name, found in at.items()},
            "det": {
                "false_alarms_per_hour": [found.false_alarms_per_hour for found in self.scores],
                "miss_rate": [found.miss_rate for found in self.scores],
            },
        }


def curve(
    averages: np.ndarray,
    thresholds: np.ndarray,
    times: Detector,
    measure: Callable[[Sequence[tuple[int, int]]], Score],
) -> Curve:
    """The curve along a common shift of all thresholds' log-odds, down from the strictest.

    Args:
      averages: smoothed posteriors, float64 [steps, classes] from 0 to 1.
      thresholds: of the averages, [classes]; above 1 for what is no keyword.
      times: the detector that rise and refractory time are taken of.
      measure: detections to their score.
    """
    shifts, scores = [], []
    for shift in shifts_of(thresholds):
        found = measure(detectors.decide(averages, shifted(thresholds, shift), times, ONSET))
        shifts.append(shift)
        scores.append(found)
        if found.false_alarms_per_hour > MOST_FALSE_ALARMS:
            break
    return Curve(tuple(shifts), tuple(scores))


def shifts_of(thresholds: np.ndarray) -> list[float]:
    """Shifts of the log-odds of thresholds, [classes], falling, from where nothing is heard to where all of it is."""
    odds = log_odds(thresholds[thresholds <= 1])
    highest, lowest = log_odds(np.array([1.0, _LOWEST_AVERAGE])) - (odds.min(), odds.max())
    return [float(shift) for shift in np.arange(highest, lowest, -_SHIFT_STEP)]


def shifted(thresholds: np.ndarray, shift: float) -> np.ndarray:
    """Thresholds of averages, [classes], with `shift` added to their log-odds; those above 1 become 2."""
    moved = 1 / (1 + np.exp(-(log_odds(thresholds) + shift)))
    return np.where(thresholds <= 1, moved, 2.0)


def log_odds(averages: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), with p kept a little away from 0 and 1: half the last bit of a Q15 posterior."""
    p = np.clip(averages, 0.5 / ONE, 1 - 0.5 / ONE)
    return np.log(p / (1 - p))


def averages_of(detector: Detector, logits: np.ndarray) -> np.ndarray:
    """Smoothed posteriors float64 [steps, classes], from 0 to 1, of logit codes int8 [steps, classes]; exact."""
    sums = detectors.smooth(detectors.posteriors(detector, logits).astype(np.int64), detector.window)
    return sums / (ONE * detector.window)


def in_time(averages: np.ndarray, rise: int) -> np.ndarray:
    """Smoothed posteriors, [steps, classes], with 0 where they have been risen for longer than `rise` steps: what they
    reach there is not detected."""
    if rise == detectors.MOST_STEPS:
        return averages
    return np.where(detectors.steps_in_a_row(averages >= ONSET) <= rise, averages, 0.0)


def thresholds_of(detector: Detector) -> np.ndarray:
    """A detector's thresholds as those of averages, float64 [classes]; above 1 for what is no keyword."""
    return np.array(detector.thresholds, np.float64) / (ONE * detector.window)
