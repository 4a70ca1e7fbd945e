"""From a dataset to what the stages train on and are measured on: epochs, and features of the other splits."""

import contextlib
import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kws.datasets import silence
from kws.examples import extraction
from kws.examples.epoch_producer import EpochProducer
from kws.examples.material import Material, material
from kws.frontend import INTEGER, Arithmetic
from kws.training import stages
from kws.training.run_folder import RunFolder
from kws.training.settings import FEW_STREAM_SHARE, TrainConfig
from kws.training.training_data import TrainingData
from kws.training.workers.worker_group import WorkerGroup

MEASURED_SPLITS = ("validation", "testing")


@contextlib.contextmanager
def open_job(
    config: TrainConfig,
    data: TrainingData,
    folder: RunFolder,
    *,
    epochs: int,
    cache_dir: str | pathlib.Path,
    keep_epochs: bool,
    float_teachers: Sequence[Any] = (),
    fixed_point_teachers: Sequence[Any] = (),
    arithmetic: Arithmetic = INTEGER,
    group: WorkerGroup | None = None,
) -> Iterator[stages.Job]:
    """The job of training on `data`; its worker processes live as long as the context.

    Args:
      epochs: number of epochs in all, of both stages.
      cache_dir: where features of validation and testing are kept, and where `keep_epochs` asks for it, those of
        training and what teachers say about them.
      float_teachers, fixed_point_teachers: Keras models whose posteriors stages 1 and 2 follow.
      arithmetic: what computes features; stage 2 needs integers.
      group: the workers of this training; None for a single one.

    Raises:
      ExampleError: clips or features can't be written.
    """
    processes = config.dataset.worker_processes
    features = {
        split: extraction.extract(
            data.dataset.splits[split].samples,
            data.frontend,
            processes=processes,
            label=split,
            cache_dir=cache_dir,
            arithmetic=arithmetic,
            stored=data.dataset.splits[split].stored,
        )
        for split in MEASURED_SPLITS
    }
    made_of = _material(config, data, arithmetic)
    with _producer(config, data, made_of, epochs, cache_dir if keep_epochs else None) as producer:
        yield stages.Job(
            config,
            data.dataset.labels,
            arithmetic.input_format,
            features,
            {split: data.dataset.splits[split].labels for split in MEASURED_SPLITS},
            folder,
            # Calibration reads the epoch that fine-tuning then starts with.
            functools.lru_cache(maxsize=1)(producer.epoch),
            producer.examples_per_epoch,
            data.batch_size,
            made_of.config.classes,
            made_of.config.without_word,
            tuple(float_teachers),
            tuple(fixed_point_teachers),
            pathlib.Path(cache_dir) if keep_epochs else None,
            first_examples_of=producer.first_examples,
            group=group,
            start=data.start,
            stream_share=_stream_share(config, data),
        )


def _stream_share(config: TrainConfig, data: TrainingData) -> float:
    if config.stream_share >= 0:
        return config.stream_share
    return FEW_STREAM_SHARE if data.rounds > 1 else 0.0


def training_codes(config: TrainConfig, data: TrainingData, epoch: int, count: int) -> np.ndarray:
    """Feature codes of the first `count` examples of an epoch, int8 [at most count, h, w, c].

    In the epoch `config.float_epochs` the first ones are those that stage 2 chooses its formats by.

    Raises:
      ExampleError: clips can't be written.
    """
    made_of = _material(config, data, INTEGER)
    with _producer(config, data, made_of, epoch + 1, None) as producer:
        return producer.first_examples(epoch, count)


def _material(config: TrainConfig, data: TrainingData, arithmetic: Arithmetic) -> Material:
    limit = config.epoch_limit or None
    return material(data.dataset, data.frontend, config.dataset.seed, arithmetic, data.rounds, limit)


def _producer(
    config: TrainConfig, data: TrainingData, made_of: Material, epochs: int, cache_dir: str | pathlib.Path | None
) -> EpochProducer:
    training = data.dataset.splits["training"]
    return EpochProducer(
        training.samples,
        made_of.words,
        data.dataset.noises["training"],
        None if made_of.config.silence_word is None else silence.draw_for_training,
        made_of.config,
        seed=made_of.seed,
        epochs=epochs,
        processes=config.dataset.worker_processes,
        scratch_dir=config.dataset.scratch_dir,
        cache_dir=cache_dir,
        stored=training.stored,
    )
