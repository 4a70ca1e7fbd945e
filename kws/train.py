"""Trains a keyword-spotting model: in float, then in fixed point. `python -m kws.train --help`.

Stage 1 trains a float DS-CNN with batch normalization. Stage 2 folds the normalization, equalizes, chooses a
power-of-two format for every tensor and fine-tunes in fixed point through tfmot.
"""

import dataclasses

from absl import flags

from cli import command
from cli.command import UserError
from kws import datasets
from kws.datasets import dataset_flags
from kws.models import MODELS
from kws.training import run, run_folder, threads
from kws.training.settings import LISTS, TrainConfig, parse_bits
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
    flags.DEFINE_enum("model", default.model, sorted(MODELS), "Architecture.")
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


def main() -> None:
    """The command `python -m kws.train`."""

    def work(values: flags.FlagValues) -> None:
        command.require(run_dir=values.run_dir)
        config = resumed_config(values) if values.resume else config_from_flags(values)
        threads.limit(config.threads)
        folder = run.run(
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
