"""The training loop: epochs of fresh examples, a checkpoint after each, exact resumption."""

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kws.evaluation import metrics
from kws.evaluation.inference import predictor
from kws.training.loop import checkpoints
from kws.training.loop.config import FitConfig
from kws.training.loop.inputs import Examples, inputs
from kws.training.loop.step import optimizer_of, steps_in_a_row, training_step
from kws.training.loop.weight_average import WeightAverage
from kws.training.run_folder import HISTORY, RunFolder
from kws.training.teachers import Teachers
from kws.training.training_error import TrainingError
from kws.training.workers import worker_group
from kws.training.workers.worker_group import WorkerGroup
from kws_cli import interrupts

# In one call of the graph: Python's part of a step shrinks with it, and Ctrl-C waits for so many.
_STEPS_AT_A_TIME = 16

LayerFigures = dict[str, dict[str, float]]


def fit(
    model: tf.keras.Model,
    config: FitConfig,
    examples_of: Callable[[int], Examples],
    examples_per_epoch: int,
    validation: Examples,
    folder: RunFolder,
    followed: Teachers | None = None,
    word_head: tf.keras.Model | None = None,
    before_epoch: Callable[[int], None] = lambda epoch: None,
    describe: Callable[[tf.keras.Model], LayerFigures] = lambda model: {},
    group: WorkerGroup | None = None,
) -> None:
    """Trains `model` in place, from the last checkpoint of this part of the stage if there is one.

    An interrupted and resumed stage ends with the same weights, bit for bit, as an uninterrupted one: all draws
    depend on (seed, epoch) alone, and the checkpoint after each epoch holds weights, optimizer and moving average.
    The history's figures are those of the weights that the stage would end with.

    Args:
      examples_of: epoch -> (features int8 [m, h, w, c], words int [m]), m = examples_per_epoch.
      validation: (features int8, labels).
      followed: the teachers whose posteriors `config.distillation` follows; not asked without distillation.
      word_head: `model`'s layers with a second output for words, trained in its place; None for one output.
      before_epoch: called with the number of epochs done, before each.
      describe: gives figures of each layer's weights, for the history and TensorBoard.
      group: the workers of this training, which call this with the same arguments; None for a single one.

    Raises:
      TrainingError: loss or logits are no numbers any more; that epoch leaves nothing behind.
      ValueError: an epoch has no batch.
    """
    steps = examples_per_epoch // config.batch_size
    if not steps:
        raise ValueError(f"batch_size={config.batch_size} for {examples_per_epoch} examples an epoch: no step to take")
    rows = group.share(config.batch_size) if group else slice(0, config.batch_size)
    whole = word_head or model
    optimizer = optimizer_of(whole, config, steps)
    done = tf.Variable(config.begin, dtype=tf.int64, trainable=False, name="epochs_done")
    average = WeightAverage(model, config.ema) if config.ema else None
    saved = {"model": whole, "optimizer": optimizer, "epochs_done": done, **({"average": average} if average else {})}
    checkpoint = tf.train.Checkpoint(**saved)
    name = f"checkpoints_{config.begin}" if config.begin else "checkpoints"
    manager = checkpoints.restore(checkpoint, folder.path / config.stage / name)
    writer = tf.summary.create_file_writer(str(folder.path / "tensorboard" / config.stage))
    own_size = rows.stop - rows.start
    take_steps = steps_in_a_row(training_step(whole, optimizer, config, average, group), own_size)
    if group:
        group.check_same("networks or epochs done", f"{whole.to_json()} {int(done)}")
    logits_of = predictor(model, config.input_format)
    progress = tqdm(
        total=config.epochs * steps,
        initial=int(done) * steps,
        desc=config.stage,
        unit="step",
        mininterval=1.0 if sys.stderr.isatty() else 30.0,
    )
    with progress, worker_group.normalized_together(whole) if group else contextlib.nullcontext():
        for epoch in range(int(done), config.epochs if config.end is None else config.end):
            started = time.monotonic()
            before_epoch(epoch)
            if group:
                group.take_firsts([*whole.variables, *optimizer.variables, *(average.variables if average else ())])
            asked = time.monotonic()
            examples = examples_of(config.first_epoch + epoch)
            waited = time.monotonic() - asked
            followed_now = followed if config.distillation else None
            loss = _epoch(take_steps, inputs(examples, config, epoch, steps, followed_now, rows), steps, progress)
            with average.settled() if average else contextlib.nullcontext():
                logits = logits_of(validation[0])
                layers = describe(model)
            _check_finite(loss, logits, config, epoch)
            accuracy = metrics.accuracy(logits, validation[1])
            row = {
                "stage": config.stage,
                "epoch": epoch + 1,
                "loss": loss,
                "validation_accuracy": accuracy,
                "learning_rate": float(optimizer.lr(optimizer.iterations) if callable(optimizer.lr) else optimizer.lr),
                "seconds": round(time.monotonic() - started, 2),
                "waited_seconds": round(waited, 2),
                "layers": layers,
            }
            done.assign(epoch + 1)
            manager.save()
            _record(folder, writer, row)
            progress.set_postfix_str(refresh=False, s=f"loss {loss:.3f}, validation {100 * accuracy:.1f} %")
    writer.close()
    if average:
        average.settle()


def _epoch(take_steps: Callable[..., Any], inputs: tuple[tf.Tensor, ...], steps: int, progress: tqdm) -> float:
    """Runs one epoch and returns its mean loss."""
    losses = []
    for first in range(0, steps, _STEPS_AT_A_TIME):
        count = min(_STEPS_AT_A_TIME, steps - first)
        interrupts.check()
        losses.append(take_steps(inputs, tf.constant(first), tf.constant(count)).numpy())
        progress.update(count)
    return float(np.concatenate(losses).astype(np.float64).mean())


def _check_finite(loss: float, logits: np.ndarray, config: FitConfig, epoch: int) -> None:
    if np.isfinite(loss) and np.isfinite(logits).all():
        return
    name = f"{config.stage}_learning_rate"
    raise TrainingError(
        f"{config.stage}: after epoch {epoch + 1} of {config.epochs} the loss is {loss}, training has diverged: start "
        f"another run with a lower {name} than {config.learning_rate:g}"
    )


def _record(folder: RunFolder, writer: tf.summary.SummaryWriter, row: dict[str, Any]) -> None:
    history = folder.read_json(HISTORY) if folder.file(HISTORY).is_file() else []
    key = (row["stage"], row["epoch"])
    folder.write_json(HISTORY, [old for old in history if (old["stage"], old["epoch"]) != key] + [row])
    with writer.as_default():
        for name in ("loss", "validation_accuracy", "learning_rate"):
            tf.summary.scalar(name, row[name], step=row["epoch"])
        for layer, figures in row["layers"].items():
            for name, value in figures.items():
                tf.summary.scalar(f"{layer}/{name}", value, step=row["epoch"])
    writer.flush()
