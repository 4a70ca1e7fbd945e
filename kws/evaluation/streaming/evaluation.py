"""Error rates of a bundle's streaming network and detector on a composed recording, the float model's beside them."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.model.detector import Detector
from kws import datasets
from kws.datasets.clip import Dataset
from kws.evaluation import metrics
from kws.evaluation.clips import check_classes
from kws.evaluation.streaming import error_rates, sound
from kws.evaluation.streaming.error_rates import TARGETS, Curve, Score
from kws.evaluation.streaming.recording import TOLERANCE_SECONDS, Recipe, Recording, compose

INTERPRETER, ENGINE = BACKENDS = ("interpreter", "engine")


@dataclasses.dataclass(frozen=True)
class StreamingConfig:
    """What to measure.

    Attributes:
      bundle: path of the bundle.
      dataset: where the clips and noises come from.
      recipe: of the recording.
      backend: one of BACKENDS; both compute the same codes.
      float_model: of the run from which the bundle was converted (.h5); None leaves the float column out.
    """

    bundle: pathlib.Path
    dataset: datasets.DatasetConfig
    recipe: Recipe = dataclasses.field(default_factory=Recipe)
    backend: str = INTERPRETER
    float_model: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True)
class Heard:
    """A recording as the network hears it.

    Attributes:
      recording: what was played.
      frames: int8 [hops, coefficients].
      step_samples: samples of one step.
    """

    recording: Recording
    frames: np.ndarray
    step_samples: int


def evaluate(config: StreamingConfig) -> dict[str, Any]:
    """Composes the recording and returns the figures as JSON values.

    Returns:
      "bundle", "model_sha256", "dataset", "recipe", "hours", "keywords", "other_words"; "integer" and, with a run,
      "float", each with "detector" (miss rate and false alarms per hour of the bundle's own thresholds),
      "at_false_alarms_per_hour" (the same at 1 and 5 of them, all thresholds moved together) and "det";
      "miss_rate_by_snr_db" of "integer".

    Raises:
      BundleError: a bundle without a detector.
      EvaluationError: other classes than the bundle's, or a float model that can't be read.
    """
    bundle = bundles.load_hearing(config.bundle)
    detector = detector_file.of_bundle(bundle)
    dataset = datasets.load(config.dataset)
    heard = hear(bundle, dataset, config.recipe, config.dataset.worker_processes)
    return measure(bundle, detector, dataset, config, heard)


def hear(bundle: Bundle, dataset: Dataset, recipe: Recipe, processes: int) -> Heard:
    """Composes a recording and computes its frames.

    Raises:
      EvaluationError: other classes than the bundle's, or nothing to compose a recording of.
    """
    check_classes(bundle, dataset)
    parameters = bundle.frontend_config
    recording = compose(dataset, recipe)
    label = f"{recipe.split} recording"
    frames = sound.frames_of(recording.samples, parameters, processes=processes, label=label)
    step_samples = sound.network_of(bundle.model).frames_per_step * parameters.hop_samples
    return Heard(recording, frames, step_samples)


@contextlib.contextmanager
def listening(bundle: Bundle, backend: str) -> Iterator[Callable[[np.ndarray], np.ndarray]]:
    """The streaming network: frames int8 [hops, coefficients] of a stream from its start to logit codes int8 [steps,
    classes]. Each call hears another stream; hops that fill no step are left out."""
    if backend == INTERPRETER:
        yield lambda frames: sound.logits_of(bundle.model, frames)
        return
    from export.host.stream import StreamEngine

    with StreamEngine.build(bundle.c_folder) as engine:

        def hear_stream(frames: np.ndarray) -> np.ndarray:
            engine.reset()
            return engine.run(frames[: len(frames) - len(frames) % engine.frames_per_call])

        yield hear_stream


def logits_of(bundle: Bundle, frames: np.ndarray, backend: str) -> np.ndarray:
    """The streaming network's logit codes int8 [steps, classes] of frames int8 [hops, coefficients]."""
    with listening(bundle, backend) as network:
        return network(frames)


def measure(
    bundle: Bundle,
    detector: Detector,
    dataset: Dataset,
    config: StreamingConfig,
    heard: Heard,
) -> dict[str, Any]:
    """`evaluate` of a recording whose frames are known."""
    recording, labels = heard.recording, bundle.labels

    def score(found: Sequence[tuple[int, int]]) -> Score:
        return error_rates.score(found, recording, labels, heard.step_samples)

    def curve(averages: np.ndarray) -> Curve:
        return error_rates.curve(averages, error_rates.thresholds_of(detector), detector, score)

    logits = logits_of(bundle, heard.frames, config.backend)
    own = score(detectors.run(detector, logits))
    along = curve(error_rates.averages_of(detector, logits))
    keyword = np.array([not label.startswith("_") for label in labels])[recording.labels]
    result: dict[str, Any] = {
        "bundle": bundle.name,
        "model_sha256": bundle.model.sha256,
        "dataset": dataset.name,
        "recipe": config.recipe.to_json(),
        "tolerance_seconds": TOLERANCE_SECONDS,
        "backend": config.backend,
        "hours": recording.hours,
        "keywords": int(keyword.sum()),
        "other_words": int((~keyword).sum()),
        "detector": detector.to_json(),
        "integer": {"detector": own.to_json(labels), **along.to_json(labels)},
    }
    result["integer"]["miss_rate_by_snr_db"] = {
        f"{snr_db:g}": 1 - float(own.heard_words[keyword & (recording.snr_db == snr_db)].mean())
        for snr_db in config.recipe.snr_db
        if (keyword & (recording.snr_db == snr_db)).any()
    }
    if config.float_model is not None:
        from kws.evaluation.streaming import float_stream

        values = float_stream.logits_of(config.float_model, heard.frames, bundle.model.input_format)
        averages = detectors.smooth(np.exp(metrics.log_posteriors(values)), detector.window) / detector.window
        found = detectors.decide(averages, error_rates.thresholds_of(detector), detector, error_rates.ONSET)
        result["float"] = {"detector": score(found).to_json(labels), **curve(averages).to_json(labels)}
    return result


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    recipe = result["recipe"]
    systems = [name for name in ("float", "integer") if name in result]
    lines = [
        f"{result['bundle']} on {result['hours']:.2f} hours of {result['dataset']} {recipe['split']} (seed "
        f"{recipe['seed']}): {result['keywords']} keywords, {result['other_words']} other words, SNR "
        f"{', '.join(f'{snr_db:g}' for snr_db in recipe['snr_db'])} dB",
        f"{'':38}" + "".join(f"{name:>10}" for name in systems),
    ]

    def row(name: str, values: list[float | None], form: str = "{:.1f} %", scale: float = 100.0) -> None:
        cells = ["-" if value is None else form.format(scale * value) for value in values]
        lines.append(f"{name:38}" + "".join(f"{cell:>10}" for cell in cells))

    def at(system: str, target: str) -> dict[str, Any] | None:
        return result[system]["at_false_alarms_per_hour"][target]

    targets = [f"{target:g}" for target in TARGETS]
    for target in targets:
        found = [at(system, target) for system in systems]
        row(f"miss rate at {target} false alarms per hour", [one["miss_rate"] if one else None for one in found])
    row("miss rate of the bundle's detector", [result[system]["detector"]["miss_rate"] for system in systems])
    rates = [result[system]["detector"]["false_alarms_per_hour"] for system in systems]
    row("its false alarms per hour", rates, "{:.1f}", 1.0)
    by_snr = result["integer"]["miss_rate_by_snr_db"]
    lines.append(
        "its misses by SNR (integer): " + ", ".join(f"{snr} dB {100 * rate:.1f} %" for snr, rate in by_snr.items())
    )
    head = "".join(f"{f'{system}@{target}':>12}" for target in targets for system in systems)
    lines.append(f"{'miss rate by keyword':20}{'spoken':>8}{head}")
    for name, values in result["integer"]["detector"]["keywords"].items():
        cells = [
            found["keywords"][name]["miss_rate"] if found else None
            for found in (at(system, target) for target in targets for system in systems)
        ]
        shown = "".join("           -" if cell is None else f"{100 * cell:10.1f} %" for cell in cells)
        lines.append(f"{name:20}{values['spoken']:8d}{shown}")
    return "\n".join(lines)
