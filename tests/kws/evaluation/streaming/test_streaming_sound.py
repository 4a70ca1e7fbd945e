"""Sound in pieces is heard as the whole is; frames are those of the one-shot front end."""

import pathlib

import numpy as np
import pytest
import streaming_corpus

from export.bundle import detector_file
from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.model.detector import Detector
from kws import frontend
from kws.evaluation.streaming import sound
from kws.evaluation.streaming.recording import Recipe, compose
from kws.evaluation.streaming.sound import Listener


@pytest.fixture(scope="module", name="bundle")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return streaming_corpus.random_bundle(tmp_path_factory.mktemp("streaming") / "bundle")


@pytest.fixture(scope="module", name="samples")
def _samples() -> np.ndarray:
    return compose(streaming_corpus.dataset(), Recipe(hours=1 / 60)).samples


def _detector(bundle: Bundle, logits: np.ndarray) -> Detector:
    """Of which the stream makes some detections, whatever the random network says."""
    blank = detector_file.of_bundle(bundle)
    sums = detectors.smooth(detectors.posteriors(blank, logits).astype(np.int64), blank.window)
    thresholds = np.maximum(np.quantile(sums, 0.9, axis=0), 1).astype(int).tolist()
    return Detector(blank.labels, blank.fraction_bits, blank.window, blank.refractory, tuple(thresholds))


def test_frames_are_those_of_the_front_end(samples):
    config = streaming_corpus.front_end()
    frames = sound.frames_of(samples, config, processes=1)
    assert frames.shape == (len(samples) // 320, 10)
    # Hop h ends what the one-shot front end calls frame h - 1.
    clips = np.stack([samples[start : start + 16000] for start in (0, 48000, 123 * 320)])
    expected = frontend.features(clips, config)[..., 0]
    for start, one in zip((0, 150, 123), expected, strict=True):
        assert np.array_equal(frames[start + 1 : start + 50], one)
    first = np.concatenate([np.zeros(320, np.int16), samples[:15680]])
    assert np.array_equal(frames[0], frontend.features(first[None], config)[0, 0, :, 0])


@pytest.mark.parametrize("count", [0, 319, 320, 16000, 16001, 31999])
def test_frames_of_any_length(samples, count):
    config = streaming_corpus.front_end()
    frames = sound.frames_of(samples[:count], config, processes=1)
    assert np.array_equal(frames, sound.frames_of(samples[:48000], config, processes=1)[: count // 320])


@pytest.mark.parametrize("block_seconds", [0.04, 0.2, 1.0])
def test_pieces_are_heard_as_the_whole(bundle, samples, block_seconds):
    samples = samples[: 16000 * 20 + 1234]
    frames = sound.frames_of(samples, frontend.FrontEndConfig.from_json(bundle.frontend), processes=1)
    logits = sound.logits_of(bundle.model, frames)
    detector = _detector(bundle, logits)
    expected = sound.detections_in(detector, logits, step_samples=640)
    assert len(expected) > 5
    listener = Listener(bundle, detector, block_seconds)
    rng = np.random.default_rng(3)
    found, place = [], 0
    while place < len(samples):
        length = int(rng.integers(1, 9000))
        found += listener.feed(samples[place : place + length])
        place += length
    found += listener.finish()
    assert found == expected
    assert listener.seconds == len(samples) // 640 * 640 / 16000


def test_a_bundle_takes_and_loses_nothing_with_its_detector(bundle, tmp_path: pathlib.Path):
    detector = detector_file.of_bundle(bundle)
    assert detector.labels == bundle.labels
    assert "fxp_detector_config.h" in bundle.manifest["c"]["files"]
    assert bundle.golden.clips == ("a", "b")
    assert not [path for path in bundle.path.parent.iterdir() if path != bundle.path]
