"""Intervals over speakers: the figures of clips that were counted, and as wide as theory says."""

import numpy as np
import pytest

from kws.evaluation import bootstrap, comparison, metrics
from kws.evaluation.bootstrap import Draws

NAMES = ("_silence_", "yes", "no")


def test_speakers_are_drawn_whole() -> None:
    drawn = bootstrap.draws(["b", "a", "", "b", ""])
    assert drawn.speakers == 4
    assert drawn.speaker_of[0] == drawn.speaker_of[3]
    assert len({drawn.speaker_of[place] for place in (0, 1, 2, 4)}) == 4
    assert drawn.counts.shape == (bootstrap.RESAMPLES, 4) and (drawn.counts.sum(axis=1) == 4).all()
    np.testing.assert_array_equal(drawn.counts, bootstrap.draws(["b", "a", "", "b", ""]).counts)


def test_draws_are_as_if_their_clips_were_measured() -> None:
    rng = np.random.default_rng(0)
    speakers = [f"{number}" for number in rng.integers(0, 12, 90)]
    logits, labels = rng.integers(-4, 5, (90, 3)).astype(float), rng.integers(0, 3, 90)
    drawn = bootstrap.draws(speakers, resamples=120)
    accuracies = bootstrap.accuracies(drawn, logits.argmax(axis=1) == labels)
    rates = bootstrap.false_discovery_rates(drawn, logits, labels, [1, 2], 0.2)
    for counts, accuracy, rate in zip(drawn.counts, accuracies, rates, strict=True):
        clips = np.repeat(np.arange(90), counts[drawn.speaker_of])
        assert accuracy == pytest.approx(metrics.accuracy(logits[clips], labels[clips]))
        curve = metrics.det_curve(logits[clips], labels[clips], [1, 2])
        assert rate == pytest.approx(metrics.false_discovery_rate(curve, 0.2))
    once = Draws(drawn.speaker_of, np.ones((1, 12), int))
    whole = metrics.false_discovery_rate(metrics.det_curve(logits, labels, [1, 2]), 0.05)
    assert bootstrap.false_discovery_rates(once, logits, labels, [1, 2])[0] == pytest.approx(whole)


def test_a_draw_without_a_target_has_no_rate() -> None:
    logits, labels = np.eye(3), np.array([0, 1, 2])
    drawn = Draws(np.arange(3), np.array([[3, 0, 0], [1, 1, 1]]))
    rates = bootstrap.false_discovery_rates(drawn, logits, labels, [1, 2])
    assert np.isnan(rates).tolist() == [True, False]
    assert bootstrap.interval(rates) is None


def test_clips_of_a_speaker_that_agree_make_it_wider() -> None:
    correct = np.repeat(np.random.default_rng(3).uniform(size=100) < 0.8, 20)
    widths = []
    for speakers in ([str(i // 20) for i in range(2000)], [""] * 2000):
        low, high = bootstrap.interval(bootstrap.accuracies(bootstrap.draws(speakers), correct))
        widths.append(high - low)
    # Of 100 and of 2,000 independent outcomes with a mean of about 0.8.
    expected = [2 * 1.96 * np.sqrt(correct.mean() * (1 - correct.mean()) / count) for count in (100, 2000)]
    np.testing.assert_allclose(widths, expected, rtol=0.1)


def test_seeds_are_drawn_beside_speakers() -> None:
    same = np.tile(np.random.default_rng(0).normal(size=1000), (5, 1))
    np.testing.assert_allclose(bootstrap.over_seeds(same), same[0])
    apart = np.arange(5.0)[:, None] + np.zeros((5, 1000))
    drawn = bootstrap.over_seeds(apart)
    assert drawn.mean() == pytest.approx(2.0, abs=0.1)
    assert drawn.std() == pytest.approx(np.sqrt(2.0 / 5), rel=0.1)
    one = np.random.default_rng(1).normal(size=(1, 1000))
    np.testing.assert_array_equal(bootstrap.over_seeds(one), one[0])


def test_a_model_is_compared_with_its_float_model() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    speakers = [f"{number}" for number in rng.integers(0, 30, 300)]
    of_float = 2 * np.eye(3)[labels] + rng.normal(0, 1, (300, 3))
    worse = of_float + rng.normal(0, 1, (300, 3))
    same = comparison.against_float(of_float, of_float, labels, NAMES, speakers)
    assert same["accuracy"] == {"difference": 0, "interval": [0, 0]}
    assert same["false_discovery_rate"]["relative_interval"] == [0, 0]
    found = comparison.against_float(worse, of_float, labels, NAMES, speakers)
    assert found["speakers"] == 30
    assert found["accuracy"]["interval"][0] < found["accuracy"]["difference"] < found["accuracy"]["interval"][1] < 0
    rate = found["false_discovery_rate"]
    assert 0 < rate["interval"][0] < rate["difference"] < rate["interval"][1]
    assert rate["relative_interval"][0] < rate["relative_change"] < rate["relative_interval"][1]
    alone = comparison.against_float(worse, of_float, labels, NAMES, ["one"] * 300)
    assert alone["accuracy"]["interval"] is None and alone["accuracy"]["difference"] < 0
    assert comparison.intervals(worse, labels, NAMES, ["one"] * 300) == {"accuracy": None, "false_discovery_rate": None}
