"""Composed recordings: where the words are, how loud, and that a seed gives one recording."""

import dataclasses

import numpy as np
import pytest
import streaming_corpus

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming.recording import SCENE_SECONDS, Recipe, compose

RECIPE = Recipe(hours=0.05)


@pytest.fixture(scope="module", name="data")
def _data():
    return streaming_corpus.dataset()


def test_one_seed_gives_one_recording(data):
    first, second = compose(data, RECIPE), compose(data, RECIPE)
    assert np.array_equal(first.samples, second.samples)
    assert first.names == second.names
    for change in ({"seed": 1}, {"split": "validation"}):
        assert not np.array_equal(first.samples, compose(data, dataclasses.replace(RECIPE, **change)).samples)


def test_words_stand_apart_within_their_scenes(data):
    recording = compose(data, RECIPE)
    assert len(recording.samples) == 3 * SCENE_SECONDS * SAMPLE_RATE
    assert recording.hours == pytest.approx(0.05)
    gaps = np.diff(recording.starts) - CLIP_SAMPLES
    assert gaps.min() >= RECIPE.pause_seconds[0] * SAMPLE_RATE - 1
    scene = SCENE_SECONDS * SAMPLE_RATE
    assert np.all(recording.starts // scene == (recording.starts + CLIP_SAMPLES - 1) // scene)
    for i in range(3):
        assert len(set(recording.snr_db[recording.starts // scene == i])) == 1
    assert set(recording.labels) == {1, 2, 3}
    share = np.mean(recording.labels > 1)
    assert 0.3 < share < 0.7


def test_a_word_is_heard_at_its_place_and_level(data):
    recipe = dataclasses.replace(RECIPE, snr_db=(60.0,), gain_db=(0.0, 0.0))
    recording = compose(data, recipe)
    clips = data.splits["testing"]
    reference = np.median([noise.rms(samples) for samples in clips.samples[1:]])
    for start, name in zip(recording.starts, recording.names, strict=True):
        heard = recording.samples[start : start + CLIP_SAMPLES].astype(float)
        clip = clips.samples[clips.names.index(name)].astype(float)
        assert np.corrcoef(heard, clip)[0, 1] > 0.999
        assert noise.rms(heard) == pytest.approx(reference, rel=0.02)


def test_noise_has_the_ratio_that_is_asked_for(data):
    for snr_db in (0.0, 20.0):
        recipe = dataclasses.replace(RECIPE, snr_db=(snr_db,))
        recording = compose(data, recipe)
        reference = np.median([noise.rms(samples) for samples in data.splits["testing"].samples[1:]])
        before = recording.samples[: recording.starts[0]]
        assert 20 * np.log10(reference / noise.rms(before)) == pytest.approx(snr_db, abs=1)


def test_every_clip_is_heard_before_any_comes_again(data):
    names = compose(data, RECIPE).names
    keywords = [name for name in names if int(name.removeprefix("testing")) > 5]
    assert len(set(keywords[:10])) == 10


def test_without_other_words_only_keywords_are_spoken(data):
    clips = data.splits["testing"]
    kept = np.flatnonzero(clips.labels != 1)
    only = dataclasses.replace(
        clips,
        names=tuple(clips.names[i] for i in kept),
        samples=clips.samples[kept],
        labels=clips.labels[kept],
        speakers=("",) * len(kept),
    )
    recording = compose(dataclasses.replace(data, splits={**data.splits, "testing": only}), RECIPE)
    assert set(recording.labels) == {2, 3}


def test_what_is_missing_is_named(data):
    with pytest.raises(EvaluationError, match="testing split has no background noise"):
        compose(dataclasses.replace(data, noises={**data.noises, "testing": ()}), RECIPE)
    silent = dataclasses.replace(data.splits["testing"], labels=np.zeros(16, np.int64))
    with pytest.raises(EvaluationError, match="testing split has no keywords"):
        compose(dataclasses.replace(data, splits={**data.splits, "testing": silent}), RECIPE)
    for hours in (0.0, -1.0, 25.0, float("nan")):
        with pytest.raises(EvaluationError, match=r"^hours="):
            Recipe(hours=hours)
    with pytest.raises(EvaluationError, match=r"^seed=-1"):
        Recipe(seed=-1)
