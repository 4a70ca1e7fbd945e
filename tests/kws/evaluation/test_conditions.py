"""Conditions: what is drawn is what its name says, and every model hears the same."""

import json
import pathlib
import subprocess
import sys

import corpus
import numpy as np
import pytest
from test_clips import LABELS, write_bundle

from kws import datasets
from kws.datasets import DatasetConfig, noise
from kws.datasets.negatives import rooms
from kws.evaluation import conditions
from kws.evaluation.conditions import ConditionsConfig
from kws.evaluation.evaluation_error import EvaluationError

SPOKEN = 3 * corpus.EVALUATION


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    root = corpus.write(tmp_path_factory.mktemp("corpus"))
    clicks = np.zeros((6, 8000))
    clicks[:, 100], clicks[:, 900] = 20000, 5000
    corpus.write_wav(root / "negatives" / "room_impulse_responses.wav", clicks.ravel())
    return root


def config_of(data: pathlib.Path, *bundles: pathlib.Path, **changed: object) -> ConditionsConfig:
    return ConditionsConfig(bundles, DatasetConfig("speech_commands", str(data), processes=1), **changed)


@pytest.fixture(scope="module")
def heard(data: pathlib.Path) -> dict[str, conditions.Condition]:
    config = config_of(data)
    dataset = datasets.load(config.dataset, datasets.Part(("testing",), LABELS))
    return {condition.name: condition for condition in conditions.conditions(dataset, config)}


def levels(samples: np.ndarray) -> np.ndarray:
    return np.array([noise.rms(clip) for clip in samples])


def test_speech_at_every_gain_ratio_and_in_rooms(heard: dict[str, conditions.Condition]) -> None:
    clean = heard["gain 1"].samples
    assert [len(each.labels) for name, each in heard.items() if "silence" not in name] == [SPOKEN] * 13
    for gain in (0.5, 0.25, 0.1, 0.05):
        np.testing.assert_array_equal(heard[f"gain {gain:g}"].samples, np.rint(clean * gain))
    for snr_db in conditions.SNR_DB:
        added = heard[f"SNR {snr_db} dB"].samples - clean.astype(np.float64)
        found = 20 * np.log10(levels(clean) / levels(added))
        np.testing.assert_allclose(found, snr_db, atol=0.1)
    for name in ("synthetic rooms, RT60 0.3 s", "synthetic rooms, RT60 0.6 s", "2 recorded rooms"):
        np.testing.assert_allclose(levels(heard[name].samples), levels(clean), rtol=0.02)
        assert (heard[name].samples != clean).any(axis=1).all()


def test_silence_at_every_level(heard: dict[str, conditions.Condition]) -> None:
    assert not heard["silence, RMS 0"].samples.any()
    for low, high in conditions.SILENCE_RMS:
        for kind in ("recordings", "synthesized"):
            found = heard[f"silence, RMS {low:,} to {high:,}, {kind}"]
            assert set(found.labels.tolist()) == {LABELS.index("_silence_")}
            rms = levels(found.samples)
            assert 0.8 * low <= rms.min() < 1.2 * low and 0.8 * high < rms.max() <= 1.1 * high
            assert (
                low < np.median(rms) / np.sqrt(high / low) < 1.6 * low
                or 0.6 < np.median(rms) / np.sqrt(low * high) < 1.6
            )


def test_synthetic_rooms_reverberate_as_long_as_they_say() -> None:
    for rt60 in conditions.RT60_SECONDS:
        found = [rooms.synthetic(np.random.default_rng(number), rt60).rt60_seconds for number in range(16)]
        assert np.mean(found) == pytest.approx(rt60, rel=0.15)


@pytest.mark.slow
def test_models_stand_side_by_side(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    paths = [write_bundle(tmp_path / name).path for name in ("one", "two")]
    paths.append(write_bundle(tmp_path / "three", with_float=False).path)
    command = [sys.executable, "-m", "kws.evaluate", "--dataset=speech_commands", f"--data_dir={data}", "--conditions"]
    done = subprocess.run(
        [*command, f"--bundle={','.join(map(str, paths))}", "--json=-"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    # Both have the same float model.
    assert result["models"] == ["float of one", "one", "two", "three"]
    assert len(result["rows"]) == 13 + 1 + 2 * len(conditions.SILENCE_RMS)
    for row in result["rows"]:
        of_float, one, two, three = row["correct"]
        assert one == two == three
        assert 0 <= of_float <= 1
    assert result == conditions.evaluate(config_of(data, *paths))
    other = conditions.evaluate(config_of(data, *paths, seed=1))
    assert [row["correct"] for row in other["rows"]] != [row["correct"] for row in result["rows"]]
    text = conditions.table(result)
    assert text.splitlines()[0].split()[-5:] == ["of", "one", "one", "two", "three"]
    assert f"SNR 10 dB {SPOKEN}" in " ".join(text.split())


@pytest.mark.slow
def test_what_cannot_be_compared_is_one_line(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    one = write_bundle(tmp_path / "one").path
    other = write_bundle(tmp_path / "other", labels=("_silence_", "yes")).path
    with pytest.raises(EvaluationError, match=r"different classes can't be compared \(one: _silence_, .*; other: "):
        conditions.evaluate(config_of(data, one, other))
    command = [sys.executable, "-m", "kws.evaluate", f"--bundle={one}", f"--data_dir={data}", "--conditions"]
    for flag, said in (("--streaming", "give one of them"), ("--hours=1", "--hours is for --streaming")):
        done = subprocess.run([*command, flag], capture_output=True, text=True)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
