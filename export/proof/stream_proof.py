"""Proves what hears a stream: a bundle's streaming network and detector in C against their definitions in Python."""

import dataclasses

import numpy as np

from export.bundle import detector_file
from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.model import stream_interpreter
from export.model.probes import probes
from export.model.stream_interpreter import StreamInterpreter
from export.proof.parity import Parity
from export.source import stream_source

STREAM, DETECTOR = "stream", "detector"
_WINDOWS = 24
"""So many clips and so many probes follow each other as one stream."""
_STEPS = 4000
"""Rows of logits that a detector hears."""


def missing(bundle: Bundle) -> dict[str, str]:
    """What the bundle has none of: part -> reason."""
    found = {}
    if reason := stream_interpreter.why_not(bundle.model):
        found[STREAM] = f"no stream: {reason}"
    elif stream_source.SOURCE not in bundle.c_files:
        found[STREAM] = bundle.c_files[stream_source.PLAN].splitlines()[0]
    if detectors.FILE not in bundle.manifest["files"]:
        found[DETECTOR] = "the bundle has no detector: python -m kws.tune_detector adds one"
    return found


def stream(bundle: Bundle, seed: int) -> Parity:
    """The streaming network's C on golden clips and probes, one behind the other; logits of every step.

    Raises:
      HostError: no compiler, or C that does not compile.
    """
    from export.host.stream import StreamEngine

    model, interpreter = bundle.model, StreamInterpreter(bundle.model)
    windows = np.concatenate([bundle.golden.features[:_WINDOWS], probes(seed, model, _WINDOWS)])
    frames = windows.reshape(-1, interpreter.frame_codes)
    with StreamEngine.build(bundle.c_folder) as engine:
        frames = frames[: len(frames) - len(frames) % engine.frames_per_call]
        return _parity(STREAM, bundle, engine.run(frames), interpreter.run(frames))


def detector(bundle: Bundle, seed: int) -> Parity:
    """The detector's C on logits of a class that leads for a while, and on noise; the detected class of every step.

    Raises:
      BundleError: a detector that can't be read.
      HostError: no compiler, or C that does not compile.
    """
    from export.host.detector import CDetector

    definition = detector_file.of_bundle(bundle)
    rng = np.random.default_rng(seed)
    classes = len(definition.labels)
    logits = rng.integers(-128, 128, (_STEPS, classes))
    leading = np.repeat(rng.integers(0, classes, _STEPS), rng.integers(1, 16, _STEPS))[: _STEPS // 2]
    logits[: len(leading)] = rng.integers(-128, -100, (len(leading), classes))
    logits[np.arange(len(leading)), leading] = 127
    codes = logits.astype(np.int8)
    expected = np.full(_STEPS, -1, np.int32)
    for step, label in detectors.run(definition, codes):
        expected[step] = label
    with CDetector.build(bundle.c_folder) as built:
        return _parity(DETECTOR, bundle, built.run(codes), expected)


def _parity(part: str, bundle: Bundle, found: np.ndarray, expected: np.ndarray) -> Parity:
    """Compares [steps, ...] with [steps, ...]."""
    parity = Parity(part, "single", (dataclasses.replace(bundle.model.layers[-1], name=part),))
    steps = len(expected)
    parity.add(part, found, expected.reshape(steps, 1, 1, -1), tuple(f"step {i}" for i in range(steps)))
    return parity


PARTS = {STREAM: stream, DETECTOR: detector}
"""Name -> the proof, of a bundle that is not `missing` it."""
