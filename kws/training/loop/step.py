"""A step of training: optimizer, loss and gradients, and several steps in one call of the graph."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kws.models.in_a_stream import in_a_stream
from kws.training import teachers
from kws.training.loop.config import FitConfig
from kws.training.loop.step_parts import in_parts
from kws.training.loop.weight_average import WeightAverage
from kws.training.workers.worker_group import WorkerGroup


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
    heard = _heard(model, config.stream_share, config.step_parts)

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

    @tf.function(autograph=False)
    def step(*batch: tf.Tensor) -> tf.Tensor:
        loss, gradients = averaged(*batch)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        if average is not None:
            average.update()
        return loss

    return step


def _heard(model: tf.keras.Model, stream_share: float, step_parts: int = 1) -> Callable[[tf.Tensor], Any]:
    """Features of a batch -> what `model` makes of them in training, the last share of them as in a stream."""
    alone = _in_training(model, step_parts)
    if not stream_share:
        return alone
    stream = _in_training(in_a_stream(model), step_parts)

    def both(features: tf.Tensor) -> Any:
        first = round((1 - stream_share) * features.shape[0])
        if not first:
            return stream(features)
        return tf.nest.map_structure(
            lambda *each: tf.concat(each, 0), alone(features[:first]), stream(features[first:])
        )

    return both


def _in_training(model: tf.keras.Model, step_parts: int) -> Callable[[tf.Tensor], Any]:
    return in_parts(model, step_parts) if step_parts > 1 else lambda features: model(features, training=True)


def steps_in_a_row(step: Callable[..., Any], batch_size: int) -> Callable[..., Any]:
    """A function that takes several steps on an epoch, which lies on the device, and returns their losses.

    Its arguments are the epoch, tensors [m, ...] of which `step` takes batches, and two int32 scalars: the number of
    the first step, and how many to take. The bits are those of calls of `step` one by one.

    Args:
      step: of `training_step`.
      batch_size: examples in a step.
    """

    @tf.function(autograph=False)
    def steps(epoch: tuple[tf.Tensor, ...], first: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        def one(number: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            begin = (first + number) * batch_size
            batch = [
                tf.slice(part, [begin, *[0] * (len(part.shape) - 1)], [batch_size, *part.shape[1:]]) for part in epoch
            ]
            return number + 1, losses.write(number, step(*batch))

        taken = (tf.constant(0), tf.TensorArray(tf.float32, count))
        return tf.while_loop(lambda number, losses: number < count, one, taken, parallel_iterations=1)[1].stack()

    return steps
