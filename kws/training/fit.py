"""The training loop: epochs of fresh examples, a checkpoint after each, exact resumption."""

import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kws.evaluation import metrics
from kws.evaluation.inference import predictor, values
from kws.examples import channel_augment, spec_augment
from kws.models.in_a_stream import in_a_stream
from kws.training import checkpoints, teachers
from kws.training.run_folder import HISTORY, RunFolder
from kws.training.teachers import Teachers
from kws.training.training_error import TrainingError
from kws.training.weight_average import WeightAverage
from kws.training.workers import worker_group
from kws.training.workers.worker_group import WorkerGroup
from kws_cli import interrupts
from quant.qformat import QFormat

# In one call of the graph: Python's part of a step shrinks with it, and Ctrl-C waits for so many.
_STEPS_AT_A_TIME = 16

Examples = tuple[np.ndarray, np.ndarray]
LayerFigures = dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Settings of one stage.

    Attributes:
      stage: its folder's name in the run.
      epochs, batch_size: of the stage.
      first_epoch: the stage's first epoch in the run's count, from which augmentation is drawn.
      learning_rate: the peak; linear warm-up over `warmup_epochs`, then cosine to zero.
      weight_decay: decoupled (AdamW), on kernels only.
      label_smoothing: share of the target spread over all classes.
      seed: of shuffling and masking.
      input_format: of the feature codes; None where features are values.
      distillation: share of the loss that is the distance to the teachers' posteriors; the rest is to the labels.
      classes: the class of each word that an example's label names; None where words are classes.
      untaught: words of which teachers are not asked: their label takes the place of the posteriors.
      word_loss: weight of the cross entropy of the second head, where a model has one for words.
      ema: momentum of the moving average of the weights, which the stage ends with; 0 for the weights themselves.
      stream_share: share of a batch's examples that are trained on as a stream hears them (`kws.models.in_a_stream`).
      begin, end: the part of the stage's epochs that is trained; `end` is None for all of the rest.
    """

    stage: str
    epochs: int
    first_epoch: int
    batch_size: int
    learning_rate: float
    warmup_epochs: float
    weight_decay: float
    label_smoothing: float
    seed: int
    input_format: QFormat | None
    distillation: float = 0.0
    classes: tuple[int, ...] | None = None
    untaught: tuple[int, ...] = ()
    word_loss: float = 0.0
    ema: float = 0.0
    stream_share: float = 0.0
    begin: int = 0
    end: int | None = None


class _From(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from its step number `first_step` on."""

    def __init__(self, schedule: tf.keras.optimizers.schedules.LearningRateSchedule, first_step: int) -> None:
        self.schedule = schedule
        self.first_step = first_step

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self.schedule(step + self.first_step)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule, "first_step": self.first_step}


def optimizer_of(model: tf.keras.Model, config: FitConfig, steps: int) -> tf.keras.optimizers.Optimizer:
    """AdamW with warm-up and cosine decay over `config.epochs` epochs of `steps` steps, from `config.begin` on.

    Without weight decay it is Adam, whose update is the same: AdamW would take off zero from every kernel.
    """
    warmup = int(config.warmup_epochs * steps)
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else config.learning_rate,
        decay_steps=config.epochs * steps - warmup,
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    if config.begin:
        schedule = _From(schedule, config.begin * steps)
    if config.weight_decay:
        optimizer = tf.keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    else:
        optimizer = tf.keras.optimizers.Adam(schedule)
    optimizer.build(model.trainable_variables)
    return optimizer


def training_step(
    model: tf.keras.Model,
    optimizer: tf.keras.optimizers.Optimizer,
    config: FitConfig,
    average: WeightAverage | None = None,
    group: WorkerGroup | None = None,
) -> Callable[..., Any]:
    """A function that takes one batch, and returns its loss.

    The batch is features float32 [n, h, w, c], words int [n], and with `config.distillation` the teachers' posteriors
    float32 [n, classes].

    Args:
      model: gives logits [n, classes], or these and logits [n, words].
      group: workers that each have a part of the batch; None for a single one.
    """
    # Among workers Keras refuses to average over examples: this worker's mean is averaged over workers then.
    reduction = {"reduction": tf.keras.losses.Reduction.NONE} if group else {}
    loss_of = tf.keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=config.label_smoothing, **reduction
    )
    of_words = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, **reduction)
    mean = tf.reduce_mean if group else lambda loss: loss
    two_heads = len(model.outputs) > 1
    heard = _heard(model, config.stream_share)

    def loss_and_gradients(
        features: tf.Tensor, words: tf.Tensor, posteriors: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        labels = words if config.classes is None else tf.gather(config.classes, words)
        with tf.GradientTape() as tape:
            logits, word_logits = heard(features) if two_heads else (heard(features), None)
            loss = mean(loss_of(tf.one_hot(labels, logits.shape[-1]), logits))
            if config.distillation:
                distance = teachers.distance(posteriors, logits)
                loss = (1 - config.distillation) * loss + config.distillation * distance
            if two_heads:
                loss += config.word_loss * mean(of_words(words, word_logits))
            loss += sum(model.losses)
        return loss, tape.gradient(loss, model.trainable_variables)

    averaged = group.averaged(loss_and_gradients) if group else loss_and_gradients

    @tf.function
    def step(*batch: tf.Tensor) -> tf.Tensor:
        loss, gradients = averaged(*batch)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        if average is not None:
            average.update()
        return loss

    return step


def _heard(model: tf.keras.Model, stream_share: float) -> Callable[[tf.Tensor], Any]:
    """Features of a batch -> what `model` makes of them in training, the last share of them as in a stream."""
    if not stream_share:
        return lambda features: model(features, training=True)
    stream = in_a_stream(model)

    def both(features: tf.Tensor) -> Any:
        first = round((1 - stream_share) * features.shape[0])
        if not first:
            return stream(features, training=True)
        parts = model(features[:first], training=True), stream(features[first:], training=True)
        return tf.nest.map_structure(lambda *each: tf.concat(each, 0), *parts)

    return both


def steps_in_a_row(step: Callable[..., Any], batch_size: int) -> Callable[..., Any]:
    """A function that takes several steps on an epoch, which lies on the device, and returns their losses.

    Its arguments are the epoch, tensors [m, ...] of which `step` takes batches, and two int32 scalars: the number of
    the first step, and how many to take. The bits are those of calls of `step` one by one.

    Args:
      step: of `training_step`.
      batch_size: examples in a step.
    """

    @tf.function
    def steps(epoch: tuple[tf.Tensor, ...], first: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, count)
        for number in tf.range(count):
            begin = (first + number) * batch_size
            batch = [
                tf.slice(part, [begin, *[0] * (len(part.shape) - 1)], [batch_size, *part.shape[1:]]) for part in epoch
            ]
            losses = losses.write(number, step(*batch))
        return losses.stack()

    return steps


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
            loss = _epoch(take_steps, _inputs(examples, config, epoch, steps, followed_now, rows), steps, progress)
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


def _inputs(
    examples: Examples, config: FitConfig, epoch: int, steps: int, followed: Teachers | None, rows: slice
) -> tuple[tf.Tensor, ...]:
    """What an epoch's steps take, in their order and on the device: masked features, words, teachers' posteriors.

    Args:
      rows: of each batch.
    """
    features, words = examples
    rng = np.random.default_rng([config.seed, config.first_epoch + epoch])
    order = rng.permutation(len(words))[: steps * config.batch_size]
    seeds = rng.integers(2**31, size=2).tolist()
    coloured = channel_augment.recolour(values(features[order], config.input_format), seeds[0])
    masked = spec_augment.mask(coloured, seeds[1])
    own, own_words = (_rows_of_batches(part, config.batch_size, rows) for part in (masked, words[order]))
    if followed is None:
        return tf.constant(own), tf.constant(own_words)
    return tf.constant(own), tf.constant(own_words), tf.constant(_followed(followed.posteriors(own), own_words, config))


def _followed(posteriors: np.ndarray, words: np.ndarray, config: FitConfig) -> np.ndarray:
    """What distillation follows, float32 [n, classes]: posteriors, and for untaught words the smoothed label."""
    classes = posteriors.shape[1]
    labels = words if config.classes is None else np.take(config.classes, words)
    smoothed = (
        np.eye(classes, dtype=np.float32)[labels] * (1 - config.label_smoothing) + config.label_smoothing / classes
    )
    return np.where(np.isin(words, config.untaught)[:, None], smoothed, posteriors).astype(np.float32)


def _epoch(take_steps: Callable[..., Any], inputs: tuple[tf.Tensor, ...], steps: int, progress: tqdm) -> float:
    """Runs one epoch and returns its mean loss."""
    losses = []
    for first in range(0, steps, _STEPS_AT_A_TIME):
        count = min(_STEPS_AT_A_TIME, steps - first)
        interrupts.check()
        losses.append(take_steps(inputs, tf.constant(first), tf.constant(count)).numpy())
        progress.update(count)
    return float(np.concatenate(losses).astype(np.float64).mean())


def _rows_of_batches(part: np.ndarray, batch_size: int, rows: slice) -> np.ndarray:
    """These rows of every batch, one batch after the other."""
    shape = part.shape[1:]
    return part.reshape(-1, batch_size, *shape)[:, rows].reshape(-1, *shape)


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
