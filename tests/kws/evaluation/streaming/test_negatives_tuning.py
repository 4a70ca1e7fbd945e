"""Thresholds chosen on made-up logits of negatives and words; and the command, on a folder of negatives."""

import dataclasses
import json
import pathlib
import subprocess
import sys
import types

import corpus
import numpy as np
import pytest
import streaming_corpus

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.model.detector import NEVER
from kws import datasets, tune_detector
from kws.datasets import DatasetConfig
from kws.datasets.clip import Clips
from kws.datasets.dataset_error import DatasetError
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import error_rates, evaluation, negatives_tuning
from kws.evaluation.streaming.false_alarms import HeardNegative
from kws.evaluation.streaming.hearing import HeardWords
from kws.evaluation.streaming.recording import Recipe, Recording
from quant.qformat import QFormat

LABELS = streaming_corpus.LABELS
MODEL = types.SimpleNamespace(labels=LABELS, output_format=QFormat(8, 3))
STEP = 640


def _logits(seconds: float, heard: list[tuple[float, int, int]]) -> np.ndarray:
    """`_silence_` at code 0 but for (second, class, code): a logit of that code for 0.8 s."""
    logits = np.full((round(seconds * 25), len(LABELS)), -60, np.int8)
    logits[:, 0] = 0
    for second, label, code in heard:
        logits[round(second * 25) : round(second * 25) + 20, label] = code
    return logits


def _words(codes: dict[int, list[int]]) -> HeardWords:
    """Words of 5 s each: of each class as many as there are codes, its logits."""
    spoken = [(label, code) for label, of in codes.items() for code in of]
    starts = (np.arange(len(spoken)) * 5 + 2) * 16000
    logits = _logits(5 * len(spoken), [(5 * i + 2.4, label, code) for i, (label, code) in enumerate(spoken)])
    silent = np.broadcast_to(np.int16(0), (len(logits) * STEP,))
    labels = np.array([label for label, _ in spoken])
    recording = Recording(silent, starts, labels, np.zeros(len(spoken)), ("",) * len(spoken))
    return HeardWords(recording, ("",) * len(spoken), logits, STEP)


def _negative(kind: str, heard: list[tuple[float, int, int]], hours: float = 1.0) -> HeardNegative:
    return HeardNegative(f"{kind}_validation", kind, hours, _logits(hours * 3600, heard))


def _tune(negatives: list[HeardNegative], words: HeardWords, target: float | None, without=()):
    return negatives_tuning.tune(MODEL, negatives, {"30 dB": words, "10 dB": words}, without, target)


def test_each_keyword_is_put_above_its_own_false_alarms():
    # "no" is often heard in noise, weakly; its words are strong. "yes" never is, and its words are weak.
    noise = _negative("noise", [(60.0 + 9 * i, 3, 8 + i % 5) for i in range(60)])
    tuned = _tune([noise], _words({2: [10] * 20, 3: [50] * 20}), 1.0)
    assert tuned.heard_in_quiet == 1.0
    assert tuned.false_alarms["all"]["false_alarms"] == 0 and tuned.expected <= 1.0
    assert tuned.detector.thresholds[:2] == (NEVER, NEVER)
    averages = error_rates.thresholds_of(tuned.detector)
    assert averages[2] < 0.75 < averages[3]
    assert _tune([noise], _words({2: [10] * 20, 3: [50] * 20}), 1.0).detector == tuned.detector


def test_a_noise_that_lingers_before_it_is_taken_for_a_word_costs_no_threshold():
    # As sure as the words, which without a bound of the rise would be lost with it.
    noise = _negative("noise", [at for i in range(40) for at in ((60.0 + 9 * i, 3, 0), (60.8 + 9 * i, 3, 60))])
    tuned = _tune([noise], _words({2: [60] * 20, 3: [60] * 20}), 1.0)
    assert tuned.heard_in_quiet == 1.0
    assert tuned.false_alarms["all"]["false_alarms"] == 0
    assert tuned.detector.rise == tuned.detector.window + 6


def test_no_keyword_is_given_up_for_the_others():
    # Half of the words of "no" are as weak as its false alarms: a mean over words would leave it mute.
    noise = _negative("noise", [(60.0 + 9 * i, 3, 24) for i in range(4)])
    tuned = _tune([noise], _words({2: [60] * 40, 3: [40, 24] * 3}), 1.0)
    assert 0.4 < 1 - tuned.words["30 dB"]["keywords"]["no"]["miss_rate"] < 1
    assert tuned.words["30 dB"]["keywords"]["yes"]["miss_rate"] == 0


def test_speech_that_may_hold_the_word_counts_a_tenth():
    speech = _negative("speech", [(60.0 + 9 * i, 3, 24) for i in range(8)])
    words = _words({2: [60] * 10, 3: [24] * 10})
    maybe, surely = _tune([speech], words, 1.0), _tune([speech], words, 1.0, without=("yes", "no"))
    assert maybe.words["30 dB"]["keywords"]["no"]["miss_rate"] == 0
    assert maybe.false_alarms["speech"]["upper_bound"] and maybe.expected == pytest.approx(0.8, abs=0.05)
    assert surely.words["30 dB"]["keywords"]["no"]["miss_rate"] == 1
    assert not surely.false_alarms["speech"]["upper_bound"]


def test_the_target_rises_by_itself_until_nine_of_ten_are_heard():
    noise = _negative("noise", [(60.0 + 9 * i, 3, 24) for i in range(3)])
    words = _words({2: [60] * 20, 3: [24] * 20})
    assert _tune([noise], words, None).target == 4.0
    assert _tune([noise], words, 1.0).target == 1.0
    assert _tune([noise], _words({2: [60] * 20, 3: [60] * 20}), None).target == 1.0
    many = _negative("noise", [(60.0 + 9 * i, 3, 24) for i in range(30)])
    assert _tune([many], words, None).target == negatives_tuning.MOST_FALSE_ALARMS_PER_HOUR
    assert negatives_tuning.default_target(("_silence_", "_unknown_", "marvin")) == 0.5


def test_of_few_clips_the_target_begins_higher():
    noise = _negative("noise", [])
    for codes, target in (({2: [60] * 20, 3: [60] * 19}, 4.0), ({2: [60] * 20}, 1.0), ({2: [60]}, 4.0)):
        assert _tune([noise], _words(codes), None).target == target
        assert _tune([noise], _words(codes), 1.0).target == 1.0


def test_a_target_that_cannot_be_kept_is_one_line():
    noise = _negative("noise", [(60.0 + 9 * i, 3, 127) for i in range(10)])
    with pytest.raises(EvaluationError, match="at most false_alarms_per_hour=1 on the negatives: the network"):
        _tune([noise], _words({2: [60] * 4, 3: [60] * 4}), 1.0)


def test_the_tail_is_exponential_in_log_odds():
    odds = np.random.default_rng(0).exponential(0.5, 4000)
    peaks = 1 / (1 + np.exp(-odds))
    grid = np.arange(0, 4, 0.25)
    found = negatives_tuning.tail(peaks, 2.0, grid)
    assert found[0] == 2000
    assert found[:8] == pytest.approx(2000 * np.exp(-grid[:8] / 0.5), rel=0.2)
    beyond = np.array([3.0, 4.0, 5.0])
    assert np.all(negatives_tuning.tail(peaks, 2.0, beyond) > 0)
    assert np.log(negatives_tuning.tail(peaks, 2.0, beyond)) == pytest.approx(np.log(2000) - beyond / 0.5, abs=2)
    assert not negatives_tuning.tail(np.zeros(0), 2.0, grid).any()


@pytest.fixture(name="folder")
def _folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Twenty seconds of speech for validation, of noise for training, which lends validation the last five."""
    folder, rng = tmp_path / "negatives", np.random.default_rng(0)
    for name, level in (("speech_validation", 3000), ("noise_training", 50), ("noise_testing", 50)):
        corpus.write_wav(folder / f"{name}.wav", rng.normal(0, level, 320000).astype(np.int16))
    return folder


def test_the_command_writes_what_either_backend_finds(tmp_path, folder, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "load", lambda config, part=None: streaming_corpus.dataset())
    bundle = streaming_corpus.random_bundle(tmp_path / "bundle", share=None)
    data = DatasetConfig(words=("yes", "no"), processes=1, negatives=str(folder))
    # A random network hears nothing: what it made of the sound is compared, and other logits are chosen on.
    heard, written, choose = [], [], negatives_tuning.tune

    def chosen(model, negatives, words, without, target):
        heard.append([one.logits for one in (*negatives, *words.values())])
        noise = _negative("noise", [])
        other = _words({2: [60], 3: [60]})
        return choose(model, [noise], dict.fromkeys(words, other), without, target)

    monkeypatch.setattr(negatives_tuning, "tune", chosen)
    for backend in evaluation.BACKENDS:
        config = tune_detector.TuneConfig(bundle.path, data, Recipe(split="validation"), 1.0, backend)
        written.append(tune_detector.tune(config))
    assert len(heard[0]) == 4 and all(map(np.array_equal, *heard))
    assert written[0] == written[1]
    assert "warning" not in capsys.readouterr().err
    assert written[0]["tuned_for"]["negatives"] == {
        "speech": pytest.approx(20 / 3600),
        "noise": pytest.approx(5 / 3600),
    }
    assert json.loads(json.dumps(written[0]))["detector"] == written[0]["detector"]
    shown = tune_detector.table(written[0])
    assert "negatives of validation: speech 0.01 h, noise 0.00 h" in shown and "heard in quiet (30 dB)" in shown
    assert detector_file.of_bundle(bundles.load_hearing(bundle.path)).to_json() == written[0]["detector"]


def test_without_negatives_the_command_says_what_it_cannot_know(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "load", lambda config, part=None: streaming_corpus.dataset())
    bundle = streaming_corpus.random_bundle(tmp_path / "bundle", share=None)
    data = DatasetConfig(words=("yes", "no"), processes=1)
    recipe = Recipe(split="validation", hours=0.02)
    config = tune_detector.TuneConfig(bundle.path, data, recipe, 5000.0)
    tune_detector.tune(config)
    # What the demonstration does, whose user can't give any.
    assert "warning" not in capsys.readouterr().err
    tune_detector.warn(config.negatives)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(warnings) == 1 and "without --negatives=DIR" in warnings[0]
    missing = DatasetConfig(words=("yes", "no"), negatives=str(tmp_path / "none"))
    with pytest.raises(DatasetError, match=r"negatives=.*none is not a folder"):
        tune_detector.tune(tune_detector.TuneConfig(bundle.path, missing, recipe))


@pytest.mark.parametrize("on_negatives", [False, True])
def test_thresholds_are_not_chosen_where_a_keyword_is_not_said(tmp_path, folder, monkeypatch, on_negatives):
    whole = streaming_corpus.dataset()
    said = whole.splits["validation"]
    others = np.flatnonzero(said.labels != whole.labels.index("no"))
    names, speakers = (tuple(values[place] for place in others) for values in (said.names, said.speakers))
    without = Clips("validation", names, said.samples[others], said.labels[others], speakers)
    lacking = dataclasses.replace(whole, splits={**whole.splits, "validation": without})
    monkeypatch.setattr(datasets, "load", lambda config, part=None: lacking)
    bundle = streaming_corpus.random_bundle(tmp_path / "bundle", share=None)
    before = {path.name: path.read_bytes() for path in bundle.path.iterdir() if path.is_file()}
    data = DatasetConfig(words=("yes", "no"), processes=1, negatives=str(folder) if on_negatives else None)
    recipe = Recipe(split="validation", hours=0.02)
    with pytest.raises(EvaluationError, match="'no': the bundle's keywords without validation clips"):
        tune_detector.tune(tune_detector.TuneConfig(bundle.path, data, recipe))
    assert {path.name: path.read_bytes() for path in bundle.path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--negatives=/none",), "--negatives=/none is not a folder"),
        (("--negatives=none", "--negatives_without=yes"), "--negatives_without is for negatives"),
        (("--false_alarms_per_hour=-1",), "--false_alarms_per_hour=-1"),
    ],
)
def test_flags_that_mean_nothing_are_one_line(tmp_path, flags, message):
    bundle = streaming_corpus.random_bundle(tmp_path / "bundle", share=None).path
    command = [sys.executable, "-m", "kws.tune_detector", f"--bundle={bundle}", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
