"""Error rates on detections small enough to count by hand, and the choice of thresholds on made-up logits."""

import types

import numpy as np
import pytest

from export.model import detector as detectors
from export.model.detector import NEVER
from kws.datasets.clip import SAMPLE_RATE
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import error_rates, tuning
from kws.evaluation.streaming.recording import Recording
from quant.qformat import QFormat

LABELS = ("_silence_", "_unknown_", "yes", "no")
STEP = 640


def _recording(words: list[tuple[float, int]], seconds: float) -> Recording:
    starts = np.array([round(start * SAMPLE_RATE) for start, _ in words], np.int64)
    labels = np.array([label for _, label in words], np.int64)
    samples = np.broadcast_to(np.int16(0), (round(seconds * SAMPLE_RATE),))
    return Recording(samples, starts, labels, np.zeros(len(words)), ("",) * len(words))


def _at(seconds: float) -> int:
    """The step that has heard `seconds` of sound."""
    return round(seconds * SAMPLE_RATE / STEP) - 1


def test_hits_and_false_alarms_by_hand():
    recording = _recording([(1, 2), (10, 3), (20, 1), (30, 2)], 36)
    found = [
        (_at(0.96), 2),  # before the word: a false alarm
        (_at(1.6), 2),  # a hit
        (_at(2.4), 2),  # again: a false alarm
        (_at(10.8), 2),  # the wrong keyword
        (_at(12.0), 3),  # just in time
        (_at(20.8), 3),  # another word
        (_at(32.04), 2),  # too late
    ]
    score = error_rates.score(found, recording, LABELS, STEP)
    assert score.heard_words.tolist() == [True, True, False, False]
    assert score.spoken.tolist() == [0, 0, 2, 1]
    assert score.heard.tolist() == [0, 0, 1, 1]
    assert score.false_alarms.tolist() == [0, 0, 4, 1]
    assert score.miss_rate == pytest.approx(1 / 3)
    assert score.false_alarms_per_hour == pytest.approx(500)
    assert score.to_json(LABELS)["keywords"]["yes"] == {"spoken": 2, "miss_rate": 0.5, "false_alarms": 4}


def test_the_second_of_two_equal_words_has_its_own_detection():
    recording = _recording([(1, 2), (2.5, 2)], 6)
    score = error_rates.score([(_at(2.6), 2), (_at(3.4), 2)], recording, LABELS, STEP)
    assert score.heard_words.all() and not score.false_alarms.any()


def _logits(recording: Recording, words: list[tuple[float, int, int]]) -> np.ndarray:
    """Silence everywhere, but for (second, class, code) a logit of `code` for half a second."""
    logits = np.full((len(recording.samples) // STEP, len(LABELS)), -40, np.int8)
    logits[:, 0] = 0
    for second, label, code in words:
        logits[_at(second) : _at(second + 0.5), label] = code
    return logits


def _curve(recording: Recording, logits: np.ndarray) -> error_rates.Curve:
    detector = detectors.Detector(LABELS, 3, 4, 20, (NEVER, NEVER, 1, 1))
    averages = error_rates.averages_of(detector, logits)
    return error_rates.curve(
        averages,
        np.array([2.0, 2.0, 0.5, 0.5]),
        detector,
        lambda found: error_rates.score(found, recording, LABELS, STEP),
    )


def test_curve_trades_misses_for_false_alarms():
    # Half an hour: the strong words come first, then the weak one together with two false alarms.
    recording = _recording([(10, 2), (20, 3), (30, 2)], 1800)
    logits = _logits(recording, [(10.5, 2, 40), (20.5, 3, 40), (30.5, 2, 4), (50, 3, 16), (60, 2, 4)])
    curve = _curve(recording, logits)
    rates = {(round(s.miss_rate, 3), s.false_alarms_per_hour) for s in curve.scores}
    assert rates - {(1.0, 0.0)} == {(0.333, 0.0), (0.333, 2.0), (0.0, 4.0)}
    assert curve.at(1.0).miss_rate == pytest.approx(1 / 3)
    assert curve.at(5.0).miss_rate == 0
    assert list(curve.shifts) == sorted(curve.shifts, reverse=True)
    at = curve.to_json(LABELS)["at_false_alarms_per_hour"]
    assert (at["1"]["miss_rate"], at["5"]["miss_rate"]) == (pytest.approx(1 / 3), 0)


def test_nothing_to_show_at_a_target_that_is_never_kept():
    recording = _recording([(10, 2)], 360)
    # Surer than any word: no threshold keeps it out.
    curve = _curve(recording, _logits(recording, [(100, 2, 127), (10.5, 2, 127)]))
    assert curve.at(1.0) is None
    assert curve.to_json(LABELS)["at_false_alarms_per_hour"]["1"] is None


MODEL = types.SimpleNamespace(labels=LABELS, output_format=QFormat(8, 3))


def test_tuning_keeps_out_the_false_alarms_and_lets_in_the_words():
    words = [(10.0 + 10 * i, 2 + i % 2) for i in range(40)]
    recording = _recording(words, 1800)
    heard = [(start + 0.5, label, 24 if label == 2 else 60) for start, label in words]
    # "no" needs a high threshold, "yes" a low one: one threshold for both would miss every "yes".
    wrong = [(600.0 + 5 * i, 3, 40) for i in range(10)]
    logits = _logits(recording, heard + wrong)
    tuned = tuning.tune(MODEL, logits, recording, STEP, 0.0)
    assert tuned.score.false_alarms.sum() == 0
    assert tuned.score.miss_rate < 0.05
    again = error_rates.score(detectors.run(tuned.detector, logits), recording, LABELS, STEP)
    assert again.miss_rate == tuned.score.miss_rate
    assert tuned.detector.thresholds[:2] == (NEVER, NEVER)
    assert tuning.tune(MODEL, logits, recording, STEP, 0.0).detector == tuned.detector


def test_tuning_says_which_target_cannot_be_kept():
    recording = _recording([(10, 2)], 360)
    logits = _logits(recording, [(100 + 2 * i, 2, 127) for i in range(10)])
    with pytest.raises(EvaluationError, match="with at most false_alarms_per_hour=1: allow more"):
        tuning.tune(MODEL, logits, recording, STEP, 1.0)
