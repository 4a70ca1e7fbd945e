"""Proves what hears: a bundle's front end, streaming network and detector in C against their definitions in Python."""

import dataclasses

import numpy as np

from export.bundle import detector_file
from export.bundle.folder import Bundle
from export.frontend import cepstrum
from export.frontend.frontend_error import FrontEndError
from export.model import detector as detectors
from export.model import stream_interpreter
from export.model.probes import probes
from export.model.stream_interpreter import StreamInterpreter
from export.proof.parity import Parity
from export.source import stream_source

FRONTEND, STREAM, DETECTOR = "frontend", "stream", "detector"
_CLIPS = 24
"""Clips that a front end hears."""
_WINDOWS = 24
"""So many clips and so many probes follow each other as one stream."""
_STEPS = 4000
"""Rows of logits that a detector hears."""


def missing(bundle: Bundle) -> dict[str, str]:
    """What the bundle has none of: part -> reason."""
    found = {}
    if reason := _why_no_features(bundle):
        found[FRONTEND] = reason
    if reason := stream_interpreter.why_not(bundle.model):
        found[STREAM] = f"no stream: {reason}"
    elif stream_source.SOURCE not in bundle.c_files:
        found[STREAM] = bundle.c_files[stream_source.PLAN].splitlines()[0]
    if detectors.FILE not in bundle.manifest["files"]:
        found[DETECTOR] = "the bundle has no detector: python -m kws.tune_detector adds one"
    return found


def _why_no_features(bundle: Bundle) -> str:
    if not bundle.frontend:
        return "the bundle has no front end: its model takes features"
    try:
        cepstrum.spectrum(np.zeros((1, bundle.frontend_config.fft_length), np.int32))
    except FrontEndError as error:
        return str(error)
    return ""


def frontend(bundle: Bundle, seed: int) -> Parity:
    """The front end's C on silence, full scale, squares, a click, a sweep and noise of all levels; the codes of clips.

    Raises:
      HostError: no compiler, or C that does not compile.
    """
    from export.host.frontend import CFrontEnd

    config = bundle.frontend_config
    samples = _sounds(config.clip_samples, seed)
    heard = config.window_samples + (config.frames - 1) * config.hop_samples
    with CFrontEnd.build(bundle.c_folder) as built:
        found = built.clips(np.ascontiguousarray(samples[:, :heard]))
    names = tuple(f"sound {i}" for i in range(len(samples)))
    return _parity(FRONTEND, bundle, found, cepstrum.features(samples, config), names)


def _sounds(length: int, seed: int) -> np.ndarray:
    """int16 [`_CLIPS`, length]: what overflows, what rounds, what is silent, and noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(length)
    sounds = [np.full(length, level) for level in (0, -1, 32767, -32768)]
    sounds += [np.where(time // half % 2 == 0, 32767, -32768) for half in (1, 7, 80, 400)]
    sounds += [np.where(time % 8000 == 900, 32767, 0), np.rint(32767 * np.sin(time**2 * 1e-4))]
    while len(sounds) < _CLIPS:
        level = int(2 ** rng.uniform(0, 15))
        sounds.append(rng.integers(-level - 1, level + 1, length) * (time % 5000 < rng.integers(1, 5001)))
    return np.stack(sounds).astype(np.int16)


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
        found, expected = engine.run(frames), interpreter.run(frames)
    return _parity(STREAM, bundle, found, _of_steps(expected), _steps(len(expected)))


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
        found = built.run(codes)
    return _parity(DETECTOR, bundle, found, _of_steps(expected), _steps(_STEPS))


def _of_steps(codes: np.ndarray) -> np.ndarray:
    """[steps] or [steps, n] as [steps, 1, 1, n]."""
    return codes.reshape(len(codes), 1, 1, -1)


def _steps(count: int) -> tuple[str, ...]:
    return tuple(f"step {i}" for i in range(count))


def _parity(part: str, bundle: Bundle, found: np.ndarray, expected: np.ndarray, names: tuple[str, ...]) -> Parity:
    """Compares as many codes, in any shape, with [n, height, width, channels] of n names."""
    parity = Parity(part, "single", (dataclasses.replace(bundle.model.layers[-1], name=part),))
    parity.add(part, found, expected, names)
    return parity


PARTS = {FRONTEND: frontend, STREAM: stream, DETECTOR: detector}
"""Name -> the proof, of a bundle that is not `missing` it."""
