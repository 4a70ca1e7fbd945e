"""Trains a keyword-spotting model: in float, then in fixed point. `python -m kws.train --help`.

Stage 1 trains a float DS-CNN with batch normalization. Stage 2 folds the normalization, equalizes, chooses a
power-of-two format for every tensor and fine-tunes in fixed point through tfmot.
"""

import dataclasses
import pathlib
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from cli import command
from cli.command import UserError
from export import trained
from kws import dataset_flags, datasets, frontend, run_folder, specs, teacher_runs, threads
from kws.datasets.attribution import ATTRIBUTION
from kws.datasets.clip import Dataset
from kws.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.train_config import LISTS, TrainConfig, command_line, parse_bits
from quant.method import QFORMATS, Method
from quant.qformat import MAX_BITS, MIN_BITS


def define_flags() -> None:
    """Defines this command's flags."""
    default = TrainConfig(datasets.DatasetConfig(dataset="synthetic"))
    dataset_flags.define_flags()
    flags.DEFINE_string("run_dir", None, "Folder to write the run to.")
    flags.DEFINE_string("float_run", None, "Take stage 1 from this run, which must agree in all its settings.")
    flags.DEFINE_bool("keep_epochs", False, "Keep augmented epochs beside --run_dir, for other runs on the same data.")
    flags.DEFINE_bool("resume", False, "Go on with the interrupted run in --run_dir, with its own settings.")
    flags.DEFINE_enum("model", default.model, sorted(specs.SPECS), "Architecture.")
    flags.DEFINE_integer("seed", default.seed, "Seed of weights, shuffling and masks.", lower_bound=0)
    flags.DEFINE_integer(
        "threads", default.threads, "Threads of TensorFlow: more are faster, and give other last bits.", lower_bound=1
    )
    flags.DEFINE_integer("float_epochs", default.float_epochs, "Epochs of stage 1.", lower_bound=1)
    flags.DEFINE_integer("fixed_point_epochs", default.fixed_point_epochs, "Epochs of stage 2.", lower_bound=0)
    flags.DEFINE_integer("batch_size", default.batch_size, "Examples in a step.", lower_bound=1)
    flags.DEFINE_float("float_learning_rate", default.float_learning_rate, "Peak rate of stage 1.", lower_bound=0)
    flags.DEFINE_float(
        "fixed_point_learning_rate",
        default.fixed_point_learning_rate,
        "Peak rate of stage 2; 0: 5e-4 at 8 bits, doubled for every two bits less, 2e-3 at 4 bits and below.",
        lower_bound=0,
    )
    flags.DEFINE_float("warmup_epochs", default.warmup_epochs, "Linear warm-up of stage 1.", lower_bound=0)
    flags.DEFINE_float("weight_decay", default.weight_decay, "Decoupled weight decay of stage 1.", lower_bound=0)
    flags.DEFINE_float("label_smoothing", default.label_smoothing, "Label smoothing.", lower_bound=0, upper_bound=0.5)
    for stage, name in ((1, "float_ema"), (2, "fixed_point_ema")):
        help_text = f"Momentum of the moving average of weights that stage {stage} ends with, such as 0.99; 0: none."
        flags.DEFINE_float(name, getattr(default, name), help_text, lower_bound=0, upper_bound=1)
    flags.DEFINE_float(
        "word_loss",
        default.word_loss,
        "Weight, in stage 1, of a second head that tells the words of a class apart.",
        lower_bound=0,
    )
    flags.DEFINE_list("float_teachers", [], "Runs whose float models' posteriors stage 1 follows (distillation).")
    flags.DEFINE_float(
        "float_distillation",
        default.float_distillation,
        "Share of stage 1's loss that follows the teachers' posteriors.",
        lower_bound=0,
        upper_bound=1,
    )
    flags.DEFINE_list(
        "fixed_point_teachers",
        [],
        "Runs whose float models' posteriors stage 2 follows; none: its own float model's.",
    )
    flags.DEFINE_float(
        "distillation",
        default.distillation,
        "Share of stage 2's loss that follows the teachers' posteriors.",
        lower_bound=0,
        upper_bound=1,
    )
    method = default.method
    flags.DEFINE_bool("equalize", method.equalize, "Balance scales between layers before formats are chosen.")
    flags.DEFINE_bool("squash", method.squash, "Train kernels through s * tanh(P) (squashed weight distribution).")
    flags.DEFINE_float("deviation", method.deviation, "Pull of std(P) to even use of the codes.", lower_bound=0)
    flags.DEFINE_float("cosine", method.cosine, "Lambda of absolute cosine regularization.", lower_bound=0)
    flags.DEFINE_integer(
        "accumulator_bits", method.accumulator_bits, "Width that accumulators keep.", lower_bound=8, upper_bound=32
    )
    flags.DEFINE_enum("qformat", method.qformat, QFORMATS, "Formats per layer, or one for the whole network.")
    for name in ("weight_bits", "activation_bits"):
        flags.DEFINE_list(name, ["8"], f"{MIN_BITS} to {MAX_BITS}: one for all layers, or a comma list, one per layer.")
    flags.DEFINE_string(
        "gradual_bits",
        default.gradual_bits,
        "Begin stage 2 at higher widths, as bits:epochs,...; 8:3,6:3 is 3 epochs at 8 bits, then 3 at 6, then the end.",
    )
    flags.DEFINE_bool("learn_formats", method.learn_formats, "Train activations' fraction bits, then freeze them.")


def config_from_flags(values: flags.FlagValues) -> TrainConfig:
    """The settings that the flags spell. Raises `UserError` for an impossible one."""
    apart = {"dataset", "method", *LISTS}
    names = {f.name for f in dataclasses.fields(TrainConfig)} - apart
    try:
        method = Method(**{field.name: values[field.name].value for field in dataclasses.fields(Method)})
    except ValueError as error:
        raise UserError(f"--{error}") from error
    return TrainConfig(
        dataset=dataset_flags.config_from_flags(values),
        weight_bits=parse_bits("weight_bits", values.weight_bits, values.model),
        activation_bits=parse_bits("activation_bits", values.activation_bits, values.model),
        float_teachers=tuple(values.float_teachers),
        fixed_point_teachers=tuple(values.fixed_point_teachers),
        method=method,
        **{name: values[name].value for name in names},
    )


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

    The same bits come out where `kws.threads.limit(config.threads)` was called first, as the command does.

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
    config = frontend.calibrate_on_clips(dataset.splits["training"].samples, frontend.FrontEndConfig())
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
    from kws import stages, training_job

    job_context = training_job.open_job(
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


def main() -> None:
    """The command `python -m kws.train`."""

    def work(values: flags.FlagValues) -> None:
        command.require(run_dir=values.run_dir)
        config = resumed_config(values) if values.resume else config_from_flags(values)
        threads.limit(config.threads)
        folder = run(
            config,
            values.run_dir,
            resume=values.resume,
            float_run=values.float_run,
            keep_epochs=values.keep_epochs,
        )
        print(f"the run is in {folder.path}; next: python -m export.convert --run_dir={folder.path} --bundle=...")

    command.run(work, define_flags)


def resumed_config(values: flags.FlagValues) -> TrainConfig:
    """The interrupted run's own settings. Raises `UserError` where a flag was given that contradicts them."""
    _, saved = run_folder.open_run(values.run_dir)
    settings = saved["settings"]
    dataset = dataset_flags.from_json(
        settings["dataset"], data_dir=values.data_dir, download=values.download, processes=values.processes
    )
    config = TrainConfig.from_json(settings, dataset)
    given = config_from_flags(values)
    for field in dataclasses.fields(TrainConfig):
        if field.name in ("dataset", "method"):
            continue
        if values[field.name].present and getattr(given, field.name) != getattr(config, field.name):
            raise UserError(
                f"--{field.name}={getattr(given, field.name)} contradicts the run's own {getattr(config, field.name)}: "
                "leave it out, or start another run"
            )
    return config


if __name__ == "__main__":
    main()
