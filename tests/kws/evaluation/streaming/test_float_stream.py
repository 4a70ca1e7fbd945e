"""The float model on a stream: against Keras on the whole stream at once, in pieces of any size."""

import pathlib

import numpy as np
import pytest
import streaming_corpus

from kws.evaluation.evaluation_error import EvaluationError
from quant.qformat import QFormat

pytestmark = pytest.mark.slow  # imports TensorFlow

BLOCKS, ROWS = 2, 25


@pytest.fixture(scope="module", name="path")
def _path(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A small DS-CNN whose batch normalization is not the identity."""
    from kws.models.ds_cnn import DsCnnSpec
    from quant.training import model_file

    model = DsCnnSpec(6, (2, 2), ((1, 1),) * BLOCKS).build((49, 10, 1), 5, seed=3)
    rng = np.random.default_rng(4)
    model.set_weights([np.abs(rng.normal(0.6, 0.2, w.shape)) if w.ndim == 1 else w for w in model.get_weights()])
    path = tmp_path_factory.mktemp("float") / "model.h5"
    model_file.save_model(model, path)
    return path


def _frames(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(-128, 128, (count, 10)).astype(np.int8)


def test_stream_equals_keras_on_all_frames_at_once(path):
    import tensorflow as tf

    from kws.evaluation.streaming import float_stream
    from quant.training import model_file

    frames = _frames(400)
    logits = float_stream.logits_of(path, frames, QFormat(8, 5))
    assert logits.shape == (200, 5)
    model = model_file.load_model(path)
    x = tf.keras.Input((400, 10, 1))
    y = x
    for layer in model.layers[1:-2]:
        y = layer(y)
    rows = tf.keras.Model(x, y)(frames[None, :, :, None] / 32.0).numpy()[0].mean(1)
    kernel, bias = model.layers[-1].get_weights()
    # SAME padding sets row r of the first layer in the middle of frames 2r - 4 .. 2r + 5, and each block's amid rows.
    delay = 2 + BLOCKS
    for step in range(100, 200):
        window = rows[step - delay - ROWS + 1 : step - delay + 1]
        np.testing.assert_allclose(logits[step], window.mean(0) @ kernel + bias, rtol=1e-3, atol=1e-3)


def test_pieces_give_the_same_rows(path, monkeypatch):
    from kws.evaluation.streaming import float_stream

    frames = _frames(301)
    whole = float_stream.logits_of(path, frames, QFormat(8, 5))
    assert whole.shape == (150, 5)
    monkeypatch.setattr(float_stream, "_FRAMES_AT_ONCE", 37)
    np.testing.assert_allclose(float_stream.logits_of(path, frames, QFormat(8, 5)), whole, rtol=1e-4, atol=1e-4)


def test_missing_model_is_one_line(tmp_path):
    from kws.evaluation.streaming import float_stream

    with pytest.raises(EvaluationError, match=r"model\.h5 can't be read"):
        float_stream.logits_of(tmp_path / "model.h5", _frames(4), QFormat(8, 5))


def test_evaluation_sets_the_float_model_beside_the_bundle(tmp_path, monkeypatch):
    from kws import datasets
    from kws.datasets import DatasetConfig
    from kws.evaluation.streaming import evaluation
    from kws.evaluation.streaming.evaluation import StreamingConfig
    from kws.evaluation.streaming.recording import Recipe
    from kws.models.ds_cnn import DsCnnSpec
    from kws.training import run_folder
    from kws.training.training_error import TrainingError
    from quant.training import model_file

    bundle = streaming_corpus.random_bundle(tmp_path / "bundle", share=0.1)
    run = run_folder.create(tmp_path / "run", {})
    monkeypatch.setattr(datasets, "load", lambda _: streaming_corpus.dataset())
    with pytest.raises(TrainingError, match=r"model\.h5 is missing"):
        run_folder.float_model(run.path, bundle.frontend)
    model = DsCnnSpec(6, (2, 2), ((1, 1),)).build((49, 10, 1), len(bundle.labels), seed=3)
    model_file.save_model(model, run.model_path(run_folder.FLOAT))
    run.write_json(run_folder.FRONTEND, bundle.frontend)
    path = run_folder.float_model(run.path, bundle.frontend)
    config = StreamingConfig(
        bundle.path, DatasetConfig(words=("yes", "no"), processes=1), Recipe(hours=0.02), float_model=path
    )
    first, second = evaluation.evaluate(config), evaluation.evaluate(config)
    assert first == second
    assert set(first["float"]) == {"detector", "at_false_alarms_per_hour", "det"}
    assert first["float"] != first["integer"]
    assert "float   integer" in evaluation.table(first)
    run.write_json(run_folder.FRONTEND, {**bundle.frontend, "floor_bits": 15})
    with pytest.raises(TrainingError, match="another front end than the bundle"):
        run_folder.float_model(run.path, bundle.frontend)
