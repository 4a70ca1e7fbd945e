"""Accuracy under conditions: gain, noise, rooms; and the recall of `_silence_` by the level of what is no speech.

Every model hears the same clips: what is drawn depends on the seed and the condition alone.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from export.bundle import folder as bundles
from export.bundle.folder import FLOAT_WEIGHTS, Bundle
from export.host import float_steps
from export.model import float_model, interpreter
from kws import datasets
from kws.datasets import noise
from kws.datasets.clip import SILENCE, Clips, Dataset
from kws.datasets.negatives import clips as negative_clips
from kws.datasets.negatives import rooms
from kws.datasets.negatives.rooms import ImpulseResponse
from kws.evaluation import clips as on_clips
from kws.evaluation import metrics
from kws.evaluation.clips import EvaluateConfig
from kws.evaluation.evaluation_error import EvaluationError
from kws.examples import extraction
from kws_cli.table import aligned

GAINS = (1.0, 0.5, 0.25, 0.1, 0.05)
SNR_DB = (30, 20, 10, 5, 0)
RT60_SECONDS = (0.3, 0.6)
SILENCE_RMS = ((1, 10), (10, 100), (100, 1000), (1000, 10_000))
_SILENCE_CLIPS = 300
"""Of each level, from recordings, and as many synthesized."""
_STEEPEST_SLOPE = 2.0

Change = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""Of a clip, float64 [16000]."""


@dataclasses.dataclass(frozen=True)
class ConditionsConfig:
    """What to measure.

    Attributes:
      bundles: paths of bundles of the same classes.
      dataset: where the clips, noises and rooms come from.
      split: one of training, validation, testing.
      seed: of all draws.
    """

    bundles: tuple[pathlib.Path, ...]
    dataset: datasets.DatasetConfig
    split: str = "testing"
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Condition:
    """Clips that are heard together.

    Attributes:
      name: as in "SNR 10 dB".
      samples: int16 [n, 16000].
      labels: int64 [n].
    """

    name: str
    samples: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class Model:
    """A column: logits of feature codes, int8 [n, h, w, c] to [n, classes], and which integer model they are of."""

    title: str
    bundle: Bundle
    logits: Callable[[np.ndarray], np.ndarray]
    sha256: str | None = None


def evaluate(config: ConditionsConfig) -> dict[str, Any]:
    """Hears all conditions with all models.

    Returns:
      "dataset", "split", "seed", "models" (titles), "model_sha256" (None of a float model), and "rows": "condition",
      "clips", and "correct", of each model the share of clips that it gets right. Spoken clips are counted in the
      conditions of speech, `_silence_` in its own.

    Raises:
      EvaluationError: bundles of different classes, or no spoken clip.
      DatasetError: no recordings of noise.
    """
    opened = [bundles.load_hearing(path) for path in config.bundles]
    if len({bundle.labels for bundle in opened}) > 1:
        named = "; ".join(f"{bundle.path.name}: {', '.join(bundle.labels)}" for bundle in opened)
        raise EvaluationError(f"bundles of different classes can't be compared ({named}): give them one by one")
    models = [model for bundle in _apart(opened) for model in bundle]
    first = EvaluateConfig(config.bundles[0], config.dataset, config.split)
    dataset = on_clips.load_split(opened[0], first)
    rows = [_row(condition, models, config) for condition in conditions(dataset, config)]
    names = {"models": [model.title for model in models], "model_sha256": [model.sha256 for model in models]}
    return {"dataset": dataset.name, "split": config.split, "seed": config.seed, **names, "rows": rows}


def _apart(opened: Sequence[Bundle]) -> Iterator[list[Model]]:
    """Each bundle's models: its float model, unless an earlier bundle has the same, and its integers."""
    seen = set()
    for bundle in opened:
        title, weights, models = bundle.path.resolve().name, bundle.manifest["files"].get(FLOAT_WEIGHTS), []
        if bundle.float_model is not None and weights not in seen:
            seen.add(weights)
            models.append(Model(f"float of {title}", bundle, _float_logits(bundle.float_model)))
        yield [*models, Model(title, bundle, _integer_logits(bundle), bundle.model.sha256)]


def _float_logits(model: float_model.FloatModel) -> Callable[[np.ndarray], np.ndarray]:
    return lambda codes: float_model.run(model, codes)


def _integer_logits(bundle: Bundle) -> Callable[[np.ndarray], np.ndarray]:
    return lambda codes: interpreter.run(bundle.model, codes, steps=float_steps.steps())


def _row(condition: Condition, models: Sequence[Model], config: ConditionsConfig) -> dict[str, Any]:
    codes: dict[Any, np.ndarray] = {}
    correct = []
    for model in models:
        parameters = model.bundle.frontend_config
        if parameters not in codes:
            processes, label = config.dataset.worker_processes, condition.name
            codes[parameters] = extraction.extract(condition.samples, parameters, processes=processes, label=label)
        correct.append(metrics.accuracy(model.logits(codes[parameters]), condition.labels))
    return {"condition": condition.name, "clips": len(condition.labels), "correct": correct}


def conditions(dataset: Dataset, config: ConditionsConfig) -> Iterator[Condition]:
    """All conditions, one after the other: those of speech, then silence by level, where it is a class.

    Args:
      dataset: of which the split is loaded.
    """
    split = dataset.splits[config.split]
    noises = dataset.noises[config.split]
    if not noises:
        raise EvaluationError(f"data_dir={config.dataset.data_dir} has no recordings of noise: conditions take some")
    spoken = _spoken(split, dataset.labels)
    if not len(spoken):
        raise EvaluationError(f"data_dir={config.dataset.data_dir}: the {config.split} split has no spoken clip")
    changes = list(_changes(noises, _rooms(config)))
    for number, (name, change) in enumerate(changes):
        rng = np.random.default_rng([config.seed, number])
        heard = np.stack([noise.to_int16(change(rng, split.samples[i].astype(np.float64))) for i in spoken])
        yield Condition(name, heard, split.labels[spoken])
    if SILENCE in dataset.labels:
        rng = np.random.default_rng([config.seed, len(changes)])
        yield from _silences(rng, noises, dataset.labels.index(SILENCE), split.samples.shape[1])


def _spoken(split: Clips, labels: tuple[str, ...]) -> np.ndarray:
    return np.flatnonzero([labels[label] != SILENCE for label in split.labels])


def _rooms(config: ConditionsConfig) -> list[ImpulseResponse]:
    """The recorded rooms of the split; none where there is no recording of impulse responses."""
    root = pathlib.Path(config.dataset.data_dir) if config.dataset.data_dir else None
    folder = negative_clips.folder_of(config.dataset, root)
    return [] if folder is None else rooms.impulse_responses(folder, config.split)


def _changes(noises: Sequence[np.ndarray], recorded: list[ImpulseResponse]) -> Iterator[tuple[str, Change]]:
    for gain in GAINS:
        yield f"gain {gain:g}", _with_gain(gain)
    for snr_db in SNR_DB:
        yield f"SNR {snr_db} dB", _with_noise(noises, snr_db)
    for rt60 in RT60_SECONDS:
        responses = [rooms.synthetic(np.random.default_rng(number), rt60) for number in range(16)]
        yield f"synthetic rooms, RT60 {rt60:g} s", _in_room(responses)
    if recorded:
        yield f"{len(recorded)} recorded rooms", _in_room(recorded)


def _with_gain(gain: float) -> Change:
    return lambda rng, clip: clip * gain


def _with_noise(noises: Sequence[np.ndarray], snr_db: float) -> Change:
    """Noise of the split at this ratio of the clip's power to its own, both over the whole second."""

    def change(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
        return clip + noise.with_rms(noise.excerpt(rng, noises, len(clip)), noise.rms(clip) * 10 ** (-snr_db / 20))

    return change


def _in_room(responses: list[ImpulseResponse]) -> Change:
    """One of the rooms, at the clip's own level."""

    def change(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
        response = responses[int(rng.integers(len(responses)))]
        return noise.with_rms(rooms.reverberate(clip, response)[: len(clip)], noise.rms(clip))

    return change


def _silences(rng: np.random.Generator, noises: Sequence[np.ndarray], label: int, length: int) -> Iterator[Condition]:
    """Digital silence, then levels, log-uniform in each range: excerpts of recordings, and noise of random slope."""
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "recordings": lambda: noise.excerpt(rng, noises, length),
        "synthesized": lambda: noise.coloured(rng, length, rng.uniform(0.0, _STEEPEST_SLOPE)),
    }
    yield Condition("silence, RMS 0", np.zeros((1, length), np.int16), np.array([label]))
    labels = np.full(_SILENCE_CLIPS, label)
    for low, high in SILENCE_RMS:
        for kind, draw in kinds.items():
            heard = [noise.with_rms(draw(), noise.log_uniform(rng, low, high)) for _ in labels]
            name = f"silence, RMS {low:,} to {high:,}, {kind}"
            yield Condition(name, np.stack([noise.to_int16(clip) for clip in heard]), labels)


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    head = [f"{result['dataset']} {result['split']}, seed {result['seed']}: % right", "clips", *result["models"]]
    rows = [
        [row["condition"], str(row["clips"]), *[f"{100 * share:.2f}" for share in row["correct"]]]
        for row in result["rows"]
    ]
    return "\n".join(aligned([head, *rows], left=1))
