"""Hears a dataset's clips for a report: accuracy and mistakes of a bundle, on the data that it was trained with."""

import dataclasses
import pathlib
from typing import Any

from kws.datasets import dataset_flags
from kws.evaluation import clips as on_clips
from kws.evaluation.clips import EvaluateConfig
from kws.reports import measured, mistakes
from kws.reports.measured import Clips
from kws.reports.report_error import ReportError
from kws.reports.subject import Subject


def heard(subject: Subject, machine: dict[str, Any], split: str) -> Subject:
    """The bundle with what it makes of the split's clips, in place of what was given.

    Args:
      machine: the dataset's settings of this machine, as `dataset_flags.machine_settings` gives them.

    Raises:
      ReportError: the bundle doesn't say which data it was trained with.
      DatasetError, EvaluationError: data that can't be read, or are of other classes.
    """
    bundle = subject.bundle
    settings = bundle.training.get("settings")
    trained_on = settings.get("dataset") if isinstance(settings, dict) else None
    if not isinstance(trained_on, dict):
        raise ReportError(
            f"bundle={bundle.path} doesn't say which data it was trained with: measure it with python -m kws.evaluate "
            "and give what that writes"
        )
    config = EvaluateConfig(pathlib.Path(bundle.path), dataset_flags.from_json(trained_on, **machine), split)
    dataset = on_clips.load_split(bundle, config)
    result, outcomes = on_clips.measure(bundle, dataset, config)
    own = measured.shaped(result, Clips, f"bundle={bundle.path}", "kws.evaluate")
    others = tuple(one for one in subject.results if not isinstance(one, Clips))
    wrong = mistakes.worst(outcomes, dataset.splits[split], bundle.labels)
    return dataclasses.replace(subject, results=(*others, own), mistakes=wrong)
