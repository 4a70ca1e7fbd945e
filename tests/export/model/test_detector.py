"""The detector: its arithmetic by hand, step by step against all at once, and its C against both."""

import dataclasses
import itertools
import pathlib

import numpy as np
import pytest

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.host.detector import CDetector
from export.host.host_error import HostError
from export.model import detector as detectors
from export.model.detector import NEVER, ONE, Detector, DetectorState
from export.source import detector_source

LABELS = ("_silence_", "yes", "no")


def _detector(window: int = 2, refractory: int = 4, share: float = 0.75, **changes: object) -> Detector:
    threshold = round(share * ONE) * window
    return dataclasses.replace(Detector(LABELS, 3, window, refractory, (NEVER, threshold, threshold)), **changes)


def _stream(*stretches: tuple[int, int]) -> np.ndarray:
    """(class, steps) in a row: logits that are sure of the class."""
    rows = [np.repeat(np.where(np.arange(3) == label, 127, -128)[None], steps, 0) for label, steps in stretches]
    return np.concatenate(rows).astype(np.int8)


def _by_steps(detector: Detector, logits: np.ndarray) -> list[tuple[int, int]]:
    state = DetectorState(detector)
    found = [(step, state.step(row)) for step, row in enumerate(logits)]
    return [(step, label) for step, label in found if label >= 0]


def _in_c(detector: Detector, logits: np.ndarray, folder: pathlib.Path) -> list[tuple[int, int]]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in detector_source.generate(detector).items():
        (folder / name).write_text(text)
    engine = CDetector.build(folder)
    detected = engine.run(logits)
    engine.reset()
    half = len(logits) // 2
    again = np.concatenate([engine.run(logits[:half]), engine.run(logits[half:])])
    assert np.array_equal(detected, again)
    steps = np.flatnonzero(detected >= 0)
    return list(zip(steps.tolist(), detected[steps].tolist(), strict=True))


def test_posteriors_by_hand():
    detector = _detector(fraction_bits=0)
    logits = np.array([[1, 1, -128], [127, 126, -128], [-128, -128, -128]], np.int8)
    e = round(ONE * np.exp(-1))
    expected = [
        [ONE // 2, ONE // 2, 0],
        [ONE * ONE // (ONE + e), e * ONE // (ONE + e), 0],
        [ONE // 3] * 3,
    ]
    assert detectors.posteriors(detector, logits).tolist() == expected


def test_posteriors_are_a_softmax():
    logits = np.random.default_rng(0).integers(-128, 128, (500, 3)).astype(np.int8)
    exact = np.exp(logits / 8.0)
    exact /= exact.sum(1, keepdims=True)
    np.testing.assert_allclose(detectors.posteriors(_detector(), logits) / ONE, exact, atol=3 / ONE)


def test_smoothing_sums_the_last_steps():
    values = np.arange(10, dtype=np.int64)[:, None]
    assert detectors.smooth(values, 3)[:, 0].tolist() == [0, 1, 3, 6, 9, 12, 15, 18, 21, 24]
    assert detectors.smooth(values, 1).tolist() == values.tolist()
    assert detectors.smooth(values, 50)[:, 0].tolist() == np.cumsum(values).tolist()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ([(0, 9)], []),
        # The second step fills the window; one utterance is detected once, however long.
        ([(0, 3), (1, 30), (0, 3)], [(4, 1)]),
        # The same word again, behind the refractory time: detected, for its score fell in between.
        ([(1, 3), (0, 2), (1, 3)], [(1, 1), (6, 1)]),
        # Another word within the refractory time is detected when that is over, if it still lasts ...
        ([(1, 2), (2, 4)], [(1, 1), (5, 2)]),
        # ... and not if it doesn't.
        ([(1, 2), (2, 2), (0, 5)], [(1, 1)]),
        # The same word, up again within the refractory time and still there when it ends.
        ([(1, 2), (0, 1), (1, 5)], [(1, 1), (5, 1)]),
    ],
)
def test_one_detection_per_utterance(tmp_path, stream, expected):
    logits = _stream(*stream)
    assert detectors.run(_detector(), logits) == expected
    assert _by_steps(_detector(), logits) == expected
    assert _in_c(_detector(), logits, tmp_path) == expected


@pytest.mark.parametrize(
    ("unsure", "rise", "expected"),
    [
        # The sum lingers at half of the most, above the onset of an eighth, and reaches 0.8 of it in its fifth step.
        (3, 5, [(4, 1)]),
        (3, 4, []),
        (60, 254, [(61, 1)]),
        (300, 254, []),
        # 255 is no bound, however many steps are counted.
        (300, 255, [(301, 1)]),
    ],
)
def test_what_rises_for_too_long_is_no_word(tmp_path, unsure, rise, expected):
    detector = _detector(rise=rise, share=0.8)
    logits = np.concatenate([np.array([[40, 40, -128]] * unsure, np.int8), _stream((1, 20), (0, 5))])
    assert detectors.run(detector, logits) == _by_steps(detector, logits) == expected
    assert _in_c(detector, logits, tmp_path) == expected
    # Below the onset a rise begins anew.
    again = np.concatenate([logits, _stream((1, 5))])
    last = [(len(logits) + 1, 1)]
    assert detectors.run(detector, again) == _by_steps(detector, again) == [*expected, *last]


def test_a_threshold_below_the_onset_begins_its_rise_itself(tmp_path):
    detector = _detector(window=1, refractory=1, rise=1, thresholds=(NEVER, 1, NEVER))
    logits = np.array([[40, 0, 0], [40, 0, 0], [0, 40, 0], [40, -128, 0], [40, 0, 0]], np.int8)
    expected = [(0, 1), (4, 1)]
    assert detectors.run(detector, logits) == _by_steps(detector, logits) == expected
    assert _in_c(detector, logits, tmp_path) == expected


def test_a_threshold_that_is_met_exactly_is_reached(tmp_path):
    logits = np.array([[0, 40, 0]] * 6, np.int8)
    (posterior,) = set(detectors.posteriors(_detector(), logits)[:, 1].tolist())
    for threshold, expected in ((2 * posterior, [(1, 1)]), (2 * posterior + 1, [])):
        detector = _detector(thresholds=(NEVER, threshold, NEVER))
        assert detectors.run(detector, logits) == _by_steps(detector, logits) == expected
        assert _in_c(detector, logits, tmp_path) == expected


def test_of_equals_the_first_is_detected_and_then_the_other(tmp_path):
    detector = _detector(thresholds=(NEVER, 1, 1), refractory=1, window=1)
    logits = np.zeros((4, 3), np.int8)
    expected = [(0, 1), (1, 2)]
    assert detectors.run(detector, logits) == _by_steps(detector, logits) == expected
    assert _in_c(detector, logits, tmp_path) == expected


def _adversarial(rng: np.random.Generator, classes: int) -> np.ndarray:
    """Noise, smooth noise, extremes, ties, and words in a row."""
    steps = 400
    wander = np.cumsum(rng.normal(0, 12, (steps, classes)), axis=0)
    words = np.repeat(rng.integers(0, classes, steps // 5), 5)
    parts = [
        rng.integers(-128, 128, (steps, classes)),
        np.clip(wander - wander.mean(1, keepdims=True), -128, 127),
        rng.choice([-128, 127], (steps, classes)),
        np.full((40, classes), -128),
        np.full((40, classes), 127),
        rng.integers(-1, 2, (steps, classes)),
        np.where(np.arange(classes) == words[:, None], rng.integers(0, 60, (steps, 1)), 0),
    ]
    return np.concatenate(parts).astype(np.int8)


@pytest.mark.parametrize(
    ("fraction_bits", "classes", "window", "refractory", "rise"),
    [
        (3, 12, 8, 20, 255),
        (3, 12, 16, 20, 22),
        (7, 12, 4, 10, 3),
        (-1, 2, 1, 1, 1),
        (3, 35, 255, 255, 254),
        (3, 35, 255, 255, 255),
        (0, 3, 5, 2, 6),
    ],
)
def test_all_at_once_step_by_step_and_c_agree(tmp_path, fraction_bits, classes, window, refractory, rise):
    rng = np.random.default_rng([fraction_bits + 8, classes])
    logits = _adversarial(rng, classes)
    labels = tuple(f"label{i}" for i in range(classes))
    found = 0
    for share in (0.05, 0.8):
        thresholds = np.maximum(np.rint(share * ONE * window * rng.uniform(0.8, 1.0, classes)), 1).astype(int).tolist()
        thresholds[0] = NEVER
        detector = Detector(labels, fraction_bits, window, refractory, tuple(thresholds), rise)
        expected = detectors.run(detector, logits)
        assert _by_steps(detector, logits) == expected
        assert _in_c(detector, logits, tmp_path / str(share)) == expected
        steps = [step for step, _ in expected]
        assert all(later - earlier >= refractory for earlier, later in itertools.pairwise(steps))
        found += len(expected)
    assert found


def test_json_gives_the_same_detector():
    for detector, version in ((_detector(), 1), (_detector(rise=9), 2)):
        assert Detector.from_json(detector.to_json()) == detector
        assert "_silence_" not in detector.to_json()["thresholds"]
        # A reader of before is not to take a detector that bounds the rise for one that does not.
        assert detector.to_json()["format_version"] == version
        assert ("rise" in detector.to_json()) == (version == 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 0}, "window=0: expected 1 to 255"),
        ({"refractory": 256}, "refractory=256"),
        ({"thresholds": {"maybe": 5}}, "maybe"),
        ({"thresholds": {"yes": 0}}, "threshold of 'yes' is 0"),
        ({"format_version": 3}, "format version 1 or 2"),
        ({"format_version": 2}, "damaged"),
        ({"format_version": 2, "rise": 0}, "rise=0: expected 1 to 255"),
        ({"rise": 9}, "rise=9 is of format version 2, not 1"),
        ({"labels": None}, "damaged"),
    ],
)
def test_a_damaged_detector_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        Detector.from_json(_detector().to_json() | change)


def test_wrong_logits_are_named(tmp_path):
    for logits in (np.zeros((4, 3)), np.zeros((4, 2), np.int8), np.zeros(3, np.int8)):
        with pytest.raises(ValueError, match=r"expected int8 \(steps, 3\)"):
            detectors.run(_detector(), logits)
    assert detectors.run(_detector(), np.zeros((0, 3), np.int8)) == []


def test_missing_c_is_one_line(tmp_path):
    with pytest.raises(HostError, match=r"fxp_detector_config\.h is missing: .*kws\.tune_detector"):
        CDetector.build(tmp_path)


def test_a_bundle_keeps_its_detector(make_bundle, small_model):
    bundle = make_bundle(small_model)
    with pytest.raises(BundleError, match=r"^bundle=.* has no detector: write one with python -m kws\.tune_detector"):
        detector_file.of_bundle(bundle)
    detector = detectors.default(bundle.model)
    files = detector_file.bundle_files(detector, {"tuned_for": "a test"})
    added = bundles.add(bundle, files)
    assert detector_file.of_bundle(added) == detector
    assert added.manifest["files"].keys() == bundle.manifest["files"].keys() | files.keys()
    other = dataclasses.replace(detector, window=3, rise=9)
    again = bundles.add(added, detector_file.bundle_files(other, {}))
    assert detector_file.of_bundle(again) == other
    assert [path.name for path in bundle.path.parent.iterdir() if path.is_dir()] == [bundle.path.name]


def test_a_detector_of_another_model_is_refused(make_bundle, small_model):
    bundle = make_bundle(small_model)
    detector = detectors.default(bundle.model)
    for changed in (
        dataclasses.replace(detector, fraction_bits=detector.fraction_bits + 1),
        dataclasses.replace(detector, labels=("a", *detector.labels[1:])),
    ):
        with pytest.raises(BundleError, match="was not made for the bundle's model"):
            detector_file.of_bundle(bundles.add(bundle, detector_file.bundle_files(changed, {})))
    for text in ("{", "[]", '{"detector": {}}'):
        with pytest.raises(BundleError, match=r"detector\.json can't be read"):
            detector_file.of_bundle(bundles.add(bundle, {detectors.FILE: text}))
