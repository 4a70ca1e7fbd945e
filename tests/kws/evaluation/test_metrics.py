"""Metrics on cases small enough to count by hand."""

import numpy as np
import pytest

from kws.evaluation import metrics

NAMES = ("_silence_", "yes", "no")


def test_accuracy_and_confusion() -> None:
    logits = np.array([[5, 0, 0], [0, 5, 0], [0, 5, 4], [0, 1, 1]])
    labels = np.array([0, 1, 2, 1])
    assert metrics.accuracy(logits, labels) == 0.75
    assert metrics.confusion_matrix(logits, labels).tolist() == [[1, 0, 0], [0, 2, 0], [0, 1, 0]]


def test_log_posteriors_are_stable_and_sum_to_one() -> None:
    posteriors = metrics.log_posteriors(np.array([[1000.0, 1000.0], [-1000.0, 0.0]]))
    np.testing.assert_allclose(np.exp(posteriors).sum(axis=1), 1)
    assert np.isfinite(posteriors).all()


def test_det_curve_counts_trials() -> None:
    # Trials of "yes" alone; log-posteriors rise with the logit against two zeros.
    logits = np.array([[0, 4, 0], [0, 2, 0], [0, 3, 0], [0, 1, 0]])
    labels = np.array([1, 1, 2, 0])
    curve = metrics.det_curve(logits, labels, [1])
    assert curve.false_reject_rate.tolist() == [0.5, 0.5, 0, 0]
    assert curve.false_alarm_rate.tolist() == [0, 0.5, 0.5, 1]
    np.testing.assert_allclose(curve.false_discovery_rate, [0, 1 / 2, 1 / 3, 1 / 2])
    assert metrics.false_discovery_rate(curve, 0.5) == 0
    assert metrics.false_discovery_rate(curve, 0.1) == pytest.approx(1 / 3)


def test_equal_scores_are_accepted_together() -> None:
    logits = np.zeros((4, 3))
    curve = metrics.det_curve(logits, np.array([1, 1, 2, 0]), [1])
    assert curve.false_reject_rate.tolist() == [0]
    assert curve.false_alarm_rate.tolist() == [1]


def test_a_det_curve_needs_targets_and_others() -> None:
    with pytest.raises(ValueError, match="DET curve needs"):
        metrics.det_curve(np.zeros((2, 3)), np.array([0, 0]), [1])


def test_summary_leaves_silence_out_where_it_says_so() -> None:
    logits = np.array([[0, 9, 0], [0, 9, 0], [0, 0, 9], [9, 0, 0]])
    labels = np.array([0, 1, 2, 0])
    result = metrics.summary(logits, labels, NAMES)
    assert result["accuracy"] == 0.75
    assert result["accuracy_without_silence"] == 1.0
    assert result["recall"] == {"_silence_": 0.5, "yes": 1.0, "no": 1.0}
    assert 0 <= result["false_discovery_rate_at_false_reject_rate"]["0.05"] <= 1
