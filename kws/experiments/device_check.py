"""Whether training on this machine's GPU is training: both stages beside the CPU. `scripts/device_check.sh`

Each stage is trained for two epochs on made-up features, on the CPU and twice on the device: what comes out must agree
with the CPU within limits that the table states, and the second time to the bit. Without a GPU that TensorFlow can use
it says so and compares the CPU with itself. The exit code is 1 where a limit is passed.

The limits: one network's logits and gradients differ by the order of sums alone. Training amplifies that, so what it
ends with is compared more loosely: by what other kernels on the same CPU change, times 2.5 or more (docs/scale.md).
"""

import dataclasses
import pathlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from kws import frontend
from kws.datasets import DatasetConfig
from kws.models import MODELS
from kws.training import devices, run_folder
from kws.training.run_folder import FIXED_POINT, FLOAT, HISTORY, RunFolder
from kws.training.settings import TrainConfig
from kws_cli import command, held_folder, setting_flags
from kws_cli.settings import setting
from kws_cli.table import aligned
from quant.method import Method
from quant.qformat import dequantize

if TYPE_CHECKING:
    from kws.training.stages import Job

STAGES = (FLOAT, FIXED_POINT)
_INPUT_SHAPE = (49, 10, 1)
_NAMES = tuple(f"class{number}" for number in range(12))
_EPOCHS = 2  # the first traces the graph, the second is timed
# A fifth of training's own: the larger it is, the more does training amplify.
_FLOAT_RATE = 1e-3
# Largest differences that pass, as shares: of one network, and of what training ends with in loss and in logits.
_LOGITS_OF_ONE, _GRADIENT_OF_ONE = 1e-4, 1e-3
_LOSS = 0.05
_LOGITS = {FLOAT: 0.25, FIXED_POINT: 0.5}
_VALIDATION = 512


@dataclasses.dataclass(frozen=True)
class DeviceCheckConfig:
    """What to train, and on how much."""

    model: str = setting("ds_cnn_mlperf", "Architecture.", choices=sorted(MODELS))
    bits: int = setting(4, "Of weights and activations in stage 2.", lowest=2, highest=8)
    steps: int = setting(100, "In an epoch.", lowest=8)
    batch_size: int = setting(64, "Examples in a step.", lowest=1)
    threads: int = setting(1, "Threads of the CPU.", lowest=1)


@dataclasses.dataclass(frozen=True)
class Check:
    """One comparison with the CPU.

    Attributes:
      value, limit: the difference found, and the largest that passes; both shares.
    """

    what: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        return self.value <= self.limit


@dataclasses.dataclass(frozen=True)
class Trained:
    """A stage trained on one device.

    Attributes:
      loss: the last epoch's.
      logits: float32 [n, classes], of the validation examples by that device.
      weights: the bytes of all variables.
      steps_per_second: in the last epoch, augmentation and validation included.
    """

    loss: float
    logits: np.ndarray
    weights: bytes
    steps_per_second: float


def check(
    config: DeviceCheckConfig, device: str, say: Callable[[str], None]
) -> tuple[list[Check], dict[str, dict[str, float]]]:
    """The comparisons, and steps per second by stage and device.

    Args:
      device: TensorFlow's name of it, such as GPU:0, or CPU:0 to compare the CPU with itself.
    """
    with held_folder.made("device-check-") as scratch:
        folders = [scratch / name for name in ("cpu", "first", "second")]
        checks: list[Check] = []
        speeds: dict[str, dict[str, float]] = {}
        for stage in STAGES:
            say(f"{stage}: on the CPU, then twice on {device}")
            cpu, first, second = (
                _train(config, stage, on, folder, folders[0])
                for on, folder in zip(("CPU:0", device, device), folders, strict=True)
            )
            checks += _of_one_network(config, stage, device, folders[0])
            checks += [
                Check(f"{stage}: loss after {_EPOCHS} epochs", abs(first.loss - cpu.loss) / cpu.loss, _LOSS),
                Check(f"{stage}: logits after {_EPOCHS} epochs", _distance(first.logits, cpu.logits), _LOGITS[stage]),
                Check(f"{stage}: bits that differ the second time", float(first.weights != second.weights), 0.0),
            ]
            speeds[stage] = {"CPU": cpu.steps_per_second, device: second.steps_per_second}
    return checks, speeds


def _of_one_network(config: DeviceCheckConfig, stage: str, device: str, folder: pathlib.Path) -> list[Check]:
    """Compares what both devices compute of the network in a folder."""
    cpu, other = (_logits(stage, on, folder) for on in ("CPU:0", device))
    if stage == FIXED_POINT:
        # Integers' sums have no order; a convolution that is no sum of products would show here.
        logits = Check(f"{stage}: logit codes that differ, one network", float(np.mean(other != cpu)), _LOGITS_OF_ONE)
    else:
        logits = Check(f"{stage}: logits of one network", _distance(other, cpu), _LOGITS_OF_ONE)
    cpu, other = (_gradient(config, stage, on, folder) for on in ("CPU:0", device))
    return [logits, Check(f"{stage}: gradient of one network", _distance(other, cpu), _GRADIENT_OF_ONE)]


def _distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square of the difference, as a share of what is expected's standard deviation."""
    return float(np.sqrt(np.mean((found - expected) ** 2)) / np.std(expected))


def _train(config: DeviceCheckConfig, stage: str, device: str, folder: pathlib.Path, first: pathlib.Path) -> Trained:
    """Trains a stage in a folder; stage 2 starts from the float model in `first`, so that stages are compared alone."""
    import tensorflow as tf

    from kws.training import stages

    job = _job(config, folder)
    if stage == FIXED_POINT and folder != first:
        run_folder.copy_model(RunFolder(first), job.folder, FLOAT)
    with tf.device(device):
        (stages.train_float if stage == FLOAT else stages.train_fixed_point)(job)
        logits = _logits(stage, device, folder)
    row = [row for row in job.folder.read_json(HISTORY) if row["stage"] == stage][-1]
    weights = b"".join(variable.numpy().tobytes() for variable in run_folder.load_model(job.folder, stage).variables)
    return Trained(row["loss"], logits, weights, config.steps / row["seconds"])


def _logits(stage: str, device: str, folder: pathlib.Path) -> np.ndarray:
    """The logits of the validation examples that a device computes of the network in a folder."""
    import tensorflow as tf

    from kws.evaluation.inference import predict

    with tf.device(device):
        model = run_folder.load_model(RunFolder(folder), stage)
        return predict(model, _examples(0, _VALIDATION)[0], frontend.input_format())


def _gradient(config: DeviceCheckConfig, stage: str, device: str, folder: pathlib.Path) -> np.ndarray:
    """The gradient of a batch's loss by the variables of the network in a folder, one after the other."""
    import tensorflow as tf

    features, classes = _examples(0, config.batch_size)

    @tf.function
    def gradient(values: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            losses = tf.keras.losses.sparse_categorical_crossentropy(classes, model(values), from_logits=True)
            loss = tf.reduce_mean(losses) + sum(model.losses)
        return tape.gradient(loss, model.trainable_variables)

    with tf.device(device):
        model = run_folder.load_model(RunFolder(folder), stage)
        found = gradient(tf.constant(dequantize(features, frontend.input_format())))
    return np.concatenate([part.numpy().ravel() for part in found])


def _job(config: DeviceCheckConfig, folder: pathlib.Path) -> "Job":
    from kws.training.stages import Job

    for stage in STAGES:
        (folder / stage).mkdir(parents=True, exist_ok=True)
    settings = TrainConfig(
        DatasetConfig(),
        model=config.model,
        float_epochs=_EPOCHS,
        float_learning_rate=_FLOAT_RATE,
        fixed_point_epochs=_EPOCHS,
        weight_bits=(config.bits,),
        activation_bits=(config.bits,),
        method=Method(squash=True, cosine=0.01),
    )
    measured = {split: _examples(0, _VALIDATION) for split in ("validation", "testing")}
    examples = config.steps * config.batch_size
    return Job(
        settings,
        _NAMES,
        frontend.input_format(),
        {split: features for split, (features, _) in measured.items()},
        {split: labels for split, (_, labels) in measured.items()},
        RunFolder(folder),
        lambda epoch: _examples(epoch + 1, examples),
        examples,
        config.batch_size,
    )


def _examples(number: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Made-up examples of which a network can learn something: a shape for each class, and as much noise.

    Returns:
      codes int8 [count, *_INPUT_SHAPE] and classes int64 [count].
    """
    shapes = np.random.default_rng(0).normal(0, 20, (len(_NAMES), *_INPUT_SHAPE))
    rng = np.random.default_rng([1, number])
    classes = rng.integers(0, len(_NAMES), count)
    codes = shapes[classes] + rng.normal(0, 20, (count, *_INPUT_SHAPE))
    return np.clip(np.rint(codes), -128, 127).astype(np.int8), classes


def table(checks: list[Check], speeds: dict[str, dict[str, float]]) -> str:
    """Both results for a person."""
    rows = [
        (check.what, f"{check.value:.2g}", f"{check.limit:g}", "ok" if check.passed else "FAILED") for check in checks
    ]
    lines = aligned([("difference to the CPU", "found", "limit", ""), *rows], left=1)
    speed = [(stage, *(f"{device} {speed:.1f}" for device, speed in found.items())) for stage, found in speeds.items()]
    return "\n".join([*lines, "", *aligned([("steps per second", *[""] * (len(speed[0]) - 1)), *speed], left=1)])


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    setting_flags.define_flags(DeviceCheckConfig)


def main() -> None:
    """The command `python -m kws.experiments.device_check`."""

    def work(values: flags.FlagValues) -> None:
        config = setting_flags.from_flags(DeviceCheckConfig, values)
        devices.prepare(config.threads)
        import tensorflow as tf

        tf.keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()

        def say(text: str) -> None:
            command.say(text, values.json)

        has_gpu = devices.name() != "CPU"
        say(f"device: {devices.description()}")
        if not has_gpu:
            say("there is no GPU that TensorFlow can use: comparing the CPU with itself")
        checks, speeds = check(config, "GPU:0" if has_gpu else "CPU:0", say)
        say(table(checks, speeds))
        command.write_json(_as_json(config, checks, speeds), values.json)
        if not all(each.passed for each in checks):
            sys.exit(1)

    command.run(work, define_flags)


def _as_json(config: DeviceCheckConfig, checks: list[Check], speeds: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        **dataclasses.asdict(config),
        "device": devices.name(),
        "checks": [{**dataclasses.asdict(each), "passed": each.passed} for each in checks],
        "steps_per_second": speeds,
    }


if __name__ == "__main__":
    main()
