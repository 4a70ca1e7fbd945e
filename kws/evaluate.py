"""Measures a bundle on a dataset. `python -m kws.evaluate --bundle=B --data_dir=D`.

The bundle's C computes the logits, and the interpreter those of a sample, which must be equal.

With `--streaming`: misses and false alarms of its detector on long recordings composed of the dataset's clips.
"""

import pathlib

from absl import flags

from cli import command
from cli.command import UserError
from export.bundle import folder as bundles
from kws import datasets
from kws.datasets import dataset_flags
from kws.datasets.clip import SPLITS
from kws.evaluation.backends import BACKENDS, INTERPRETER
from kws.evaluation.clips import EvaluateConfig, evaluate, table
from kws.evaluation.streaming import evaluation
from kws.evaluation.streaming.evaluation import StreamingConfig
from kws.evaluation.streaming.recording import Recipe
from kws.training import run_folder


def define_flags() -> None:
    """Defines this command's flags."""
    dataset_flags.define_flags()
    command.define_json_flag()
    flags.DEFINE_string("bundle", None, "The bundle to measure.")
    flags.DEFINE_enum("split", "testing", SPLITS, "The split to measure on.")
    flags.DEFINE_enum(
        "backend",
        INTERPRETER,
        BACKENDS,
        "What computes the logits; engine is the bundle's C, equal to the interpreter on a sample or refused.",
    )
    flags.DEFINE_bool("streaming", False, "Measure the detector on a long recording instead of clips one by one.")
    flags.DEFINE_float("hours", Recipe().hours, "Length of the recording (--streaming).")
    flags.DEFINE_integer("seed", Recipe().seed, "Of the recording (--streaming).")
    flags.DEFINE_string("run_dir", None, "The bundle's run, to measure its float model beside it (--streaming).")
    flags.DEFINE_string("plot", None, "Also draw misses over false alarms per hour into this image (--streaming).")


def dataset_from_flags(values: flags.FlagValues) -> datasets.DatasetConfig:
    """The dataset that the flags spell; without dataset flags, the data that the bundle was trained with."""
    given = [name for name in ("dataset", "words", "task", "data_seed") if values[name].present]
    trained_on = bundles.load(values.bundle).training.get("settings", {}).get("dataset")
    if given or trained_on is None:
        return dataset_flags.config_from_flags(values)
    return dataset_flags.from_json(trained_on, **dataset_flags.machine_settings(values))


def config_from_flags(values: flags.FlagValues) -> EvaluateConfig | StreamingConfig:
    """The settings that the flags spell.

    Raises:
      UserError: flags that don't go together.
    """
    command.require(bundle=values.bundle)
    path, dataset = pathlib.Path(values.bundle), dataset_from_flags(values)
    if not values.streaming:
        for name in ("hours", "seed", "run_dir", "plot"):
            if values[name].present:
                raise UserError(f"--{name} is for --streaming: add --streaming or leave it out")
        return EvaluateConfig(path, dataset, values.split, values.backend)
    if values.backend not in evaluation.BACKENDS:
        raise UserError(f"--streaming can't use --backend={values.backend}: choose {' or '.join(evaluation.BACKENDS)}")
    recipe = Recipe(split=values.split, hours=values.hours, seed=values.seed)
    float_model = run_folder.float_model(values.run_dir, bundles.load(path).frontend) if values.run_dir else None
    return StreamingConfig(path, dataset, recipe, values.backend, float_model)


def main() -> None:
    """The command `python -m kws.evaluate`."""

    def work(values: flags.FlagValues) -> None:
        config = config_from_flags(values)
        if isinstance(config, StreamingConfig):
            result = evaluation.evaluate(config)
            command.say(evaluation.table(result), values.json)
            if values.plot is not None:
                from kws.evaluation.streaming import plot

                plot.draw(result, values.plot)
        else:
            result = evaluate(config)
            command.say(table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
