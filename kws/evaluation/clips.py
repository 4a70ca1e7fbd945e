"""Accuracy and error rates of a bundle on the clips of a split, one by one."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.model import float_model
from kws import datasets
from kws.datasets.clip import UNKNOWN, Dataset, Part
from kws.evaluation import backends, comparison, metrics
from kws.evaluation.bootstrap import FALSE_REJECT_RATE
from kws.evaluation.comparison import FDR
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.outcomes import Outcomes
from kws.examples import extraction
from kws_cli.table import aligned
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
    """Loads the clips of the split, computes features and logits, and returns `measure`'s result.

    Raises:
      EvaluationError: the dataset's classes are not the bundle's, the split has no clip to measure on, or the engine's
        codes are not the interpreter's.
      HostError: no C compiler where the engine is asked for, or C that does not compile.
    """
    bundle = bundles.load_hearing(config.bundle)
    return measure(bundle, load_split(bundle, config), config)[0]


def load_split(bundle: Bundle, config: EvaluateConfig) -> Dataset:
    """The split that is measured, with the bundle's classes; no other is read.

    Raises:
      EvaluationError: settings that ask for other classes.
    """
    wanted, keywords = config.dataset.words, {name for name in bundle.labels if not name.startswith("_")}
    others = wanted is not None and set(wanted) != keywords
    if others or (config.dataset.task == "35" and UNKNOWN in bundle.labels):
        asked = f"words={','.join(wanted)}" if wanted else f"task={config.dataset.task}"
        raise EvaluationError(
            f"the dataset's classes ({asked}) are not the bundle's ({', '.join(bundle.labels)}): give the words and "
            "task it was trained with, or none"
        )
    return datasets.load(config.dataset, Part((config.split,), bundle.labels))


def measure(bundle: Bundle, dataset: Dataset, config: EvaluateConfig) -> tuple[dict[str, Any], Outcomes]:
    """Metrics of a bundle on a dataset that is loaded, and of its float model on the same clips.

    Returns:
      `metrics.summary` with what was measured on what; "intervals" (`comparison.intervals`); "float", the same figures
      of the float model but confusion and curve, and "against_float" (`comparison.against_float`), both None for a
      bundle that carries no float weights. And what all of it was computed from.
    """
    codes, labels = split_features(bundle, dataset, config)
    clips, threads = dataset.splits[config.split], config.dataset.worker_processes
    _check_trials(labels, bundle.labels, config)
    found = backends.infer(bundle, codes, clips.names, config.backend, threads)
    scores = dequantize(found.logits, bundle.model.output_format)
    what = {"bundle": bundle.name, "model_sha256": bundle.model.sha256}
    what |= {"backend": found.backend, "computed_by": str(found), "dataset": dataset.name, "split": config.split}
    result = {**what, "labels": list(bundle.labels), **metrics.summary(scores, labels, bundle.labels)}
    result["intervals"] = comparison.intervals(scores, labels, bundle.labels, clips.speakers)
    values = None if bundle.float_model is None else float_model.run(bundle.float_model, codes)
    outcomes = Outcomes(clips.names, clips.speakers, labels, scores, values)
    if values is None:
        return {**result, "float": None, "against_float": None}, outcomes
    summary = metrics.summary(values, labels, bundle.labels)
    result["float"] = {name: value for name, value in summary.items() if name not in ("confusion", "det")}
    result["against_float"] = comparison.against_float(scores, values, labels, bundle.labels, clips.speakers)
    return result, outcomes


def _check_trials(labels: np.ndarray, names: tuple[str, ...], config: EvaluateConfig) -> None:
    """Raises `EvaluationError` where error rates of detection mean nothing: no keyword, or one keyword alone."""
    present, keywords = set(labels.tolist()), set(metrics.keywords_of(names))
    if not present & keywords or (present == keywords and len(keywords) == 1):
        where = f"data_dir={config.dataset.data_dir}" if config.dataset.data_dir else config.dataset.dataset
        said = ", ".join(names[label] for label in sorted(present))
        raise EvaluationError(
            f"{where}: the {config.split} split has clips of {said} alone: measuring takes some of a keyword of "
            f"{', '.join(names)}, and some that are not of it"
        )


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


def _figures(result: dict[str, Any]) -> list[list[str]]:
    """Rows of accuracy and false discovery rates, with the float model's on the same clips where it is known."""
    found, own, against = result["float"], result["intervals"], result["against_float"] or {}
    rows = [["in percent", "integers", "95 % interval", *(["float", "difference", "95 % interval"] if found else [])]]

    def row(title: str, measure: str, value: float | None, of_float: float | None) -> None:
        cells = [title, _percent(value), _interval(own.get(measure))]
        if found:
            difference = None if value is None or of_float is None else value - of_float
            interval = against.get(measure, {}).get("interval")
            cells += [_percent(of_float), _percent(difference, "+"), _interval(interval, "+")]
        rows.append(cells)

    for name in ("accuracy", "accuracy_without_silence"):
        row(name.replace("_", " "), name, result[name], found and found[name])
    for rate, value in result[FDR].items():
        measure = "false_discovery_rate" if float(rate) == FALSE_REJECT_RATE else ""
        title = f"false discovery rate at {100 * float(rate):.0f} % false reject rate"
        row(title, measure, value, found and found[FDR][rate])
    return rows


def _remarks(result: dict[str, Any]) -> list[str]:
    """What the figures are, in a line or two."""
    against = result["against_float"]
    if against is None:
        return ["no float model to compare with: this bundle carries no float weights"]
    alone = against["without_speaker"]
    note = f" ({alone} of them clips whose speaker isn't known, such as silence)" if alone else ""
    lines = [f"95 % intervals: bootstrap over {against['speakers']} speakers{note}; differences in points"]
    change = against["false_discovery_rate"]
    if change["relative_change"] is not None:
        interval = change["relative_interval"]
        rate = f"{100 * FALSE_REJECT_RATE:.0f} % false reject rate"
        lines.append(
            f"false discovery rate at {rate} against float: {100 * change['relative_change']:+.1f} % of it"
            + (f", 95 % interval {_interval(interval, '+')} %" if interval else "")
        )
    return lines


def _percent(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{100 * value:{sign}.2f}"


def _interval(interval: list[float] | None, sign: str = "") -> str:
    return "" if interval is None else " to ".join(_percent(end, sign) for end in interval)


def table(result: dict[str, Any]) -> str:
    """The result for a person: accuracy, recall per class, false discovery rates, confusion."""
    names = result["labels"]
    what = f"{result['bundle']} on {result['dataset']} {result['split']} ({result['clips']} clips)"
    lines = [f"{what}, {result['computed_by']}", *aligned(_figures(result), left=1), *_remarks(result)]
    lines.append("confusion (rows: spoken, columns: recognized; recall at the end)")
    recalls = [result["recall"][name] for name in names]
    rows = [
        [name, *map(str, row), "-" if recall is None else f"{100 * recall:.1f} %"]
        for name, row, recall in zip(names, result["confusion"], recalls, strict=True)
    ]
    lines += aligned([["", *names, "recall"], *rows], left=1)
    return "\n".join(lines)
