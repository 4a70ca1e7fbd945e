"""A whole run: data, both stages, and what the export takes over."""

import dataclasses
import pathlib
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cli import atomic
from cli.settings import to_json
from export.bundle import trained
from kws import datasets
from kws.datasets import dataset_flags, identity
from kws.datasets.attribution import ATTRIBUTION
from kws.datasets.clip import Dataset
from kws.examples import extraction
from kws.examples.material import material
from kws.frontend import FrontEndConfig
from kws.training import enough_data, run_folder, teacher_runs
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig, command_line
from kws.training.training_error import TrainingError


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """What a run is trained and measured on.

    Attributes:
      clips: the identity of the dataset's clips.
      frontend: calibrated on the training clips.
      batch_size: examples in a step.
    """

    dataset: Dataset
    clips: identity.Identity
    frontend: FrontEndConfig
    batch_size: int


def run(
    config: TrainConfig,
    run_dir: str | pathlib.Path,
    *,
    resume: bool = False,
    float_run: str | pathlib.Path | None = None,
    keep_epochs: bool = False,
    cache_dir: str | pathlib.Path | None = None,
    say: Callable[[str], None] = print,
) -> RunFolder:
    """Trains both stages, or what is left of them, and returns the finished run.

    The same bits come out where `kws.training.threads.limit(config.threads)` was called first, as the command does.

    Args:
      float_run: a run whose float model is taken over instead of training one.
      keep_epochs: keep augmented epochs in `cache_dir`, too.
      cache_dir: where features are kept, for other runs on the same data; None for `feature_cache` beside the run.

    Raises:
      TrainingError: data or folder are not as they should be.
    """
    import tensorflow as tf

    tf.keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    begun = run_folder.open_run(run_dir)[0] if resume else None
    if not begun:
        run_folder.check_new(run_dir)
    source = _float_source(config, float_run) if float_run else None
    described = {} if begun else teacher_runs.described(config, source)
    data = _load(config, begun, source, say)
    teachers = _teachers(config, data, source or begun)
    folder = begun or _create(config, run_dir, described, data)
    folder.write_json(run_folder.FRONTEND, data.frontend.to_json())
    if source:
        _take_float(source, folder)
    cache_dir = pathlib.Path(cache_dir or folder.path.parent / "feature_cache")
    try:
        _train_stages(config, data, teachers, folder, cache_dir, keep_epochs, say)
    except KeyboardInterrupt:
        print(
            f"\ninterrupted: every finished epoch is kept; go on with --run_dir={folder.path} --resume", file=sys.stderr
        )
        raise
    return folder


def _float_source(config: TrainConfig, float_run: str | pathlib.Path) -> RunFolder:
    """The run whose float model is taken. Raises `TrainingError` where it has none or one of other settings."""
    source, saved = run_folder.open_run(float_run, "float_run")
    if not source.model_path(FLOAT).is_file():
        raise TrainingError(f"float_run={float_run} holds no finished float model: go on with it with --resume")
    theirs = TrainConfig.from_json(saved["settings"], dataset_flags.from_json(saved["settings"]["dataset"])).float_stage
    for name, value in config.float_stage.items():
        if theirs[name] != value:
            raise TrainingError(f"float_run={float_run} was trained with {name}={theirs[name]}, this run has {value}")
    return source


def _load(
    config: TrainConfig, begun: RunFolder | None, source: RunFolder | None, say: Callable[[str], None]
) -> TrainingData:
    """The data, which must be those of the run that is gone on with, and of the one whose float model is taken."""
    dataset = datasets.load(config.dataset)
    say(f"{dataset.name}: {', '.join(f'{len(clips)} {split}' for split, clips in dataset.splits.items())} clips")
    enough_data.check_splits(dataset)
    clips = identity.identity(dataset)
    if begun:
        run_folder.check_clips(begun, clips, f"run_dir={begun.path}")
    if source:
        run_folder.check_clips(source, clips, f"float_run={source.path}")
    frontend = _frontend(dataset, begun, source)
    examples = material(dataset, frontend, config.dataset.seed).examples_per_epoch
    batch_size = _batch_size(config, examples, begun, source)
    if batch_size < config.batch_size:
        say(f"an epoch has {examples} examples: steps of {batch_size}, not of batch_size={config.batch_size}")
    return TrainingData(dataset, clips, frontend, batch_size)


def _frontend(dataset: Dataset, begun: RunFolder | None, source: RunFolder | None) -> FrontEndConfig:
    """The front end with the Q-format that training data choose, from the run that has it already or calibrated now."""
    for folder in (begun, source):
        if folder and folder.file(run_folder.FRONTEND).is_file():
            return FrontEndConfig.from_json(folder.read_json(run_folder.FRONTEND))
    return extraction.calibrate_on_clips(dataset.splits["training"].samples, FrontEndConfig())


def _batch_size(config: TrainConfig, examples: int, begun: RunFolder | None, source: RunFolder | None) -> int:
    """Examples in a step: what the run began with, or what fits. Runs of earlier versions took the settings' own."""
    if begun:
        size = run_folder.batch_size(begun)
        if size > examples:
            raise TrainingError(
                f"run_dir={begun.path} was begun with more than the {examples} examples of an epoch in "
                f"a step, batch_size={size}: start another run"
            )
        return size
    size = enough_data.batch_size(examples, config.batch_size)
    if source and run_folder.batch_size(source) != size:
        raise TrainingError(
            f"float_run={source.path} was trained in steps of {run_folder.batch_size(source)} examples, this run has "
            f"steps of {size}: train it again"
        )
    return size


def _teachers(config: TrainConfig, data: TrainingData, folder: RunFolder | None) -> dict[str, tuple[Any, ...]]:
    """The models that the stages follow; none for a float model that `folder` has already."""
    flags = list(teacher_runs.FLAGS)
    if folder and folder.model_path(FLOAT).is_file():
        flags.remove("float_teachers")
    return {flag: teacher_runs.models(flag, config, data.frontend, data.clips) for flag in flags}


def _create(
    config: TrainConfig, run_dir: str | pathlib.Path, teachers: dict[str, dict[str, Any]], data: TrainingData
) -> RunFolder:
    known = {run_folder.DATA: {"sha256": identity.sha256(data.clips)}, run_folder.BATCH_SIZE: data.batch_size}
    return run_folder.create(run_dir, to_json(config), teachers, data.clips, **known)


def _take_float(source: RunFolder, folder: RunFolder) -> None:
    folder.update_json(run_folder.METRICS, **{FLOAT: source.read_json(run_folder.METRICS)[FLOAT]})
    with atomic.writing(folder.model_path(FLOAT)) as fresh:
        shutil.copyfile(source.model_path(FLOAT), fresh)


def _train_stages(
    config: TrainConfig,
    data: TrainingData,
    teachers: dict[str, tuple[Any, ...]],
    folder: RunFolder,
    cache_dir: pathlib.Path,
    keep_epochs: bool,
    say: Callable[[str], None],
) -> None:
    from kws.training import stages
    from kws.training.job import open_job

    job_context = open_job(
        config,
        data.dataset,
        data.frontend,
        folder,
        batch_size=data.batch_size,
        epochs=config.float_epochs + config.fixed_point_epochs,
        cache_dir=cache_dir,
        keep_epochs=keep_epochs,
        **teachers,
    )
    with job_context as job:
        for stage, train in ((FLOAT, stages.train_float), (FIXED_POINT, stages.train_fixed_point)):
            if not folder.model_path(stage).is_file():
                started = time.monotonic()
                if stage == FIXED_POINT:
                    say(f"{stage}: peak learning rate {config.fine_tuning_rate:.2g}")
                train(job)
                say(f"{stage}: {time.monotonic() - started:.0f} s")
            report = folder.read_json(run_folder.METRICS)[stage]
            say(f"{stage}: " + ", ".join(f"{split} {100 * m['accuracy']:.2f} %" for split, m in report.items()))
        _hand_over(config, data, job.features["testing"], folder)


def _hand_over(config: TrainConfig, data: TrainingData, features: np.ndarray, folder: RunFolder) -> None:
    """Writes what the export takes over; features are the codes of the testing clips."""
    testing = data.dataset.splits["testing"]
    saved = folder.read_json(run_folder.SETTINGS)
    lines = teacher_runs.command_lines(saved)
    trained.write(
        folder.path,
        trained.Trained(
            model=folder.model_path(FIXED_POINT),
            name=config.model,
            labels=data.dataset.labels,
            frontend=data.frontend.to_json(),
            metrics=folder.read_json(run_folder.METRICS),
            training={
                "command": "\n".join([*lines, command_line(config)]),
                "seed": config.seed,
                **saved,
                run_folder.TEACHERS: teacher_runs.identities(saved),
                "float_sha256": teacher_runs.float_sha256(folder),
                run_folder.DATA: _description(data),
            },
            clips=testing.names,
            features=features,
            true_labels=testing.labels,
        ),
    )


def _description(data: TrainingData) -> dict[str, Any]:
    dataset = data.dataset
    clips = {split: len(clips) for split, clips in dataset.splits.items()}
    about = {"name": dataset.name, **ATTRIBUTION[dataset.name], "clips": clips, "skipped": len(dataset.skipped)}
    return {**about, "sha256": identity.sha256(data.clips)}
