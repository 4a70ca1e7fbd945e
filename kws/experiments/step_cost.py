"""What a step of training in few bits costs beside a float step, in one run. `python -m kws.experiments.step_cost`.

Ways to train take turns in rounds, so that whatever else the machine does meets all of them, and medians count. CPU
time is that of this process, all its threads together. Times are this machine's; ratios are what can be compared.
The rivals' networks are the float one as it is, with the same optimizer on the same batch.
"""

import dataclasses
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from absl import flags

from kws import frontend
from kws.experiments import rival_trainings
from kws.models import MODELS
from kws.training import devices
from kws.training.run_folder import FIXED_POINT, FLOAT
from kws.training.settings import TrainConfig
from kws_cli import command, setting_flags
from kws_cli.settings import setting
from kws_cli.table import aligned
from quant.method import Method
from quant.qformat import dequantize

if TYPE_CHECKING:
    import tensorflow as tf

TFMOT, QKERAS = "tfmot", "qkeras"
_INPUT_SHAPE = (49, 10, 1)
_CLASSES = 12
_ROUND_STEPS = 10

Name = TypeVar("Name")


@dataclasses.dataclass(frozen=True)
class StepCostConfig:
    """What to measure, and how."""

    model: str = setting("ds_cnn_mlperf", "Architecture.", choices=sorted(MODELS))
    bits: int = setting(4, "Of weights and activations.", lowest=2, highest=8)
    batch_size: int = setting(64, "Examples in a step.", lowest=1)
    step_parts: int = setting(
        1, "Parts that a step's examples are computed in, side by side on free cores, as in training.", lowest=1
    )
    rounds: int = setting(9, "Rounds of ten steps of each way.", lowest=1)
    threads: int = setting(1, "Threads of TensorFlow, by default as many as training has.", lowest=1)
    learn_formats: bool = setting(False, "Learn activations' formats, which only a part of stage 2 does.")
    deterministic: bool = setting(True, "Use TensorFlow's deterministic kernels, as training does.")
    rivals: bool = setting(True, "Measure tfmot's own 8-bit training too, and QKeras' where it is installed.")


@dataclasses.dataclass(frozen=True)
class StepCost:
    """What a step of one way to train costs.

    Attributes:
      way: FLOAT, FIXED_POINT, TFMOT or QKERAS.
      seconds, cpu_seconds: of a step, elapsed and of all threads.
      ratio, cpu_ratio: of these to a float step's.
    """

    way: str
    seconds: float
    cpu_seconds: float
    ratio: float
    cpu_ratio: float


def measure(config: StepCostConfig) -> list[StepCost]:
    """The cost of a step of each way, the float one first; call `devices.prepare` before."""
    return _costs(in_turns(rounds_of(config), config.rounds))


def rounds_of(config: StepCostConfig) -> dict[str, Callable[[], object]]:
    """What takes a round's steps of each way, at most `config.rounds` times; call `devices.prepare` before."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    q = frontend.input_format()
    codes = rng.integers(q.min_code, q.max_code + 1, (config.batch_size, *_INPUT_SHAPE), dtype=np.int8)
    features, labels = tf.constant(dequantize(codes, q)), tf.constant(rng.integers(0, _CLASSES, config.batch_size))
    models = _models(config, features.numpy())
    return {way: _round(model, way, config, features, labels) for way, model in models.items()}


def in_turns(rounds: dict[Name, Callable[[], object]], count: int) -> dict[Name, list[tuple[float, float]]]:
    """Seconds and CPU seconds of so many rounds of each."""
    spent: dict[Name, list[tuple[float, float]]] = {name: [] for name in rounds}
    for _ in range(count):
        for name, take_steps in rounds.items():
            started = time.perf_counter(), time.process_time()
            take_steps()
            ended = time.perf_counter(), time.process_time()
            spent[name].append((ended[0] - started[0], ended[1] - started[1]))
    return spent


def per_step(spent: list[tuple[float, float]]) -> tuple[float, float]:
    """Median seconds and CPU seconds of a step."""
    seconds, cpu_seconds = (statistics.median(each) / _ROUND_STEPS for each in zip(*spent, strict=True))
    return seconds, cpu_seconds


def _costs(spent: dict[str, list[tuple[float, float]]]) -> list[StepCost]:
    """Of a step of each way."""
    medians = {way: per_step(rounds) for way, rounds in spent.items()}
    of_float, cpu_of_float = medians[FLOAT]
    return [
        StepCost(way, elapsed, cpu, elapsed / of_float, cpu / cpu_of_float) for way, (elapsed, cpu) in medians.items()
    ]


def _models(config: StepCostConfig, features: np.ndarray) -> dict[str, "tf.keras.Model"]:
    from quant.folding import equalization, keras_chain
    from quant.formats.calibration import calibrate
    from quant.training import fixed_point_graph

    def float_model() -> "tf.keras.Model":
        return MODELS[config.model].build(_INPUT_SHAPE, _CLASSES, seed=0)

    method = Method(squash=True, cosine=0.01, learn_formats=config.learn_formats)
    layers = equalization.equalize(keras_chain.fold(float_model()))
    widths = dict.fromkeys((layer.name for layer in layers), config.bits)
    network = calibrate(layers, features, frontend.input_format(), widths, {**widths, "logits": 8}, method)
    models = {FLOAT: float_model(), FIXED_POINT: fixed_point_graph.fixed_point_model(*network, _INPUT_SHAPE, method)}
    if config.rivals:
        models[TFMOT] = rival_trainings.tfmot_model(float_model())
        if importlib.util.find_spec("qkeras"):
            models[QKERAS] = rival_trainings.qkeras_model(float_model(), config.bits)
    return models


def _round(
    model: "tf.keras.Model", way: str, config: StepCostConfig, features: "tf.Tensor", labels: "tf.Tensor"
) -> Callable[[], object]:
    """What takes a round's steps, on the same batch, as `fit` takes them."""
    import tensorflow as tf

    from kws.training.loop.config import FitConfig
    from kws.training.loop.step import optimizer_of, steps_in_a_row, training_step

    settings = FitConfig(
        stage=way,
        epochs=1,
        first_epoch=0,
        batch_size=config.batch_size,
        learning_rate=1e-4,
        warmup_epochs=0.0,
        # Stage 2 has none, and fine-tuning by other means needs none either.
        weight_decay=TrainConfig.weight_decay if way == FLOAT else 0.0,
        label_smoothing=0.0,
        seed=0,
        input_format=frontend.input_format(),
        step_parts=config.step_parts if way in (FLOAT, FIXED_POINT) else 1,
    )
    step = training_step(model, optimizer_of(model, settings, (config.rounds + 1) * _ROUND_STEPS), settings)
    take_steps = steps_in_a_row(step, config.batch_size)
    epoch = tuple(tf.concat([part] * _ROUND_STEPS, 0) for part in (features, labels))

    def take() -> object:
        return take_steps(epoch, tf.constant(0), tf.constant(_ROUND_STEPS)).numpy()

    take()  # traces the graph
    return take


def table(costs: list[StepCost], config: StepCostConfig) -> str:
    """The costs for a person."""
    names = {
        FLOAT: "float",
        FIXED_POINT: f"fixed point with SWD and ACosR, {config.bits} bits",
        TFMOT: "tfmot, 8 bits",
        QKERAS: f"QKeras, {config.bits} bits",
    }
    rows = [
        (
            names[cost.way],
            *(f"{1e3 * cost.seconds:.1f} ms", f"{cost.ratio:.2f}"),
            *(f"{1e3 * cost.cpu_seconds:.1f} ms", f"{cost.cpu_ratio:.2f}"),
        )
        for cost in costs
    ]
    parts = f" in {config.step_parts} parts" if config.step_parts > 1 else ""
    head = f"{config.model}, batch of {config.batch_size}{parts}, {devices.description()}"
    lines = aligned([(head, "a step", "of float's", "its CPU time", "of float's"), *rows], left=1)
    if config.rivals and QKERAS not in {cost.way for cost in costs}:
        lines.append(
            f"QKeras is not installed: .venv/bin/pip install --no-deps -r {rival_trainings.QKERAS_REQUIREMENTS}"
        )
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    setting_flags.define_flags(StepCostConfig)


def main() -> None:
    """The command `python -m kws.experiments.step_cost`."""

    def work(values: flags.FlagValues) -> None:
        config = setting_flags.from_flags(StepCostConfig, values)
        devices.prepare(config.threads)
        if config.deterministic:
            import tensorflow as tf

            tf.config.experimental.enable_op_determinism()
        costs = measure(config)
        command.say(table(costs, config), values.json)
        command.write_json(
            {**dataclasses.asdict(config), "steps": [dataclasses.asdict(cost) for cost in costs]}, values.json
        )

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
