"""A whole run: data, both stages, and what the export takes over."""

import dataclasses
import pathlib
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cli.command import UserError
from export.bundle import trained
from kws import datasets, frontend
from kws.datasets import dataset_flags
from kws.datasets.attribution import ATTRIBUTION
from kws.datasets.clip import Dataset
from kws.examples import extraction
from kws.training import run_folder, teacher_runs
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig, command_line


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
      UserError: data or folder are not as they should be.
    """
    import tensorflow as tf

    tf.keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    source = _float_source(config, float_run) if float_run else None
    teachers = {} if resume else teacher_runs.described(config, source)
    dataset = datasets.load(config.dataset)
    cache_dir = pathlib.Path(cache_dir or pathlib.Path(run_dir).parent / "feature_cache")
    if resume:
        folder, _ = run_folder.open_run(run_dir)
    else:
        settings = {**dataclasses.asdict(config), "dataset": dataset_flags.to_json(config.dataset)}
        folder = run_folder.create(run_dir, settings, teachers)
    if source:
        _take_float(source, folder)
    say(f"{dataset.name}: {', '.join(f'{len(clips)} {split}' for split, clips in dataset.splits.items())} clips")
    features_config = _calibrated_frontend(dataset, folder)
    try:
        _train_stages(config, dataset, features_config, folder, cache_dir, keep_epochs, say)
    except KeyboardInterrupt:
        print(
            f"\ninterrupted: every finished epoch is kept; go on with --run_dir={folder.path} --resume", file=sys.stderr
        )
        raise
    return folder


def _float_source(config: TrainConfig, float_run: str | pathlib.Path) -> RunFolder:
    """The run whose float model is taken. Raises `UserError` where it has none or one of other settings."""
    source, saved = run_folder.open_run(float_run, "float_run")
    if not source.model_path(FLOAT).is_file():
        raise UserError(f"--float_run={float_run} holds no finished float model: go on with it with --resume")
    theirs = TrainConfig.from_json(saved["settings"], dataset_flags.from_json(saved["settings"]["dataset"])).float_stage
    for name, value in config.float_stage.items():
        if theirs[name] != value:
            raise UserError(f"--float_run={float_run} was trained with {name}={theirs[name]}, this run has {value}")
    return source


def _take_float(source: RunFolder, folder: RunFolder) -> None:
    shutil.copyfile(source.file(run_folder.FRONTEND), folder.file(run_folder.FRONTEND))
    folder.update_json(run_folder.METRICS, **{FLOAT: source.read_json(run_folder.METRICS)[FLOAT]})
    shutil.copyfile(source.model_path(FLOAT), folder.model_path(FLOAT))


def _hand_over(
    config: TrainConfig,
    dataset: Dataset,
    features_config: frontend.FrontEndConfig,
    features: np.ndarray,
    folder: RunFolder,
) -> None:
    testing = dataset.splits["testing"]
    saved = folder.read_json(run_folder.SETTINGS)
    lines = teacher_runs.command_lines(saved)
    trained.write(
        folder.path,
        trained.Trained(
            model=folder.model_path(FIXED_POINT),
            name=config.model,
            labels=dataset.labels,
            frontend=features_config.to_json(),
            metrics=folder.read_json(run_folder.METRICS),
            training={
                "command": "\n".join([*lines, command_line(config)]),
                "seed": config.seed,
                **saved,
                run_folder.TEACHERS: teacher_runs.identities(saved),
                "float_sha256": teacher_runs.float_sha256(folder),
                "data": _description(dataset),
            },
            clips=testing.names,
            features=features,
            true_labels=testing.labels,
        ),
    )


def _description(dataset: Dataset) -> dict[str, Any]:
    clips = {split: len(clips) for split, clips in dataset.splits.items()}
    return {"name": dataset.name, **ATTRIBUTION[dataset.name], "clips": clips, "skipped": len(dataset.skipped)}


def _calibrated_frontend(dataset: Dataset, folder: RunFolder) -> frontend.FrontEndConfig:
    """The front end with the Q-format that training data choose, stored in the run."""
    if folder.file(run_folder.FRONTEND).is_file():
        return frontend.FrontEndConfig.from_json(folder.read_json(run_folder.FRONTEND))
    config = extraction.calibrate_on_clips(dataset.splits["training"].samples, frontend.FrontEndConfig())
    folder.write_json(run_folder.FRONTEND, config.to_json())
    return config


def _train_stages(
    config: TrainConfig,
    dataset: Dataset,
    features_config: frontend.FrontEndConfig,
    folder: RunFolder,
    cache_dir: pathlib.Path,
    keep_epochs: bool,
    say: Callable[[str], None],
) -> None:
    from kws.training import stages
    from kws.training.job import open_job

    job_context = open_job(
        config,
        dataset,
        features_config,
        folder,
        epochs=config.float_epochs + config.fixed_point_epochs,
        cache_dir=cache_dir,
        keep_epochs=keep_epochs,
        float_teachers=()
        if folder.model_path(FLOAT).is_file()
        else teacher_runs.models("float_teachers", config, features_config),
        fixed_point_teachers=teacher_runs.models("fixed_point_teachers", config, features_config),
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
        _hand_over(config, dataset, features_config, job.features["testing"], folder)
