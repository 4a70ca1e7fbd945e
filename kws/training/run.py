"""A whole run: data, both stages, and what the export takes over."""

import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from export.bundle.training import trained
from kws.datasets import identity
from kws.datasets.origin.attribution import ATTRIBUTION
from kws.datasets.sources import shares
from kws.training import devices, earlier_runs, run_folder, training_data
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig, command_line
from kws.training.training_data import TrainingData
from kws.training.training_error import TrainingError
from kws_cli.settings import to_json

if TYPE_CHECKING:
    from kws.training.workers.worker_group import WorkerGroup


def run(
    config: TrainConfig,
    run_dir: str | pathlib.Path,
    *,
    resume: bool = False,
    float_run: str | pathlib.Path | None = None,
    keep_epochs: bool = False,
    cache_dir: str | pathlib.Path | None = None,
    say: Callable[[str], None] = print,
    group: "WorkerGroup | None" = None,
    above_chance: Sequence[str] = (FLOAT, FIXED_POINT),
) -> RunFolder:
    """Trains both stages, or what is left of them, and returns the finished run.

    The same bits come out where `kws.training.devices.prepare(config.threads)` was called first, as the command does.

    Args:
      float_run: a run whose float model is taken over instead of training one.
      keep_epochs: keep augmented epochs in `cache_dir`, too.
      cache_dir: where features are kept, for other runs on the same data; None for `feature_cache` beside the run.
      group: the workers of this training, each of which calls this with a folder of its own; None for a single one.
      above_chance: stages that may not end near chance, unless the settings allow it.

    Raises:
      TrainingError: data or folder are not as they should be, or a stage of `above_chance` ends near chance.
    """
    import tensorflow as tf

    if group and config.step_parts > 1:
        raise TrainingError(
            f"step_parts={config.step_parts} are of one worker's cores: leave it at 1 where there are several"
        )
    tf.keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    say(f"device: {devices.description()}")
    begun = run_folder.open_run(run_dir)[0] if resume else None
    if begun:
        _compare_device(begun, say)
    if not begun:
        run_folder.check_new(run_dir)
    source = earlier_runs.float_source(config, float_run) if float_run else None
    described = {} if begun else earlier_runs.described(config, source)
    data = training_data.load(config, begun, source, say)
    if group:
        what = f"{to_json(config)} {identity.sha256(data.clips)} {data.batch_size} {data.rounds}"
        group.check_same("settings or clips", what)
    teachers = earlier_runs.teachers(config, data, source or begun)
    folder = begun or _create(config, run_dir, described, data)
    folder.write_json(run_folder.FRONTEND, data.frontend.to_json())
    if source:
        earlier_runs.take_float(source, folder)
    cache_dir = pathlib.Path(cache_dir or folder.path.parent / "feature_cache")
    try:
        _train_stages(config, data, teachers, folder, cache_dir, keep_epochs, say, group, above_chance)
    except KeyboardInterrupt:
        print(
            f"\ninterrupted: every finished epoch is kept; go on with --run_dir={folder.path} --resume", file=sys.stderr
        )
        raise
    return folder


def _create(
    config: TrainConfig, run_dir: str | pathlib.Path, teachers: dict[str, dict[str, Any]], data: TrainingData
) -> RunFolder:
    known = {
        run_folder.DATA: {"sha256": identity.sha256(data.clips)},
        run_folder.BATCH_SIZE: data.batch_size,
        run_folder.ROUNDS: data.rounds,
        run_folder.DEVICE: devices.name(),
        **({run_folder.INIT: data.start.to_json()} if data.start else {}),
    }
    return run_folder.create(run_dir, to_json(config), teachers, data.clips, **known)


def _compare_device(begun: RunFolder, say: Callable[[str], None]) -> None:
    """Says so where the run was begun on another device; a run of an earlier version kept none."""
    before = begun.read_json(run_folder.SETTINGS).get(run_folder.DEVICE)
    if before not in (None, devices.name()):
        say(f"the run was begun on {before}: from here on its last bits are those of another device")


def _train_stages(
    config: TrainConfig,
    data: TrainingData,
    teachers: dict[str, tuple[Any, ...]],
    folder: RunFolder,
    cache_dir: pathlib.Path,
    keep_epochs: bool,
    say: Callable[[str], None],
    group: "WorkerGroup | None",
    above_chance: Sequence[str],
) -> None:
    from kws.training import stages
    from kws.training.job import open_job

    job_context = open_job(
        config,
        data,
        folder,
        epochs=config.float_epochs + config.fixed_point_epochs,
        cache_dir=cache_dir,
        keep_epochs=keep_epochs,
        float_teachers=teachers["float_teachers"],
        fixed_point_teachers=teachers["fixed_point_teachers"],
        group=group,
    )
    with job_context as job:
        for stage, train in ((FLOAT, stages.train_float), (FIXED_POINT, stages.train_fixed_point)):
            if not folder.model_path(stage).is_file():
                started = time.monotonic()
                if stage == FIXED_POINT:
                    say(f"{stage}: peak learning rate {config.fine_tuning_rate:.2g}")
                train(job)
                waited = _waited(folder, stage)
                say(f"{stage}: {time.monotonic() - started:.0f} s, {waited:.0f} s of waiting for examples among them")
            report = folder.read_json(run_folder.METRICS)[stage]
            say(f"{stage}: " + ", ".join(f"{split} {100 * m['accuracy']:.2f} %" for split, m in report.items()))
            if stage in above_chance and not config.allow_chance:
                check_chance(stage, report, folder)
        _hand_over(config, data, job.features["testing"], folder)


def check_chance(stage: str, report: dict[str, Any], folder: RunFolder) -> None:
    """Raises `TrainingError` where a stage ended near chance on validation; `report` is split -> metrics."""
    found = trained.near_chance(report["validation"])
    if found:
        raise TrainingError(
            f"{stage}: on validation {found}. Look at the recordings (right folders? cut off? too quiet?), add more or "
            f"give more epochs; to go on in another run_dir than {folder.path} all the same, give allow_chance=true"
        )


def _waited(folder: RunFolder, stage: str) -> float:
    """Seconds that a stage has waited for its epochs' examples; epochs of an earlier version kept none."""
    history = folder.read_json(run_folder.HISTORY) if folder.file(run_folder.HISTORY).is_file() else []
    return sum(row.get("waited_seconds", 0.0) for row in history if row["stage"] == stage)


def _hand_over(config: TrainConfig, data: TrainingData, features: np.ndarray, folder: RunFolder) -> None:
    """Writes what the export takes over; features are the codes of the testing clips."""
    testing = data.dataset.splits["testing"]
    saved = folder.read_json(run_folder.SETTINGS)
    lines = earlier_runs.command_lines(saved)
    trained.write(
        folder.path,
        trained.Trained(
            model=run_folder.checked_model(folder, FIXED_POINT),
            name=config.model,
            labels=data.dataset.labels,
            frontend=data.frontend.to_json(),
            metrics=folder.read_json(run_folder.METRICS),
            training={
                "command": "\n".join([*lines, command_line(config)]),
                "seed": config.seed,
                **saved,
                run_folder.TEACHERS: earlier_runs.identities(saved),
                "float_sha256": earlier_runs.float_sha256(folder),
                run_folder.DATA: _description(config, data),
            },
            clips=testing.names,
            features=features,
            true_labels=testing.labels,
            float_model=run_folder.checked_model(folder, FLOAT),
        ),
    )


def _description(config: TrainConfig, data: TrainingData) -> dict[str, Any]:
    dataset = data.dataset
    clips = {split: len(clips) for split, clips in dataset.splits.items()}
    about = {"name": dataset.name, **ATTRIBUTION[dataset.name], "clips": clips, "skipped": len(dataset.skipped)}
    if mixed := shares.described(dataset, config.dataset):
        about["sources"] = mixed
    return {**about, "sha256": identity.sha256(data.clips)}
