"""The words of a recording, by the streaming and by the one-shot network."""

import pathlib

import numpy as np
import pytest
import streaming_corpus

from export.model import interpreter
from export.model.stream_interpreter import StreamInterpreter
from kws.evaluation.streaming.recording import Recipe, compose
from kws.evaluation.streaming.sound import frames_of
from kws.experiments import word_accuracy
from kws.experiments.word_accuracy import WordAccuracyConfig
from kws.frontend import FrontEndConfig
from kws_cli.command import UserError

RECIPE = Recipe(hours=2 / 60)


def test_words_are_heard_where_they_are(tmp_path: pathlib.Path) -> None:
    bundle, dataset = streaming_corpus.random_bundle(tmp_path / "b"), streaming_corpus.dataset()
    result = word_accuracy.compare(bundle, dataset, RECIPE, processes=1)
    recording = compose(dataset, RECIPE)
    frames = frames_of(recording.samples, FrontEndConfig.from_json(bundle.frontend), processes=1)
    stream = StreamInterpreter(bundle.model)
    steps = [stream.step(pair) for pair in frames[: len(frames) // 2 * 2].reshape(-1, 2, 10)]
    right = {"streaming": 0, "one-shot every step": 0}
    for start, label in zip(recording.starts[: result["words"]], recording.labels, strict=False):
        # A clip's first window ends 640 samples behind its start; the nearest even frame.
        first = round((start / 320 + 1) / 2) * 2
        (step,) = (step for step in range(len(steps)) if stream.window_start(step) == first)
        right["streaming"] += int(steps[step].argmax() == label)
        logits = interpreter.run(bundle.model, frames[first : first + 49].reshape(1, 49, 10, 1))
        right["one-shot every step"] += int(logits.argmax() == label)
    assert result["words"] > 25
    for name, count in right.items():
        assert result["accuracy"][name] == count / result["words"]
    more = result["only_streaming_right"] - result["only_one_shot_right"]
    assert more == right["streaming"] - right["one-shot every step"]
    assert f"random {bundle.model.sha256[:12]}: {result['words']} words of 0.0333333 h" in word_accuracy.table(result)
    assert np.isclose(result["agreement"] * result["words"], round(result["agreement"] * result["words"]))


def test_a_bundle_that_was_not_trained_is_refused(tmp_path: pathlib.Path) -> None:
    bundle = streaming_corpus.random_bundle(tmp_path / "b")
    with pytest.raises(UserError, match="was not trained"):
        word_accuracy.measure(WordAccuracyConfig(bundle.path, None, RECIPE))
