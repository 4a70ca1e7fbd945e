"""Chooses a detector on hours without keywords and on words placed alone, for a target of false alarms per hour.

For each window length, every keyword k gets the threshold t that is best at a price p of a false alarm per hour,

    log heard_k(t) - p * false_alarms_k(t)

and p is the lowest at which the keywords together keep to the target. The logarithm keeps any one keyword from being
given up for the others. heard_k is the mean of the shares of k's clips that reach t in quiet and in noise.
false_alarms_k counts the peaks of k's smoothed posterior on the recordings, per hour. Where few are left, counting is
luck: above the 20th peak, u, the rate is at least that of a tail which falls exponentially in log-odds, by their mean
distance from u (the peaks over a threshold of J. Pickands, "Statistical inference using extreme order statistics",
Annals of Statistics 3(1), 1975, with shape 0).

A keyword that the speech may hold is not surely wrong there: such a detection counts a tenth. Of several window
lengths the one wins that hears most, by the sum of the logarithms, the shortest of equals. The rise is bounded, unless
that costs a tenth of what is heard.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from export.model.detector import NEVER, ONE, Detector
from export.model.integer_model import IntegerModel
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import always_on_figures, error_rates, hearing, tuning
from kws.evaluation.streaming.false_alarms import HeardNegative
from kws.evaluation.streaming.hearing import QUIET, HeardWords

WINDOWS_SECONDS = (0.16, 0.32, 0.48, 0.64, 0.8)
MAYBE_SAID_SHARE = 0.1
HEARD_IN_QUIET = 0.9
MOST_FALSE_ALARMS_PER_HOUR = 8.0
"""As far as the target is raised by itself for nine keywords of ten to be heard."""
_TAIL_PEAKS = 20
FEW_CLIPS = 20
"""Of a keyword, below which its peaks are spread: those of one speaker lie close together, those of the next one
elsewhere."""
# The scale of that, in log-odds.
_SPREAD = 2.5
FEW_CLIPS_TIMES = 4.0
"""The default target is so many times as high where a keyword has few clips: that all of six are heard is no sign that
nine of ten will be."""
_GRID = error_rates.log_odds(np.array([0.1, 1.0]))
_GRID = np.append(np.arange(_GRID[0], _GRID[1], 0.125), _GRID[1])
_PRICES = 2.0 ** np.arange(-16, 16, 0.25)


@dataclasses.dataclass(frozen=True)
class Tuned:
    """A chosen detector and what it does on what it was chosen with.

    Attributes:
      detector: the choice.
      target: false alarms per hour that were allowed, `MAYBE_SAID_SHARE` of those that may be none counted.
      expected: false alarms per hour by the tails, counted like the target.
      windows: window length in steps -> mean share of keywords heard, geometric over keywords; None where the target
        can't be kept.
      false_alarms: `always_on_figures.negatives_json`.
      words: condition -> `always_on_figures.words_json`.
    """

    detector: Detector
    target: float
    expected: float
    windows: dict[int, float | None]
    false_alarms: dict[str, Any]
    words: dict[str, Any]

    @property
    def heard_in_quiet(self) -> float:
        return 1 - float(self.words[QUIET.name]["miss_rate"])

    def to_json(self) -> dict[str, Any]:
        return {
            "expected_false_alarms_per_hour": self.expected,
            "heard_by_window": {str(window): share for window, share in self.windows.items()},
            "negatives": self.false_alarms,
            "words": self.words,
        }


def default_target(labels: Sequence[str]) -> float:
    """False alarms per hour that one would bear: half of one for a wake word, one for several keywords."""
    return 0.5 if len(hearing.keyword_labels(labels)) == 1 else 1.0


def tune(
    model: IntegerModel,
    heard: Sequence[HeardNegative],
    words: Mapping[str, HeardWords],
    negatives_without: Sequence[str],
    false_alarms_per_hour: float | None,
) -> Tuned:
    """The detector for what a model made of recordings and of words placed alone.

    Args:
      words: in quiet (`QUIET.name`) and in noise (`NOISY.name`).
      negatives_without: keywords that nobody says in the recordings.
      false_alarms_per_hour: the target; None for `default_target`, or `FEW_CLIPS_TIMES` it where a keyword has fewer
        than `FEW_CLIPS` clips, doubled up to `MOST_FALSE_ALARMS_PER_HOUR` until `HEARD_IN_QUIET` of the keywords are
        heard in quiet.

    Raises:
      EvaluationError: no thresholds that hear anything keep to the target.
    """
    step_samples = words[QUIET.name].step_samples
    lengths = dict.fromkeys(tuning.steps_of(seconds, step_samples) for seconds in WINDOWS_SECONDS)
    bounded = [tuning.blank_of(model, window, step_samples) for window in lengths]
    choices = [
        [_Choice.of(blank, heard, words, negatives_without) for blank in blanks]
        for blanks in (bounded, [tuning.without_bound(blank) for blank in bounded])
    ]
    target = false_alarms_per_hour
    if target is None:
        target = default_target(model.labels) * (FEW_CLIPS_TIMES if has_few_clips(words[QUIET.name]) else 1.0)
    while True:
        tuned = _at(target, choices, heard, words, negatives_without)
        enough = tuned is not None and tuned.heard_in_quiet >= HEARD_IN_QUIET
        if enough or false_alarms_per_hour is not None or 2 * target > MOST_FALSE_ALARMS_PER_HOUR:
            break
        target *= 2
    if tuned is None or tuned.heard_in_quiet == 0:
        raise EvaluationError(
            f"no thresholds hear a keyword with at most false_alarms_per_hour={target:g} on the negatives: the network "
            "tells keywords and other sounds too badly apart; train it longer or with negatives, or allow more of them"
        )
    return tuned


def has_few_clips(words: HeardWords) -> bool:
    """Whether a keyword that is spoken has fewer than `FEW_CLIPS` clips."""
    return bool(np.unique(words.recording.labels, return_counts=True)[1].min() < FEW_CLIPS)


@dataclasses.dataclass(frozen=True)
class _Choice:
    """What thresholds of a window length bring and cost: float64 [keywords, thresholds of `_GRID`] each."""

    blank: Detector
    keywords: list[int]
    log_heard: np.ndarray
    false_alarms: np.ndarray

    @staticmethod
    def of(
        blank: Detector,
        heard: Sequence[HeardNegative],
        words: Mapping[str, HeardWords],
        negatives_without: Sequence[str],
    ) -> "_Choice":
        labels = blank.labels

        def averages_of(logits: np.ndarray) -> np.ndarray:
            return error_rates.in_time(error_rates.averages_of(blank, logits), blank.rise)

        spoken = [(one, averages_of(one.logits)) for one in words.values()]
        quiet = [(one, averages_of(one.logits)) for one in heard]
        keywords = [labels.index(label) for label in hearing.keyword_labels(labels)]
        shares = [np.mean([_heard(one, averages, k) for one, averages in spoken], axis=0) for k in keywords]
        rates = [_rates(quiet, k, labels[k] in negatives_without, blank.refractory) for k in keywords]
        return _Choice(blank, keywords, np.log(np.array(shares)), np.array(rates))

    def thresholds(self, target: float) -> np.ndarray | None:
        """Index into `_GRID` of each keyword's threshold, int64 [keywords]; None where the target can't be kept."""
        for price in _PRICES:
            best = np.argmax(self.log_heard - price * self.false_alarms, axis=1)
            if self.cost(best) <= target:
                return best
        return None

    def cost(self, chosen: np.ndarray) -> float:
        """False alarms per hour of thresholds, as the target counts them."""
        return float(np.take_along_axis(self.false_alarms, chosen[:, None], axis=1).sum())

    def worth(self, chosen: np.ndarray) -> float:
        """Geometric mean over keywords of the share that is heard."""
        return float(np.exp(np.take_along_axis(self.log_heard, chosen[:, None], axis=1).mean()))

    def detector(self, chosen: np.ndarray) -> Detector:
        codes = [NEVER] * len(self.blank.labels)
        for keyword, place in zip(self.keywords, chosen, strict=True):
            average = 1 / (1 + np.exp(-_GRID[place])) if place < len(_GRID) - 1 else 1.0
            codes[keyword] = int(np.ceil(average * ONE * self.blank.window))
        return dataclasses.replace(self.blank, thresholds=tuple(codes))


def _at(
    target: float,
    choices: Sequence[Sequence[_Choice]],
    heard: Sequence[HeardNegative],
    words: Mapping[str, HeardWords],
    negatives_without: Sequence[str],
) -> Tuned | None:
    """The best of the window lengths at a target, with a bound of the rise or without; None where none can keep it."""
    bounded, unbounded = ([(choice, choice.thresholds(target)) for choice in of_kind] for of_kind in choices)
    bounded_worth, unbounded_worth = (
        max((choice.worth(at) for choice, at in found if at is not None), default=0.0) for found in (bounded, unbounded)
    )
    found = bounded if bounded_worth >= tuning.BOUND_HEARS * unbounded_worth else unbounded
    windows = {choice.blank.window: None if at is None else choice.worth(at) for choice, at in found}
    possible = [(choice, at) for choice, at in found if at is not None]
    if not possible:
        return None
    choice, at = max(possible, key=lambda one: one[0].worth(one[1]))
    detector = choice.detector(at)
    maybe_said = [label for label in hearing.keyword_labels(detector.labels) if label not in negatives_without]
    return Tuned(
        detector,
        target,
        choice.cost(at),
        windows,
        always_on_figures.negatives_json(detector, heard, maybe_said),
        {name: always_on_figures.words_json(detector, one) for name, one in words.items()},
    )


def _heard(words: HeardWords, averages: np.ndarray, keyword: int) -> np.ndarray:
    """Share of the keyword's clips whose smoothed posterior reaches each threshold of `_GRID`; never quite 0, so that
    its logarithm is a number. A keyword without clips is heard always.

    Of few clips the next one's peak is not known from theirs: each stands for a logistic distribution around it, so
    that a threshold is not put right below the lowest of three.
    """
    starts = words.recording.starts[words.recording.labels == keyword]
    if len(starts) == 0:
        return np.ones(len(_GRID))
    first, behind = starts // words.step_samples, (starts + words.recording.reach_samples) // words.step_samples
    peaks = [averages[start:end, keyword].max() for start, end in zip(first, behind, strict=True)]
    odds = error_rates.log_odds(np.array(peaks))
    if len(odds) < FEW_CLIPS:
        return np.mean(1 / (1 + np.exp((_GRID - odds[:, None]) / _SPREAD)), axis=0)
    reached = np.searchsorted(np.sort(odds), _GRID - 1e-9)
    return np.maximum(1 - reached / len(peaks), 0.5 / len(peaks))


def _rates(
    quiet: Sequence[tuple[HeardNegative, np.ndarray]], keyword: int, never_said: bool, refractory: int
) -> np.ndarray:
    """False alarms per hour of a keyword at each threshold of `_GRID`, as the target counts them."""
    total = np.zeros(len(_GRID))
    certain = [never_said or one.kind not in always_on_figures.WITH_WORDS for one, _ in quiet]
    for wanted, share in ((True, 1.0), (False, MAYBE_SAID_SHARE)):
        members = [each for each, sure in zip(quiet, certain, strict=True) if sure == wanted]
        if members:
            peaks = [tuning.peaks_apart(averages[:, keyword], refractory) for _, averages in members]
            total += share * tail(np.concatenate(peaks), sum(one.hours for one, _ in members), _GRID)
    return total


def tail(peaks: np.ndarray, hours: float, thresholds: np.ndarray) -> np.ndarray:
    """Peaks per hour that reach each threshold: those that were counted, and in the tail what it extrapolates to.

    Args:
      peaks: of a smoothed posterior, float64 [n] from 0 to 1, in `hours`.
      thresholds: log-odds, rising.
    """
    odds = np.sort(error_rates.log_odds(peaks))
    counted = len(odds) - np.searchsorted(odds, thresholds - 1e-9)
    if len(odds) == 0:
        return np.zeros(len(thresholds))
    highest = odds[-_TAIL_PEAKS:]
    beyond = np.maximum(thresholds - highest[0], 0)
    fall = max(float(np.mean(highest - highest[0])), 1e-3)
    extrapolated = np.where(thresholds > highest[0], len(highest) * np.exp(-beyond / fall), 0.0)
    return np.maximum(counted, extrapolated) / hours
