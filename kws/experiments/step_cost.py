"""What a step of fixed-point training costs beside a float step, in one run. `python -m kws.experiments.step_cost`.

Steps of both kinds alternate in rounds, so that whatever else the machine does meets both; the ratio is that of the
medians. Times are this machine's; the ratio is what can be compared.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from cli import command
from kws import frontend
from kws.models import MODELS
from kws.training.run_folder import FIXED_POINT, FLOAT
from kws.training.settings import TrainConfig
from quant.method import Method
from quant.qformat import dequantize

if TYPE_CHECKING:
    import tensorflow as tf

_INPUT_SHAPE = (49, 10, 1)
_CLASSES = 12
_ROUND_STEPS = 10


@dataclasses.dataclass(frozen=True)
class StepCostConfig:
    """What to measure.

    Attributes:
      model: a name in `kws.models.MODELS`.
      bits: of weights and activations.
      batch_size: examples in a step.
      rounds: of ten steps of each kind.
      deterministic: with TensorFlow's deterministic kernels, as training is.
    """

    model: str = "ds_cnn_mlperf"
    bits: int = 4
    batch_size: int = 64
    rounds: int = 9
    deterministic: bool = True


def measure(config: StepCostConfig, method: Method) -> dict[str, Any]:
    """Seconds per step, float and fixed point, and their ratio."""
    import tensorflow as tf

    from quant.folding import equalization, keras_chain
    from quant.formats.calibration import calibrate
    from quant.training import fixed_point_graph

    rng = np.random.default_rng(0)
    q = frontend.input_format()
    codes = rng.integers(q.min_code, q.max_code + 1, (config.batch_size, *_INPUT_SHAPE), dtype=np.int8)
    features, labels = tf.constant(dequantize(codes, q)), tf.constant(rng.integers(0, _CLASSES, config.batch_size))
    float_model = MODELS[config.model].build(_INPUT_SHAPE, _CLASSES, seed=0)
    layers = equalization.equalize(keras_chain.fold(float_model))
    widths = dict.fromkeys((layer.name for layer in layers), config.bits)
    layers, formats = calibrate(layers, features.numpy(), q, widths, {**widths, "logits": 8}, method)
    fixed_model = fixed_point_graph.fixed_point_model(layers, formats, _INPUT_SHAPE, method)
    steps = {
        stage: _stepper(model, stage, config, features, labels)
        for stage, model in ((FLOAT, float_model), (FIXED_POINT, fixed_model))
    }
    seconds: dict[str, list[float]] = {stage: [] for stage in steps}
    for _ in range(config.rounds):
        for stage, step in steps.items():
            started = time.perf_counter()
            for _ in range(_ROUND_STEPS):
                step()
            seconds[stage].append((time.perf_counter() - started) / _ROUND_STEPS)
    medians = {stage: statistics.median(values) for stage, values in seconds.items()}
    return {
        "model": config.model,
        "bits": config.bits,
        "batch_size": config.batch_size,
        "deterministic": config.deterministic,
        "float_step_seconds": medians[FLOAT],
        "fixed_point_step_seconds": medians[FIXED_POINT],
        "ratio": medians[FIXED_POINT] / medians[FLOAT],
    }


def _stepper(
    model: "tf.keras.Model", stage: str, config: StepCostConfig, features: "tf.Tensor", labels: "tf.Tensor"
) -> Callable[[], None]:
    from kws.training.fit import FitConfig, optimizer_of, training_step

    fit_config = FitConfig(
        stage=stage,
        epochs=1,
        first_epoch=0,
        batch_size=config.batch_size,
        learning_rate=1e-4,
        warmup_epochs=0.0,
        weight_decay=TrainConfig.weight_decay if stage == FLOAT else 0.0,
        label_smoothing=0.0,
        seed=0,
        input_format=frontend.input_format(),
    )
    optimizer = optimizer_of(model, fit_config, steps=config.rounds * _ROUND_STEPS)
    step = training_step(model, optimizer, fit_config)
    step(features, labels)  # traces the graph
    return lambda: step(features, labels).numpy()


def define_flags() -> None:
    """Defines this command's flags."""
    default = StepCostConfig()
    command.define_json_flag()
    flags.DEFINE_enum("model", default.model, sorted(MODELS), "Architecture.")
    flags.DEFINE_integer("bits", default.bits, "Of weights and activations.", lower_bound=2, upper_bound=8)
    flags.DEFINE_integer("batch_size", default.batch_size, "Examples in a step.", lower_bound=1)
    flags.DEFINE_integer("rounds", default.rounds, "Rounds of ten steps of each kind.", lower_bound=1)
    flags.DEFINE_bool("learn_formats", False, "Learn activations' formats, which only a part of stage 2 does.")
    flags.DEFINE_bool(
        "deterministic", default.deterministic, "Use TensorFlow's deterministic kernels, as training does."
    )


def main() -> None:
    """The command `python -m kws.experiments.step_cost`."""

    def work(values: flags.FlagValues) -> None:
        config = StepCostConfig(values.model, values.bits, values.batch_size, values.rounds, values.deterministic)
        if config.deterministic:
            import tensorflow as tf

            tf.config.experimental.enable_op_determinism()
        result = measure(config, Method(squash=True, cosine=0.01, learn_formats=values.learn_formats))
        command.say(
            f"{result['model']}, batch {result['batch_size']}: float {1e3 * result['float_step_seconds']:.1f} ms, "
            f"fixed point with SWD and ACosR {1e3 * result['fixed_point_step_seconds']:.1f} ms a step, "
            f"ratio {result['ratio']:.2f}",
            values.json,
        )
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
