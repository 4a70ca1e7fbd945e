"""False alarms on recordings without keywords, and misses of clips that are placed alone."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import corpus
import numpy as np
import pytest
import streaming_corpus

from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.model.detector import NEVER, Detector
from kws import datasets
from kws.datasets import DatasetConfig, negatives
from kws.datasets.dataset_error import DatasetError
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import (
    always_on,
    always_on_figures,
    always_on_table,
    evaluation,
    false_alarms,
    hearing,
    placed_clips,
    plot,
    sound,
)
from kws.evaluation.streaming import recording as recordings
from kws.evaluation.streaming.always_on import AlwaysOnConfig
from kws.evaluation.streaming.false_alarms import HeardNegative
from kws.evaluation.streaming.hearing import HeardWords
from kws.evaluation.streaming.placed_clips import Condition, Surroundings

LABELS = streaming_corpus.LABELS
STEP = 640


@pytest.fixture(name="data")
def _data(monkeypatch: pytest.MonkeyPatch) -> DatasetConfig:
    """Loads the tones."""
    monkeypatch.setattr(datasets, "load", lambda config, part: streaming_corpus.dataset())
    return DatasetConfig(words=("yes", "no"), processes=1)


@pytest.fixture(scope="module", name="bundle")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Whose detector hears something in everything."""
    return streaming_corpus.random_bundle(tmp_path_factory.mktemp("bundles") / "bundle", share=0.1).path


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Ten seconds of each kind for testing."""
    folder, rng = tmp_path_factory.mktemp("negatives"), np.random.default_rng(0)
    for kind, level in (("speech", 3000), ("music", 500), ("noise", 50)):
        corpus.write_wav(folder / f"{kind}_testing.wav", rng.normal(0, level, 160000).astype(np.int16))
    return folder


def _detector() -> Detector:
    return Detector(LABELS, 3, 4, 20, (NEVER, NEVER, 3 * 2**15, 3 * 2**15))


def _logits(seconds: float, heard: list[tuple[float, int]]) -> np.ndarray:
    """Silence but for (second, class): that class for 0.4 s."""
    logits = np.full((round(seconds * 25), len(LABELS)), -100, np.int8)
    logits[:, 0] = 100
    for second, label in heard:
        logits[round(second * 25) : round(second * 25) + 10] = np.where(np.arange(len(LABELS)) == label, 100, -100)
    return logits


def test_a_false_alarm_is_counted_once_and_with_its_kind():
    speech = HeardNegative("speech_testing", "speech", 0.5, _logits(60, [(10, 2), (20, 3), (30, 1)]))
    noise = HeardNegative("noise_testing", "noise", 0.25, _logits(60, [(5, 3)]))
    music = HeardNegative("music_testing", "music", 0.25, _logits(60, []))
    found = always_on_figures.negatives_json(_detector(), [noise, speech, music], ["yes"])
    assert {group: (one["hours"], one["false_alarms"], one["per_hour"]) for group, one in found.items()} == {
        "speech": (0.5, 2, 4.0),
        "music": (0.25, 0, 0.0),
        "noise": (0.25, 1, 4.0),
        "all but speech": (0.5, 1, 2.0),
        "all": (1.0, 3, 3.0),
    }
    assert [group for group, one in found.items() if one["upper_bound"]] == ["speech", "all"]
    assert found["all"]["keywords"] == {"yes": 1, "no": 2}
    alarms = always_on_figures.alarms_json(_detector(), [noise, speech, music], STEP)
    assert [(one["file"], one["keyword"]) for one in alarms] == [
        ("noise_testing", "no"),
        ("speech_testing", "yes"),
        ("speech_testing", "no"),
    ]
    assert [one["seconds"] for one in alarms] == pytest.approx([5.12, 10.12, 20.12], abs=0.05)
    certain = always_on_figures.negatives_json(_detector(), [speech], [])
    assert not any(one["upper_bound"] for one in certain.values())
    assert "all but speech" not in certain


def _words(heard: list[tuple[float, int]]) -> HeardWords:
    """Three words of a second in 15: "yes" from 2, "no" from 7, another from 12."""
    starts = np.array([2, 7, 12], np.int64) * 16000
    silent = np.broadcast_to(np.int16(0), (15 * 16000,))
    recording = recordings.Recording(silent, starts, np.array([2, 3, 1]), np.zeros(3), ("a", "b", "c"))
    return HeardWords(recording, ("x", "x", ""), _logits(15, heard), STEP)


@pytest.mark.parametrize(
    ("detections", "heard", "wrong"),
    [
        ([], [False, False, False], [False, False, False]),
        ([(2.6, 2), (7.6, 3)], [True, True, False], [False, False, False]),
        ([(2.6, 2), (3.5, 2)], [True, False, False], [False, False, False]),
        ([(1.5, 2), (7.6, 2)], [False, False, False], [False, True, False]),
        ([(4.2, 2), (12.5, 3), (13.4, 2)], [False, False, False], [False, False, True]),
    ],
)
def test_a_miss_is_counted_once(detections, heard, wrong):
    steps = [(round(second * 25) - 1, label) for second, label in detections]
    found = always_on_figures.outcomes(steps, _words([]), LABELS)
    assert found[0].tolist() == heard and found[1].tolist() == wrong


def test_misses_by_hand():
    found = always_on_figures.words_json(_detector(), _words([(2.6, 2)]))
    assert found["spoken"] == 3 and found["speakers"] == 2
    assert found["miss_rate"] == pytest.approx(2 / 3)
    assert found["keywords"]["yes"] == {"spoken": 1, "miss_rate": 0.0}
    assert found["keywords"]["no"] == {"spoken": 1, "miss_rate": 1.0}


def test_the_curve_counts_what_moved_thresholds_let_in():
    weak = _logits(60, [])
    weak[125:135, 3] = 108  # a posterior of 0.73
    heard = [HeardNegative("noise_testing", "noise", 0.5, weak)]
    curve = always_on_figures.curve_of(_detector(), heard, {"30 dB": _words([(2.6, 2), (7.6, 3)])})
    assert set(curve["false_alarms_per_hour"]) == {"noise", "all but speech", "all"}
    rates = curve["false_alarms_per_hour"]["all"]
    assert set(rates) == {0.0, 2.0} and rates == sorted(rates)
    thresholds = [0.75 / (0.75 + 0.25 * np.exp(-shift)) for shift in curve["shift"]]
    assert rates == [2.0 * (threshold <= np.e / (1 + np.e)) for threshold in thresholds]
    assert curve["miss_rate"]["30 dB"][-1] == pytest.approx(1 / 3)


def test_poisson_intervals_are_the_published_ones():
    # Garwood's table: 0 -> 0 to 3.689, 1 -> 0.0253 to 5.572, 10 -> 4.795 to 18.390.
    for events, lower, upper in ((0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)):
        assert false_alarms.poisson_interval(events, 2.0) == pytest.approx((lower / 2, upper / 2), rel=1e-3)


def test_the_bootstrap_draws_speakers():
    outcomes = np.repeat([True, False, True, False], 25)
    alike = false_alarms.interval_over_speakers(outcomes, np.repeat(list("abcd"), 25).tolist())
    alone = false_alarms.interval_over_speakers(outcomes, [""] * 100)
    assert alike == (0.0, 1.0)
    assert 0.3 < alone[0] < 0.45 and 0.55 < alone[1] < 0.7
    assert false_alarms.interval_over_speakers(outcomes, ["a"] * 100) is None


def _around(seed: int = 0) -> Surroundings:
    dataset = streaming_corpus.dataset()
    return Surroundings(dataset.noises["testing"], [negatives.synthetic(np.random.default_rng(0), 0.3)], seed, STEP)


def test_clips_are_placed_alone_at_the_ratio_that_is_asked_for():
    clips = streaming_corpus.dataset().splits["testing"]
    chosen = np.array([6, 7, 11])
    (quiet,), (noisy,) = (list(placed_clips.place(clips, chosen, Condition(snr), _around())) for snr in (40.0, 0.0))
    segment = _around().segment_samples
    assert segment % STEP == 0 and len(quiet.samples) == 3 * segment
    assert np.array_equal(quiet.starts, noisy.starts)
    assert quiet.labels.tolist() == clips.labels[chosen].tolist()
    for number, (clip, start) in enumerate(zip(chosen, quiet.starts, strict=True)):
        assert 35200 <= start - number * segment < 36800
        word, room = quiet.samples[start : start + 16000], noisy.samples[number * segment : start]
        level = np.sqrt(np.mean(np.square(clips.samples[clip], dtype=np.float64)))
        assert np.corrcoef(word, clips.samples[clip])[0, 1] > 0.99
        assert np.sqrt(np.mean(np.square(room, dtype=np.float64))) == pytest.approx(level, rel=0.1)


def test_rooms_and_seeds_change_the_sound_and_nothing_else():
    clips = streaming_corpus.dataset().splits["testing"]

    def streams(condition: Condition, seed: int = 0) -> recordings.Recording:
        return next(placed_clips.place(clips, np.array([6, 7]), condition, _around(seed)))

    dry, wet = streams(Condition(30.0)), streams(Condition(30.0, True))
    assert np.array_equal(dry.starts, wet.starts) and not np.array_equal(dry.samples, wet.samples)
    assert np.array_equal(dry.samples, streams(Condition(30.0)).samples)
    assert not np.array_equal(dry.samples, streams(Condition(30.0), seed=1).samples)


def test_a_clip_is_heard_as_in_a_stream_of_its_own(bundle):
    loaded = bundles.load_hearing(bundle)
    clips, condition = streaming_corpus.dataset().splits["testing"], Condition(10.0)
    with evaluation.listening(loaded, evaluation.INTERPRETER) as network:
        together = hearing.hear_words(loaded, network, clips, np.array([6, 7]), condition, _around())
        alone = hearing.hear_words(loaded, network, clips, np.array([7]), condition, _around())
    begin = int(together.recording.starts[1]) // STEP
    ahead = len(together.logits) - begin
    assert np.array_equal(together.logits[-ahead:], alone.logits[-ahead:])


def test_frames_at_once_are_the_streams(bundle):
    loaded = bundles.load_hearing(bundle)
    samples = np.random.default_rng(0).normal(0, 900, 50000).astype(np.int16)
    expected = sound.frames_of(samples, loaded.frontend_config, processes=1)
    assert np.array_equal(sound.frames_at_once(samples, loaded.frontend_config), expected)
    assert len(sound.frames_at_once(samples[:0], loaded.frontend_config)) == 0


def test_two_measurements_by_either_backend_give_the_same_numbers(bundle, data, folder, tmp_path):
    config = AlwaysOnConfig(bundle, data, folder)
    first = always_on.evaluate(config)
    by_engine = always_on.evaluate(dataclasses.replace(config, backend=evaluation.ENGINE))
    assert by_engine.pop("backend") == "engine"
    assert by_engine == {name: value for name, value in first.items() if name != "backend"}
    assert json.loads(json.dumps(first)) == json.loads(json.dumps(by_engine | {"backend": "interpreter"}))
    assert first["negatives"]["all"]["false_alarms"] == len(first["alarms"]) > 0
    assert set(first["words"]) == {condition.name for condition in hearing.CONDITIONS}
    shown = always_on_table.table(first)
    assert f"speech {'':10}" in shown and shown.count(always_on_table.UPPER_BOUND) == 2
    assert "speech may hold yes, no" in shown and "0.5" in shown
    certain = always_on.evaluate(dataclasses.replace(config, negatives_without=("yes", "no")))
    assert always_on_table.UPPER_BOUND not in always_on_table.table(certain)
    plot.draw_always_on(first, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_measured_is_one_line(bundle, data, folder, tmp_path, monkeypatch):
    mute = streaming_corpus.random_bundle(tmp_path / "mute", share=None).path
    config = AlwaysOnConfig(bundle, data, folder)
    for changed, kind, message in (
        ({"bundle": mute}, BundleError, "no detector"),
        ({"negatives": tmp_path / "none"}, DatasetError, "can't be read"),
        ({"split": "validation"}, EvaluationError, "no recording of the validation split: put one there"),
        (
            {"negatives_without": ("yes", "maybe")},
            EvaluationError,
            "negatives_without=yes,maybe: 'maybe' is no keyword",
        ),
    ):
        with pytest.raises(kind, match=message) as error:
            always_on.evaluate(dataclasses.replace(config, **changed))
        assert "\n" not in str(error.value)
    silent = dataclasses.replace(streaming_corpus.dataset(), noises={"testing": ()})
    speech = tmp_path / "speech"
    corpus.write_wav(speech / "speech_testing.wav", np.ones(16000))
    monkeypatch.setattr(datasets, "load", lambda config, part: silent)
    with pytest.raises(EvaluationError, match="no background noise: put recordings"):
        always_on.evaluate(dataclasses.replace(config, negatives=speech))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--streaming", "--negatives_without=yes"), "--negatives_without is for --negatives"),
        (("--streaming", "--negatives=none", "--negatives_without=yes"), "--negatives_without is for --negatives"),
        (("--streaming", "--negatives=x", "--hours=1"), "--hours is for the composed recording"),
        (("--streaming", "--negatives=/none"), "--negatives=/none is not a folder"),
        (("--conditions", "--seed=-1"), "--seed=-1"),
    ],
)
def test_flags_that_do_not_go_together_are_one_line(bundle, flags, message):
    command = [sys.executable, "-m", "kws.evaluate", f"--bundle={bundle}", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
