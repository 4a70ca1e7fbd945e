"""Confidence intervals by resampling speakers, and seeds where there are several.

Clips of one speaker are alike, so speakers are drawn with replacement, each with all clips, as many as there are: the
bootstrap of M. Bisani, H. Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP
2004. A clip whose speaker isn't known is a speaker by itself. Models are compared on the same draws. Models of several
seeds are measured on the same speakers, so seeds are drawn beside them, independently: A. Owen, "The pigeonhole
bootstrap", Annals of Applied Statistics 1(2), 2007, whose intervals are a little too wide rather than too narrow.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kws.evaluation import metrics

RESAMPLES = 1000
FALSE_REJECT_RATE = 0.05
_SEED = 20041
_CONFIDENCE = 0.95
_ROWS_AT_ONCE = 50

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Draws:
    """Speakers drawn with replacement.

    Attributes:
      speaker_of: int [clips], the speaker of each clip.
      counts: int [RESAMPLES, speakers], how often each was drawn; a row sums to the number of speakers.
    """

    speaker_of: np.ndarray
    counts: np.ndarray

    @property
    def speakers(self) -> int:
        return self.counts.shape[1]


def draws(speakers: Sequence[str], resamples: int = RESAMPLES) -> Draws:
    """The draws, the same for the same clips.

    Args:
      speakers: of each clip; "" where the speaker isn't known.
    """
    named = [speaker or f"\0{place}" for place, speaker in enumerate(speakers)]
    found, speaker_of = np.unique(named, return_inverse=True)
    share = np.full(len(found), 1 / len(found))
    counts = np.random.default_rng(_SEED).multinomial(len(found), share, size=resamples)
    return Draws(speaker_of.reshape(-1), counts)


def accuracies(drawn: Draws, correct: np.ndarray) -> np.ndarray:
    """Accuracy of each draw, float64 [draws]; `correct` is bool [clips]."""
    right, all_of_them = (
        np.bincount(drawn.speaker_of, weights, drawn.speakers) for weights in (correct, np.ones(len(correct)))
    )
    return (drawn.counts @ right) / (drawn.counts @ all_of_them)


def false_discovery_rates(
    drawn: Draws,
    logits: np.ndarray,
    labels: np.ndarray,
    keywords: list[int],
    false_reject_rate: float = FALSE_REJECT_RATE,
) -> np.ndarray:
    """`metrics.false_discovery_rate` of each draw, float64 [draws]; NaN where no speaker of a keyword was drawn.

    Args:
      logits: real values [clips, classes]; labels: int [clips]; keywords: class indices.
    """
    scores = metrics.log_posteriors(logits)[:, keywords]
    targets = (labels[:, None] == np.asarray(keywords)[None, :]).ravel()
    scores = scores.ravel()
    order = np.argsort(-scores, kind="stable")
    speaker_of_trial = np.repeat(drawn.speaker_of, len(keywords))[order]
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    return np.concatenate(
        [
            _rates(counts[:, speaker_of_trial], targets[order], last_of_equals, false_reject_rate)
            for counts in np.split(drawn.counts, range(_ROWS_AT_ONCE, len(drawn.counts), _ROWS_AT_ONCE))
        ]
    )


def _rates(
    weights: np.ndarray, targets: np.ndarray, last_of_equals: np.ndarray, false_reject_rate: float
) -> np.ndarray:
    """False discovery rates of trials that fall in score, which count so often: weights int [draws, trials]."""
    accepted = np.cumsum(weights, axis=1)[:, last_of_equals]
    accepted_targets = np.cumsum(weights * targets, axis=1)[:, last_of_equals]
    with np.errstate(invalid="ignore"):
        rejected = 1 - accepted_targets / accepted_targets[:, -1:]
        place = np.argmax(rejected <= false_reject_rate, axis=1)[:, None]
        found = 1 - np.take_along_axis(accepted_targets, place, 1) / np.take_along_axis(accepted, place, 1)
    return found[:, 0]


def interval(values: np.ndarray) -> Interval | None:
    """The 95 % interval of what was found in the draws, by percentiles; None where a draw gave no number."""
    if not np.isfinite(values).all():
        return None
    low, high = np.quantile(values, ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2))
    return float(low), float(high)


def over_seeds(values: np.ndarray) -> np.ndarray:
    """The mean over as many seeds drawn with replacement, float64 [draws].

    Args:
      values: float [seeds, draws], of each seed on the same draws of speakers.
    """
    seeds, resamples = values.shape
    counts = np.random.default_rng(_SEED + 1).multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples)
    return np.einsum("sd,ds->d", values, counts) / seeds
