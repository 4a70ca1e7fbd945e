"""Accuracy and error rates of a bundle on the clips of a split, one by one."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from kws import datasets
from kws.datasets import dataset_flags
from kws.datasets.clip import Dataset
from kws.evaluation import backends, metrics
from kws.evaluation.evaluation_error import EvaluationError
from kws.examples import extraction
from quant.qformat import dequantize


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """What to measure.

    Attributes:
      bundle: path of the bundle.
      dataset: where the clips come from; None for the data the bundle was trained with.
      split: one of training, validation, testing.
      backend: one of `backends.BACKENDS`; engine and interpreter round once, tflm twice.
      cache_dir: where features are kept between calls; None for nowhere.
    """

    bundle: pathlib.Path
    dataset: datasets.DatasetConfig
    split: str = "testing"
    backend: str = backends.INTERPRETER
    cache_dir: pathlib.Path | None = None


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Loads clips, computes features and logits, and returns `metrics.summary` with what it was measured on.

    Raises:
      EvaluationError: the dataset's classes are not the bundle's, or the engine's codes are not the interpreter's.
      HostError: no C compiler where the engine is asked for, or C that does not compile.
    """
    return measure(bundles.load_hearing(config.bundle), datasets.load(config.dataset), config)


def measure(bundle: Bundle, dataset: Dataset, config: EvaluateConfig) -> dict[str, Any]:
    """`evaluate` of a bundle and a dataset that are loaded already."""
    codes, labels = split_features(bundle, dataset, config)
    names, threads = dataset.splits[config.split].names, config.dataset.worker_processes
    found = backends.infer(bundle, codes, names, config.backend, threads)
    scores = dequantize(found.logits, bundle.model.output_format)
    what = {"bundle": bundle.name, "backend": found.backend, "computed_by": str(found)}
    what |= {"dataset": dataset.name, "split": config.split}
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


def check_classes(bundle: Bundle, dataset: Dataset) -> None:
    """Raises `EvaluationError` for a dataset of other classes than the bundle's."""
    if dataset.labels != bundle.labels:
        raise EvaluationError(
            f"the dataset's classes ({', '.join(dataset.labels)}) are not the bundle's ({', '.join(bundle.labels)}): "
            "give the dataset, words and task it was trained with"
        )


def split_features(bundle: Bundle, dataset: Dataset, config: EvaluateConfig) -> tuple[np.ndarray, np.ndarray]:
    """Feature codes int8 [n, h, w, c] and labels int64 [n] of the split."""
    check_classes(bundle, dataset)
    clips = dataset.splits[config.split]
    parameters = bundle.frontend_config
    codes = extraction.extract(
        clips.samples,
        parameters,
        processes=config.dataset.worker_processes,
        label=config.split,
        cache_dir=config.cache_dir,
        stored=clips.stored,
    )
    return codes, clips.labels


def table(result: dict[str, Any]) -> str:
    """The result for a person: accuracy, recall per class, false discovery rates, confusion."""
    names = result["labels"]
    what = f"{result['bundle']} on {result['dataset']} {result['split']} ({result['clips']} clips)"
    lines = [
        f"{what}, {result['computed_by']}",
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
