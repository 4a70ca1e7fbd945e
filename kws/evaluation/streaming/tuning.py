"""Chooses a detector: on the validation split, for a target of false alarms per hour.

For each window length in turn:

1. One threshold for all keywords, the lowest that keeps to the target.
2. A threshold per keyword: of all ways to share the target's false alarms among the keywords, the one that misses the
   fewest words (exactly, by dynamic programming). With a few false alarms in all, that is partly luck.
3. Each threshold is put halfway between the two, in log-odds; then all are moved together, as low as the target allows.

The window length with the fewest misses wins, the shortest of equals. The rise is bounded, unless that costs a tenth of
the words.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from export.model import detector as detectors
from export.model.detector import MOST_STEPS, NEVER, ONE, Detector
from export.model.integer_model import IntegerModel
from kws.datasets.clip import SAMPLE_RATE
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import error_rates
from kws.evaluation.streaming.error_rates import Curve, Score
from kws.evaluation.streaming.recording import Recording

WINDOWS_SECONDS = (0.16, 0.32, 0.48)
REFRACTORY_SECONDS = 0.8
RISE_SECONDS = 0.24
"""Beyond its window that a word's sum may take to rise."""
BOUND_HEARS = 0.9
"""Share of what is heard without a bound of the rise that has to be heard with one: a network that is never sure, such
as one that was hardly trained, rises all the time."""
_MOST_PEAKS = 400


@dataclasses.dataclass(frozen=True)
class Tuned:
    """A chosen detector and what it does on the recording that it was chosen with.

    Attributes:
      detector: the choice.
      score: its misses and false alarms there.
      windows: window length in steps -> miss rate at the target; None where the target can't be kept.
    """

    detector: Detector
    score: Score
    windows: dict[int, float | None]

    def to_json(self) -> dict[str, Any]:
        return {
            "miss_rate_by_window": {str(window): rate for window, rate in self.windows.items()},
            **self.score.to_json(self.detector.labels),
        }


def tune(
    model: IntegerModel,
    logits: np.ndarray,
    recording: Recording,
    step_samples: int,
    false_alarms_per_hour: float,
) -> Tuned:
    """The detector for a model's logit codes int8 [steps, classes] on a recording.

    Raises:
      EvaluationError: no threshold that hears anything keeps to the target, or the model has no keywords.
    """
    keywords = [i for i, label in enumerate(model.labels) if not label.startswith("_")]
    if not keywords:
        raise EvaluationError("the bundle has no keywords: all its labels begin with '_'")
    lengths = dict.fromkeys(steps_of(seconds, step_samples) for seconds in WINDOWS_SECONDS)
    blanks = [blank_of(model, window, step_samples) for window in lengths]
    bounded, unbounded = (
        _tuned(each, logits, recording, step_samples, false_alarms_per_hour)
        for each in (blanks, [without_bound(blank) for blank in blanks])
    )
    if unbounded is None or unbounded.score.miss_rate == 1:
        raise EvaluationError(
            "no thresholds hear a keyword with at most "
            f"false_alarms_per_hour={false_alarms_per_hour:g}: allow more of them"
        )
    if bounded is None or 1 - bounded.score.miss_rate < BOUND_HEARS * (1 - unbounded.score.miss_rate):
        return unbounded
    return bounded


def _tuned(
    blanks: Sequence[Detector], logits: np.ndarray, recording: Recording, step_samples: int, target: float
) -> Tuned | None:
    """The best of `blanks` with thresholds; None where none can keep to the target."""
    best: tuple[Score, Detector] | None = None
    windows: dict[int, float | None] = {}
    for blank in blanks:
        labels = blank.labels
        averages = error_rates.averages_of(blank, logits)

        def measure(found: Sequence[tuple[int, int]], labels: Sequence[str] = labels) -> Score:
            return error_rates.score(found, recording, labels, step_samples)

        thresholds = _thresholds(averages, recording, step_samples, blank, target)
        lowest = None
        if thresholds is not None:
            curve = error_rates.curve(averages, thresholds, blank, measure)
            lowest = _lowest(curve, thresholds, target)
        if lowest is None:
            windows[blank.window] = None
            continue
        # Rounded up, so that no code below the threshold is let in.
        codes = np.ceil(np.minimum(lowest, 1.0) * ONE * blank.window).astype(int).tolist()
        codes = [NEVER if label.startswith("_") else code for label, code in zip(labels, codes, strict=True)]
        detector = dataclasses.replace(blank, thresholds=tuple(codes))
        found = measure(detectors.run(detector, logits))
        windows[blank.window] = found.miss_rate
        if best is None or found.miss_rate < best[0].miss_rate:
            best = found, detector
    return None if best is None else Tuned(best[1], best[0], windows)


def steps_of(seconds: float, step_samples: int) -> int:
    """Steps of the network in a time, 1 at least and as many as a detector can count at most."""
    return min(max(1, round(seconds * SAMPLE_RATE / step_samples)), MOST_STEPS)


def blank_of(model: IntegerModel, window: int, step_samples: int) -> Detector:
    """A detector of a window length, in steps, that detects nothing yet."""
    labels = model.labels
    refractory = steps_of(REFRACTORY_SECONDS, step_samples)
    rise = min(window + steps_of(RISE_SECONDS, step_samples), MOST_STEPS - 1)
    return Detector(labels, model.output_format.fraction_bits, window, refractory, (NEVER,) * len(labels), rise)


def without_bound(detector: Detector) -> Detector:
    """The same with any rise."""
    return dataclasses.replace(detector, rise=MOST_STEPS)


def _thresholds(
    averages: np.ndarray,
    recording: Recording,
    step_samples: int,
    blank: Detector,
    target: float,
) -> np.ndarray | None:
    """Steps 1 to 3 but for the last move: thresholds of averages, float64 [classes], 2 for no keyword."""
    labels = averages.shape[1]
    keywords = [i for i, label in enumerate(blank.labels) if not label.startswith("_")]
    even = np.full(labels, 2.0)
    even[keywords] = 0.5
    names = [f"keyword{i}" if i in keywords else f"_other{i}" for i in range(labels)]
    curve = error_rates.curve(
        averages, even, blank, lambda found: error_rates.score(found, recording, names, step_samples)
    )
    common = _lowest(curve, even, target)
    if common is None:
        return None
    in_time = error_rates.in_time(averages, blank.rise)
    peaks = [_peaks(in_time[:, k], recording, k, step_samples, blank.refractory) for k in keywords]
    own = _share(peaks, int(target * recording.hours))
    result = common.copy()
    halfway = (error_rates.log_odds(common[keywords]) + error_rates.log_odds(np.array(own))) / 2
    result[keywords] = 1 / (1 + np.exp(-halfway))
    return result


def _lowest(curve: Curve, thresholds: np.ndarray, target: float) -> np.ndarray | None:
    """The thresholds at the curve's best point within the target; None if there is none."""
    best = curve.at(target)
    if best is None:
        return None
    shift = next(shift for shift, found in zip(curve.shifts, curve.scores, strict=True) if found is best)
    return error_rates.shifted(thresholds, shift)


def _peaks(
    average: np.ndarray, recording: Recording, label: int, step_samples: int, refractory: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a keyword's smoothed posterior, float64 [steps], reaches alone.

    Returns:
      Its peaks where the keyword is not spoken, `refractory` steps apart at least, highest first; and its peak at each
      word that is the keyword.
    """
    steps = len(average)
    starts = recording.starts[recording.labels == label]
    firsts, ends = starts // step_samples, np.minimum((starts + recording.reach_samples) // step_samples, steps)
    words = np.array([average[first:end].max(initial=0) for first, end in zip(firsts, ends, strict=True)])
    elsewhere = average.copy()
    for first, end in zip(firsts, ends, strict=True):
        elsewhere[first:end] = 0
    return peaks_apart(elsewhere, refractory), words


def peaks_apart(average: np.ndarray, refractory: int) -> np.ndarray:
    """The peaks of a keyword's smoothed posterior, float64 [steps], `refractory` steps apart at least, highest first;
    some hundred at most, and none that is 0."""
    peaks: list[float] = []
    taken = np.zeros(len(average), bool)
    for step in np.argsort(-average, kind="stable"):
        if average[step] == 0 or len(peaks) == _MOST_PEAKS:
            break
        if not taken[step]:
            peaks.append(float(average[step]))
            taken[max(step - refractory + 1, 0) : step + refractory] = True
    return np.array(peaks)


def _share(peaks: list[tuple[np.ndarray, np.ndarray]], budget: int) -> list[float]:
    """Thresholds that miss the fewest words with at most `budget` false alarms over all keywords.

    A keyword that is allowed n false alarms has its threshold just above its peak number n (from 0) elsewhere.
    """
    plans: dict[int, tuple[int, list[float]]] = {0: (0, [])}
    for elsewhere, words in peaks:
        options = []
        for allowed in range(min(budget, len(elsewhere)) + 1):
            bound = float(elsewhere[allowed]) if allowed < len(elsewhere) else 0.0
            options.append((int(np.sum(words > bound)), min(bound + 1 / ONE, 1.0)))
        following: dict[int, tuple[int, list[float]]] = {}
        for spent, (heard, thresholds) in plans.items():
            for allowed, (more, threshold) in enumerate(options):
                total = spent + allowed
                if total <= budget and heard + more > following.get(total, (-1,))[0]:
                    following[total] = heard + more, [*thresholds, threshold]
        plans = following
    return max(plans.values(), key=lambda plan: plan[0])[1]
