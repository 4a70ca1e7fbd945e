"""Measures a bundle on a dataset. `python -m kws.evaluate --bundle=B --data_dir=D`.

The float model that the bundle carries is measured beside it, on the same clips.

With `--conditions`: accuracy by gain, noise and room, and recall of silence by level, of several bundles side by side.
With `--streaming`: misses and false alarms of its detector on long recordings composed of the dataset's clips, word
behind word; with `--negatives=DIR` too, on hours without keywords and on clips placed alone.
"""

import dataclasses
import pathlib
import sys

from absl import flags

from export.bundle import folder as bundles
from export.bundle.training import trained
from kws import datasets
from kws.datasets import dataset_flags
from kws.datasets.clip import NO_NEGATIVES, SAMPLE_RATE, SPLITS
from kws.datasets.negatives import clips as negative_clips
from kws.evaluation import conditions
from kws.evaluation.backends import BACKENDS, INTERPRETER
from kws.evaluation.clips import EvaluateConfig, evaluate, table
from kws.evaluation.conditions import ConditionsConfig
from kws.evaluation.streaming import always_on, always_on_table, evaluation, hearing
from kws.evaluation.streaming.always_on import AlwaysOnConfig
from kws.evaluation.streaming.evaluation import StreamingConfig
from kws.evaluation.streaming.recording import Recipe
from kws.training import run_folder
from kws_cli import command
from kws_cli.command import UserError


def define_flags() -> None:
    """Defines this command's flags."""
    dataset_flags.define_flags()
    command.define_json_flag()
    command.define_required_flag("bundle", "The bundle to measure; with --conditions several, separated by commas.")
    flags.DEFINE_enum("split", "testing", SPLITS, "The split to measure on.")
    flags.DEFINE_enum(
        "backend",
        INTERPRETER,
        BACKENDS,
        "What computes the logits; engine is the bundle's C, equal to the interpreter on a sample or refused.",
    )
    flags.DEFINE_bool("conditions", False, "Measure accuracy by gain, noise and room, and recall of silence by level.")
    flags.DEFINE_bool("streaming", False, "Measure the detector on a stream of words, with --negatives on theirs.")
    flags.DEFINE_float("hours", Recipe().hours, "Length of the recording (--streaming).")
    flags.DEFINE_integer("seed", Recipe().seed, "Of what is drawn (--streaming, --conditions).", lower_bound=0)
    flags.DEFINE_string("run_dir", None, "The bundle's run, to measure its float model beside it (--streaming).")
    flags.DEFINE_list(
        "negatives_without",
        [],
        "Keywords that nobody says in the negatives; of others a detection in speech may be none false (--negatives).",
    )
    flags.DEFINE_bool("allow_chance", False, "End well, too, where the bundle is hardly better than guessing.")
    flags.DEFINE_string("plot", None, "Also draw misses over false alarms per hour into this image (--streaming).")


def dataset_from_flags(values: flags.FlagValues, bundle: pathlib.Path | None = None) -> datasets.DatasetConfig:
    """The dataset that the flags spell; without dataset flags, the data that the bundle was trained with.

    Args:
      bundle: None for the one that the flags name.
    """
    given = [name for name in ("dataset", "words", "task", "data_seed") if values[name].present]
    opened = bundles.load(bundle or values.bundle)
    trained_on = opened.training.get("settings", {}).get("dataset")
    if given or trained_on is None:
        config = dataset_flags.config_from_flags(values)
    else:
        config = dataset_flags.from_json(trained_on, **dataset_flags.machine_settings(values))
    seconds = opened.frontend_config.clip_samples / SAMPLE_RATE if opened.frontend else config.clip_seconds
    if values["clip_seconds"].present and values.clip_seconds != seconds:
        raise UserError(
            f"--clip_seconds={values.clip_seconds:g}: the bundle hears {seconds:g} s at a time, leave it out"
        )
    return dataclasses.replace(config, clip_seconds=seconds)


def config_from_flags(values: flags.FlagValues) -> EvaluateConfig | StreamingConfig | AlwaysOnConfig | ConditionsConfig:
    """The settings that the flags spell.

    Raises:
      UserError: flags that don't go together.
    """
    if values.streaming and values.conditions:
        raise UserError("--streaming and --conditions are two measurements: give one of them")
    only_streaming = ("hours", "run_dir", "negatives_without", "plot")
    for name in only_streaming if values.conditions else (*only_streaming, "seed"):
        if values[name].present and not values.streaming:
            raise UserError(f"--{name} is for --streaming: add --streaming or leave it out")
    if values.conditions:
        return _conditions(values)
    path = pathlib.Path(values.bundle)
    dataset = dataset_from_flags(values, path)
    if not values.streaming:
        return EvaluateConfig(path, dataset, values.split, values.backend)
    if values.backend not in evaluation.BACKENDS:
        raise UserError(f"--streaming can't use --backend={values.backend}: choose {' or '.join(evaluation.BACKENDS)}")
    folder, never_said = _negatives(values, path, dataset)
    if folder is not None:
        return _always_on(values, path, dataset, folder, never_said)
    if dataset.dataset == "folder":
        print("warning: without negatives false alarms are counted among composed words alone", file=sys.stderr)
    if values.negatives_without:
        raise UserError("--negatives_without is for --negatives: add --negatives=DIR or leave it out")
    recipe = Recipe(split=values.split, hours=values.hours, seed=values.seed)
    float_model = run_folder.float_model(values.run_dir, bundles.load(path).frontend) if values.run_dir else None
    return StreamingConfig(path, dataset, recipe, values.backend, float_model)


def _negatives(
    values: flags.FlagValues, path: pathlib.Path, dataset: datasets.DatasetConfig
) -> tuple[pathlib.Path | None, tuple[str, ...]]:
    """The folder of negatives and the keywords that nobody says there; None where words are composed instead.

    Of a corpus they are heard where the flag asks for it, of recordings of one's own unless it says none or a flag is
    given that is for composed words.
    """
    composed = [name for name in ("hours", "run_dir") if values[name].present]
    if values.negatives == NO_NEGATIVES or (values.negatives is None and (composed or dataset.dataset != "folder")):
        return None, ()
    for name in composed:
        raise UserError(f"--{name} is for the composed recording: leave it out, or give --negatives=none")
    root = None if dataset.data_dir is None else pathlib.Path(dataset.data_dir)
    return negative_clips.to_hear(dataset, root, tuple(hearing.keyword_labels(bundles.load(path).labels)))


def _always_on(
    values: flags.FlagValues,
    path: pathlib.Path,
    dataset: datasets.DatasetConfig,
    folder: pathlib.Path,
    never_said: tuple[str, ...],
) -> AlwaysOnConfig:
    without = tuple(values.negatives_without) or never_said
    return AlwaysOnConfig(path, dataset, folder, values.split, values.seed, without, values.backend)


def _conditions(values: flags.FlagValues) -> ConditionsConfig:
    if values.backend != INTERPRETER:
        raise UserError(f"--conditions can't use --backend={values.backend}: leave it out, the interpreter is exact")
    paths = tuple(pathlib.Path(path) for path in values.bundle.split(","))
    return ConditionsConfig(paths, dataset_from_flags(values, paths[0]), values.split, values.seed)


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
        elif isinstance(config, AlwaysOnConfig):
            result = always_on.evaluate(config)
            command.say(always_on_table.table(result), values.json)
            if values.plot is not None:
                from kws.evaluation.streaming import plot

                plot.draw_always_on(result, values.plot)
        elif isinstance(config, ConditionsConfig):
            result = conditions.evaluate(config)
            command.say(conditions.table(result), values.json)
        else:
            result = evaluate(config)
            command.say(table(result), values.json)
        command.write_json(result, values.json)
        found = trained.near_chance(result) if isinstance(config, EvaluateConfig) else None
        if found and not values.allow_chance:
            raise UserError(
                f"--bundle={values.bundle} has learned next to nothing of these clips ({found}): give the data that it "
                "was made for, train it on more, or give --allow_chance"
            )

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
