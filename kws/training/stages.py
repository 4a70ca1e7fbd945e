"""The two stages of training: float with batch normalization, then fixed point."""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kws.evaluation import metrics
from kws.evaluation.inference import predictor, values
from kws.models import MODELS
from kws.models.word_head import with_word_head
from kws.training import run_folder
from kws.training.loop.config import FitConfig
from kws.training.loop.fit import fit
from kws.training.loop.inputs import Examples
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig, by_layer
from kws.training.teachers import Teachers
from kws.training.transfer import bundle_start
from kws.training.transfer.bundle_start import BundleStart
from kws.training.workers.worker_group import WorkerGroup
from kws_cli import atomic
from quant.folding import equalization, keras_chain
from quant.folding.layers import FoldedLayers
from quant.formats.calibration import calibrate
from quant.formats.network_formats import Network
from quant.qformat import QFormat, dequantize
from quant.training import (
    code_distribution,
    cosine_regularization,
    fixed_point_graph,
    network_file,
    trained_network,
)

LOGIT_BITS = 8
CALIBRATION_EXAMPLES = 1024


@dataclasses.dataclass(frozen=True)
class Job:
    """What both stages need.

    Attributes:
      names: of the classes.
      input_format: of the feature codes; None where features are values, float32, which stage 1 alone can train on.
      features, labels: of validation and testing, int8 [n, h, w, c] and int [n].
      examples_of: epoch -> its training examples, features int8 [m, h, w, c] and words int [m].
      examples_per_epoch: m.
      batch_size: examples in a step.
      classes: the class of each word; None where every word is a class.
      untaught: words of which teachers are not asked: silence and negatives, of which each dataset has its own, so that
        a teacher may never have heard the like.
      float_teachers: whose posteriors stage 1 follows, in the share `config.float_distillation`.
      fixed_point_teachers: whose posteriors stage 2 follows, in the share `config.distillation`; empty for the stage's
        own float model.
      posteriors_dir: where teachers' posteriors are kept for other runs; None to keep none.
      first_examples_of: epoch and number -> features of so many of its first examples, for an epoch that is not trained
        on; None to make all of it for them.
      group: the workers of this training; None for a single one.
      start: the bundle that stage 1 starts from; None for random weights.
      stream_share: share of the examples that are trained on as a stream hears them.
    """

    config: TrainConfig
    names: tuple[str, ...]
    input_format: QFormat | None
    features: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    folder: RunFolder
    examples_of: Callable[[int], Examples]
    examples_per_epoch: int
    batch_size: int
    classes: tuple[int, ...] | None = None
    untaught: tuple[int, ...] = ()
    float_teachers: tuple[tf.keras.Model, ...] = ()
    fixed_point_teachers: tuple[tf.keras.Model, ...] = ()
    posteriors_dir: pathlib.Path | None = None
    first_examples_of: Callable[[int, int], np.ndarray] | None = None
    group: WorkerGroup | None = None
    start: BundleStart | None = None
    stream_share: float = 0.0

    @property
    def input_shape(self) -> tuple[int, int, int]:
        height, width, channels = self.features["validation"].shape[1:]
        return height, width, channels

    def measure(self, model: tf.keras.Model) -> dict[str, Any]:
        """Metrics of a model's logits on validation and testing."""
        logits_of = predictor(model, self.input_format)
        return {
            split: metrics.summary(logits_of(features), self.labels[split], self.names)
            for split, features in self.features.items()
        }

    def fit(self, model: tf.keras.Model, hooks: dict[str, Any] | None = None, **settings: Any) -> None:
        """Trains `model` in place with these settings of `FitConfig`; hooks are `fit`'s own optional arguments."""
        config = FitConfig(
            batch_size=self.batch_size,
            label_smoothing=self.config.label_smoothing,
            seed=self.config.seed,
            input_format=self.input_format,
            classes=self.classes,
            untaught=self.untaught,
            stream_share=self.stream_share,
            step_parts=self.config.step_parts,
            **settings,
        )
        validation = (self.features["validation"], self.labels["validation"])
        more = {"group": self.group, **(hooks or {})}
        fit(model, config, self.examples_of, self.examples_per_epoch, validation, self.folder, **more)


def train_float(job: Job) -> None:
    """Stage 1: writes float/model.h5 and its metrics. From a bundle the last layer alone learns at first."""
    config = job.config
    architecture = MODELS[config.model]
    model = architecture.build(job.input_shape, len(job.names), config.seed)
    classes = job.classes or ()
    words_apart = config.word_loss and len(classes) > len(job.names)
    hooks = {
        "followed": Teachers(job.float_teachers, job.posteriors_dir) if job.float_teachers else None,
        "word_head": with_word_head(model, architecture.embedding, len(classes), config.seed) if words_apart else None,
    }
    if job.start:
        bundle_start.take(job.start, model, values(job.examples_of(0)[0], job.input_format))
    ends = [end for end in (config.frozen_epochs, config.float_epochs) if end]
    for begin, end in itertools.pairwise([0, *dict.fromkeys(ends)]):
        bundle_start.freeze(model, frozen=end <= config.frozen_epochs)
        job.fit(
            model,
            stage=FLOAT,
            epochs=config.float_epochs,
            begin=begin,
            end=end,
            first_epoch=0,
            learning_rate=config.init_learning_rate if job.start else config.float_learning_rate,
            warmup_epochs=min(config.warmup_epochs, config.float_epochs / 4),
            weight_decay=config.weight_decay,
            ema=config.float_ema,
            distillation=config.float_distillation if job.float_teachers else 0.0,
            word_loss=config.word_loss,
            hooks=hooks,
        )
    bundle_start.freeze(model, frozen=False)
    job.folder.update_json(run_folder.METRICS, **{FLOAT: job.measure(model)})
    run_folder.save_model(job.folder, FLOAT, model)


def train_fixed_point(job: Job) -> None:
    """Stage 2: writes formats.json, fixed_point/model.h5 and the metrics before and after fine-tuning."""
    config, folder, q = job.config, job.folder, job.input_format
    if q is None:
        raise ValueError("stage 2 trains on feature codes: this job's features are values")
    float_model = run_folder.load_model(folder, FLOAT)
    followed = Teachers(job.fixed_point_teachers or (float_model,), job.posteriors_dir)
    layers = keras_chain.fold(float_model)
    if config.method.equalize:
        layers = equalization.equalize(layers)
    layers, formats = _calibrate(job, q, layers, config.weight_bits, config.activation_bits, epoch=0)
    fixed = dataclasses.replace(config.method, learn_formats=False)
    model = fixed_point_graph.fixed_point_model(layers, formats, job.input_shape, fixed)
    folder.update_json(run_folder.METRICS, post_training=job.measure(model))
    for phase in config.phases:
        if folder.phase_path(phase.end).is_file():
            layers, formats = run_folder.read_phase(folder, phase.end, layers)
            continue
        if phase.calibrates:
            layers, formats = _calibrate(job, q, layers, phase.weight_bits, phase.activation_bits, phase.begin)
        method = dataclasses.replace(config.method, learn_formats=phase.learns_formats)
        model = fixed_point_graph.fixed_point_model(layers, formats, job.input_shape, method)
        job.fit(
            model,
            stage=FIXED_POINT,
            epochs=config.fixed_point_epochs,
            begin=phase.begin,
            end=phase.end,
            first_epoch=config.float_epochs,
            learning_rate=config.fine_tuning_rate,
            warmup_epochs=0.0,
            weight_decay=0.0,
            distillation=config.distillation,
            ema=config.fixed_point_ema,
            hooks={
                "followed": followed,
                "before_epoch": _ramp(model, config.fixed_point_epochs),
                "describe": _describe,
            },
        )
        if phase.end < config.fixed_point_epochs:
            layers = trained_network.folded_layers(model, layers)
            formats = trained_network.learned_formats(model, formats)
            with atomic.writing(folder.phase_path(phase.end)) as fresh:
                network_file.write(fresh, layers, formats)
    folder.write_json(run_folder.FORMATS, formats.to_json())
    folder.update_json(run_folder.METRICS, **{FIXED_POINT: job.measure(model)})
    run_folder.save_model(folder, FIXED_POINT, model)


def _describe(model: tf.keras.Model) -> dict[str, dict[str, float]]:
    """Figures by layer, for the history."""
    return {name: dataclasses.asdict(found) for name, found in code_distribution.describe(model).items()}


def _calibrate(
    job: Job,
    q: QFormat,
    layers: FoldedLayers,
    weight_bits: tuple[int, ...],
    activation_bits: tuple[int, ...],
    epoch: int,
) -> Network:
    """Formats of these widths from the first examples of an epoch of stage 2: training data, augmented as in training.

    Args:
      q: the feature codes' format.

    Returns:
      The layers, scaled where formats are uniform, and the formats.
    """
    config = job.config
    epoch += config.float_epochs
    if config.fixed_point_epochs or job.first_examples_of is None:
        codes = job.examples_of(epoch)[0][:CALIBRATION_EXAMPLES]
    else:
        codes = job.first_examples_of(epoch, CALIBRATION_EXAMPLES)
    features = dequantize(codes, q)
    by_name = {**by_layer(activation_bits, config.model), MODELS[config.model].layer_names[-1]: LOGIT_BITS}
    return calibrate(layers, features, q, by_layer(weight_bits, config.model), by_name, config.method)


def _ramp(model: tf.keras.Model, epochs: int) -> Callable[[int], None]:
    """Raises the cosine regularization over the stage's second half."""
    return lambda epoch: trained_network.set_cosine_ramp(model, cosine_regularization.ramp(epoch / epochs))
