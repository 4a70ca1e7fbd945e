"""The detector on the emulated device equals Python's; what a step takes."""

import pathlib

import emulated_device
import numpy as np
import pytest

from export.model import detector as detectors
from export.model.detector import MOST_STEPS, NEVER, ONE, Detector
from export.source import detector_source
from microcontroller import c_sources

FIRMWARE = pathlib.Path(__file__).parent / "detector"


def _run_on_device(detector: Detector, logits: np.ndarray, folder: pathlib.Path) -> tuple[np.ndarray, dict[str, int]]:
    """Detected classes int32 [2, steps] of two runs with a reset in between, and the firmware's counts."""
    for name, text in detector_source.generate(detector).items():
        (folder / name).write_text(text)
    (folder / "logits.bin").write_bytes(logits.tobytes())
    own = c_sources.detector()
    sources = [FIRMWARE / "main.c", folder / detector_source.SOURCE, *own.files]
    counts = emulated_device.run(folder, sources, own.include_folders, flags=[f"-DSTEPS_IN_FILE={len(logits)}"])
    return np.fromfile(folder / "detected.bin", np.int32).reshape(2, -1), counts


@pytest.mark.parametrize(("rise", "most", "state_bytes"), [(MOST_STEPS, 500, 256), (14, 600, 268)])
def test_the_device_detects_what_python_detects(tmp_path, rise, most, state_bytes):
    """A minute of logits; prints what docs/streaming.md says."""
    rng = np.random.default_rng(1)
    steps, classes = 1500, 12
    words = np.repeat(rng.integers(0, classes, steps // 25), 25)
    sure = np.where(np.arange(classes) == words[:, None], 60, 0)
    logits = np.clip(sure + rng.integers(-20, 20, (steps, classes)), -128, 127).astype(np.int8)
    logits[:30], logits[30:40] = -128, 127
    threshold = round(0.9 * ONE * 8)
    labels = tuple(f"label{i}" for i in range(classes))
    detector = Detector(labels, 3, 8, 20, (NEVER, NEVER, *[threshold] * 10), rise)
    detected, counts = _run_on_device(detector, logits, tmp_path)
    expected = np.full(steps, -1)
    for step, label in detectors.run(detector, logits):
        expected[step] = label
    assert (expected >= 0).sum() > 10
    assert counts["missing_bytes"] == 0
    for run in detected:
        assert np.array_equal(run, expected)
    print(counts)
    assert counts["most"] < most
    assert counts["state_bytes"] <= state_bytes
