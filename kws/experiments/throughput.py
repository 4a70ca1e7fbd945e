"""What one core does in a second, row by row. `python -m kws.experiments.throughput --help`.

The ways that a row compares take turns in rounds, so that whatever else the machine does meets them all; each one's
median counts. Seconds are CPU seconds of this process, all its threads together. They are this machine's; ratios are
what can be compared. Clips are noise, whose content costs no other time than speech's.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from absl import flags

from export.frontend import cepstrum
from kws.datasets import silence
from kws.examples import augment, compiled_augment, epochs
from kws.examples.epochs import EpochConfig, SilenceDraw
from kws.frontend import INTEGER, FrontEndConfig, input_format
from kws.models import MODELS
from kws_cli import command, setting_flags
from kws_cli.settings import setting
from kws_cli.table import aligned

_CLASSES = 12
_FRONTEND = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)
# As Speech Commands has them: six recordings of a minute.
_RECORDINGS, _RECORDING_SAMPLES = 6, 960_000
_EXAMPLES_PER_TASK = 64

# Arguments of `epochs.examples`.
_Task = tuple[Callable[[int], np.ndarray], list[np.ndarray], SilenceDraw, np.ndarray, int, EpochConfig, int, int]


@dataclasses.dataclass(frozen=True)
class ThroughputConfig:
    """What to measure.

    Raises:
      ValueError: an unknown row.
    """

    rows: tuple[str, ...] = setting((), "Rows of the table: example, production; none for all.")
    examples: int = setting(512, "Examples in a round.", lowest=1)
    rounds: int = setting(7, "Rounds of each way.", lowest=1)
    model: str = setting("ds_cnn_mlperf", "Architecture that trains.", choices=sorted(MODELS))
    batch_size: int = setting(64, "Examples in a training step.", lowest=1)
    threads: int = setting(1, "Threads of TensorFlow.", lowest=1)

    def __post_init__(self) -> None:
        for row in self.rows:
            if row not in ROWS:
                raise ValueError(f"rows={row}: known are {', '.join(ROWS)}")


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, in which way, how much of what."""

    what: str
    way: str
    value: float
    unit: str


def measure(config: ThroughputConfig) -> list[Figure]:
    """The figures of the rows that `config` names, or of all."""
    return [figure for row in config.rows or tuple(ROWS) for figure in ROWS[row](config)]


def example(config: ThroughputConfig) -> list[Figure]:
    """What a worker spends on an augmented example, silence in its share among them: by C, and by Python alone."""
    production = _Production(config)
    by_python = dataclasses.replace(INTEGER, features=cepstrum.features)
    samples = production.variants(augment.NUMPY)
    ways: dict[tuple[str, str], Callable[[], object]] = {
        ("augmentation", "Python"): lambda: production.variants(augment.NUMPY),
        ("features", "Python"): lambda: by_python.features(samples, _FRONTEND),
    }
    if compiled_augment.steps() != augment.NUMPY:
        ways["augmentation", "C"] = lambda: production.variants(compiled_augment.steps())
        ways["features", "C"] = lambda: INTEGER.features(samples, _FRONTEND)
    seconds = _cpu_seconds(ways, config.rounds)
    found = [Figure(what, way, 1e3 * spent / config.examples, "ms") for (what, way), spent in seconds.items()]
    totals = {way: sum(figure.value for figure in found if figure.way == way) for _, way in ways}
    return [*found, *(Figure("augmented example", way, total, "ms") for way, total in totals.items())]


def production(config: ThroughputConfig) -> list[Figure]:
    """Epochs' examples beside the float training steps on as many of them, as they are made and trained on."""
    made = _Production(config)
    step = _float_step(config)
    steps = max(1, config.examples // config.batch_size)
    ways: dict[str, Callable[[], object]] = {
        "production": made.examples,
        "training": lambda: [step() for _ in range(steps)],
    }
    seconds = _cpu_seconds(ways, config.rounds)
    made_in, trained_in = seconds["production"] / config.examples, seconds["training"] / (steps * config.batch_size)
    return [
        Figure("example of an epoch", "produced", 1e3 * made_in, "ms"),
        Figure("example of an epoch", f"trained on, {config.model} in float", 1e3 * trained_in, "ms"),
        Figure("epoch production / training", "same CPU", made_in / trained_in, ""),
    ]


ROWS: dict[str, Callable[[ThroughputConfig], list[Figure]]] = {"example": example, "production": production}
"""Name of a row -> what measures it."""


class _Production:
    """An epoch's part of `config.examples` examples, made in this process as a worker makes them, task by task."""

    def __init__(self, config: ThroughputConfig) -> None:
        rng = np.random.default_rng(0)
        self._noises = [rng.integers(-500, 500, _RECORDING_SAMPLES).astype(np.int16) for _ in range(_RECORDINGS)]
        self._clips = rng.integers(-2000, 2000, (config.examples, _FRONTEND.clip_samples)).astype(np.int16)
        self._config = EpochConfig(_FRONTEND, silence_word=_CLASSES)
        self._sources = epochs.plan(np.arange(config.examples) % _CLASSES, self._config, 0, 0)[0][: config.examples]

    def _tasks(self) -> list[_Task]:
        return [
            (
                self._clips.__getitem__,
                self._noises,
                silence.draw,
                self._sources[first : first + _EXAMPLES_PER_TASK],
                first,
                self._config,
                0,
                0,
            )
            for first in range(0, len(self._sources), _EXAMPLES_PER_TASK)
        ]

    def variants(self, steps: augment.Steps) -> np.ndarray:
        """int16 [examples, clip_samples]"""
        return np.concatenate([epochs.variants(*task, steps) for task in self._tasks()])

    def examples(self) -> np.ndarray:
        """int8 [examples, frames, coefficients, 1]"""
        return np.concatenate([epochs.examples(*task) for task in self._tasks()])


def _float_step(config: ThroughputConfig) -> Callable[[], object]:
    """A training step of stage 1, deterministic as training is."""
    import tensorflow as tf

    from kws.training import devices
    from kws.training.loop.config import FitConfig
    from kws.training.loop.step import optimizer_of, training_step
    from kws.training.run_folder import FLOAT
    from kws.training.settings import TrainConfig

    devices.prepare(config.threads, devices.CPU)
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(0)
    shape = (_FRONTEND.frames, _FRONTEND.coefficients, 1)
    rng = np.random.default_rng(0)
    features = tf.constant(rng.standard_normal((config.batch_size, *shape), np.float32))
    labels = tf.constant(rng.integers(0, _CLASSES, config.batch_size))
    model = MODELS[config.model].build(shape, _CLASSES, seed=0)
    settings = FitConfig(
        stage=FLOAT,
        epochs=1,
        first_epoch=0,
        batch_size=config.batch_size,
        learning_rate=1e-4,
        warmup_epochs=0.0,
        weight_decay=TrainConfig.weight_decay,
        label_smoothing=0.0,
        seed=0,
        input_format=input_format(),
    )
    step = training_step(model, optimizer_of(model, settings, steps=1000), settings)
    return lambda: step(features, labels).numpy()


def _cpu_seconds(ways: Mapping[Any, Callable[[], object]], rounds: int) -> dict[Any, float]:
    """The median of CPU seconds that each takes, after one call that doesn't count."""
    for work in ways.values():
        work()
    seconds: dict[Any, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            started = time.process_time()
            work()
            seconds[name].append(time.process_time() - started)
    return {name: statistics.median(found) for name, found in seconds.items()}


def table(figures: list[Figure]) -> str:
    """The figures for a person."""
    rows = [(figure.what, figure.way, f"{figure.value:.3f}", figure.unit) for figure in figures]
    return "\n".join(aligned([("CPU time of", "way", "", ""), *rows], left=2))


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    setting_flags.define_flags(ThroughputConfig)


def main() -> None:
    """The command `python -m kws.experiments.throughput`."""

    def work(values: flags.FlagValues) -> None:
        figures = measure(setting_flags.from_flags(ThroughputConfig, values))
        command.say(table(figures), values.json)
        command.write_json({"figures": [dataclasses.asdict(figure) for figure in figures]}, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
