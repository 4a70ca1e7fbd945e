"""Measures a bundle on a dataset. `python -m kws.evaluate --bundle=B --data_dir=D --backend=interpreter`.

With `--streaming`: misses and false alarms of its detector on long recordings composed of the dataset's clips.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from absl import flags

from cli import command
from cli.command import UserError
from export import bundle as bundles
from export import interpreter
from export.bundle import Bundle
from kws import dataset_flags, datasets, frontend, metrics
from kws.datasets.clip import SPLITS, Dataset
from kws.streaming import evaluation
from kws.streaming.evaluation import StreamingConfig
from kws.streaming.recording import Recipe
from quant.qformat import dequantize

BACKENDS = ("interpreter", "tflm", "engine")


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """What to measure.

    Attributes:
      bundle: path of the bundle.
      dataset: where the clips come from; None for the data the bundle was trained with.
      split: one of training, validation, testing.
      backend: one of BACKENDS; interpreter and engine round once, tflm twice.
      cache_dir: where features are kept between calls; None for nowhere.
    """

    bundle: pathlib.Path
    dataset: datasets.DatasetConfig
    split: str = "testing"
    backend: str = "interpreter"
    cache_dir: pathlib.Path | None = None


def logits(bundle: Bundle, codes: np.ndarray, backend: str) -> np.ndarray:
    """Logit codes int8 [n, labels] of feature codes int8 [n, h, w, c], by one of BACKENDS."""
    if backend == "interpreter":
        return interpreter.run(bundle.model, codes)
    if backend == "tflm":
        from export.tflm import TflmModel

        return TflmModel(bundle.tflite_path.read_bytes()).run(codes)
    from export.c_engine import CEngine

    with CEngine.build(bundle.c_folder) as engine:
        return engine.run(codes)


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Loads clips, computes features and logits, and returns `kws.metrics.summary` with what it was measured on.

    Raises:
      UserError: the dataset's classes are not the bundle's.
    """
    return measure(bundles.load(config.bundle), datasets.load(config.dataset), config)


def measure(bundle: Bundle, dataset: Dataset, config: EvaluateConfig) -> dict[str, Any]:
    """`evaluate` of a bundle and a dataset that are loaded already."""
    codes, labels = split_features(bundle, dataset, config)
    scores = dequantize(logits(bundle, codes, config.backend), bundle.model.output_format)
    what = {"bundle": bundle.name, "backend": config.backend, "dataset": dataset.name, "split": config.split}
    result = {**what, "labels": list(bundle.labels), **metrics.summary(scores, labels, bundle.labels)}
    reference = bundle.metrics.get("float", {}).get(config.split)
    trained_on = bundle.training.get("settings", {}).get("dataset")
    if reference and trained_on == dataset_flags.to_json(config.dataset):
        result["float"] = {"accuracy": reference["accuracy"]}
        key = "false_discovery_rate_at_false_reject_rate"
        result["float"][key] = reference[key]
        # Relative change of the false discovery rate against float, as the method's paper reports it.
        result["relative_change_of_" + key] = {
            rate: value / reference[key][rate] - 1 if reference[key][rate] else None
            for rate, value in result[key].items()
        }
    return result


def split_features(bundle: Bundle, dataset: Dataset, config: EvaluateConfig) -> tuple[np.ndarray, np.ndarray]:
    """Feature codes int8 [n, h, w, c] and labels int64 [n] of the split."""
    if dataset.labels != bundle.labels:
        raise UserError(
            f"the dataset's classes ({', '.join(dataset.labels)}) are not the bundle's ({', '.join(bundle.labels)}): "
            "give the --dataset, --words and --task it was trained with"
        )
    clips = dataset.splits[config.split]
    parameters = frontend.FrontEndConfig.from_json(bundle.frontend)
    codes = frontend.extract(
        clips.samples,
        parameters,
        processes=config.dataset.worker_processes,
        label=config.split,
        cache_dir=config.cache_dir,
    )
    return codes, clips.labels


def table(result: dict[str, Any]) -> str:
    """The result for a person: accuracy, recall per class, false discovery rates, confusion."""
    names = result["labels"]
    lines = [
        f"{result['bundle']} on {result['dataset']} {result['split']} ({result['clips']} clips), {result['backend']}",
        f"accuracy                  {100 * result['accuracy']:.2f} %",
        f"accuracy without silence  {100 * result['accuracy_without_silence']:.2f} %",
    ]
    if "float" in result:
        lines.append(f"float model's accuracy    {100 * result['float']['accuracy']:.2f} %")
    for rate, value in result["false_discovery_rate_at_false_reject_rate"].items():
        lines.append(f"false discovery rate at {100 * float(rate):.0f} % false reject rate: {100 * value:.2f} %")
    width = max(len(name) for name in names)
    lines.append("confusion (rows: spoken, columns: recognized; recall at the end)")
    lines.append(" " * width + "".join(f"{name[:6]:>7}" for name in names))
    for name, row in zip(names, result["confusion"], strict=True):
        recall = result["recall"][name]
        end = f"{100 * recall:7.1f} %" if recall is not None else "      -"
        lines.append(f"{name:{width}}" + "".join(f"{count:7d}" for count in row) + end)
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    dataset_flags.define_flags()
    command.define_json_flag()
    flags.DEFINE_string("bundle", None, "The bundle to measure.")
    flags.DEFINE_enum("split", "testing", SPLITS, "The split to measure on.")
    flags.DEFINE_enum("backend", "interpreter", BACKENDS, "What computes the logits.")
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
    return dataset_flags.from_json(
        trained_on, data_dir=values.data_dir, download=values.download, processes=values.processes
    )


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
    run_dir = None if values.run_dir is None else pathlib.Path(values.run_dir)
    return StreamingConfig(path, dataset, recipe, values.backend, run_dir)


def main() -> None:
    """The command `python -m kws.evaluate`."""

    def work(values: flags.FlagValues) -> None:
        config = config_from_flags(values)
        if isinstance(config, StreamingConfig):
            result = evaluation.evaluate(config)
            command.say(evaluation.table(result), values.json)
            if values.plot is not None:
                from kws.streaming import plot

                plot.draw(result, values.plot)
        else:
            result = evaluate(config)
            command.say(table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
