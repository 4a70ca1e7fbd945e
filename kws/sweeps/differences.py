"""How far a configuration is from its float models, over seeds: per seed, and an interval over seeds and speakers.

Each cell keeps what it and its float model answered to each clip (`OUTCOMES`, `kws.evaluation.outcomes`).
"""

import pathlib
from typing import Any

import numpy as np

from kws.evaluation import bootstrap, metrics
from kws.evaluation.bootstrap import Draws
from kws.evaluation.outcomes import Outcomes
from kws.sweeps import results
from kws.sweeps.sweep_error import SweepError
from kws_cli import json_file

OUTCOMES = "outcomes.json"


def against_float(sweep_dir: str | pathlib.Path, cells: list[dict[str, Any]], split: str) -> dict[str, Any] | None:
    """Differences of the cells of one configuration, each to the float model that it began with.

    Args:
      cells: rows of `kws.sweeps.results`, of several seeds.
      split: one of `cell.MEASURED_SPLITS`.

    Returns:
      "seeds", "speakers"; "accuracy": "by_seed", their mean "difference", and its 95 % "interval" over seeds and
      speakers; "false_discovery_rate", at 5 % false reject rate: the same and, of the means, "relative_change" with
      "relative_interval". None where a cell kept no outcomes, or a float model is missing, or the cells were measured
      on different clips.

    Raises:
      SweepError: outcomes are damaged.
    """
    found = [_outcomes(sweep_dir, cell, split) for cell in cells]
    if not _comparable(found):
        return None
    drawn = bootstrap.draws(found[0].speakers)  # type: ignore[union-attr]
    once = Draws(drawn.speaker_of, np.ones((1, drawn.speakers), int))
    keywords = [metrics.keywords_of(cell["labels"]) for cell in cells]

    def figures(of: Draws) -> dict[str, np.ndarray]:
        """[2, seeds, draws]: of the integers and of float."""
        every = [_figures(of, each, words) for each, words in zip(found, keywords, strict=True) if each]
        return {name: np.stack([one[name] for one in every], axis=1) for name in every[0]}

    whole, spread = figures(once), figures(drawn)
    result: dict[str, Any] = {"seeds": len(cells), "speakers": drawn.speakers}
    for name in whole:
        result[name] = _difference(whole[name][..., 0], spread[name], drawn)
    return result


def _comparable(found: list[Outcomes | None]) -> bool:
    first = found[0]
    return first is not None and all(
        each is not None and each.float_logits is not None and each.names == first.names for each in found
    )


def _figures(of: Draws, outcomes: Outcomes, keywords: list[int]) -> dict[str, np.ndarray]:
    """Measure -> [2, draws]."""
    both = [logits for logits in (outcomes.logits, outcomes.float_logits) if logits is not None]
    labels = outcomes.labels
    return {
        "accuracy": np.stack([bootstrap.accuracies(of, np.argmax(one, axis=1) == labels) for one in both]),
        "false_discovery_rate": np.stack([bootstrap.false_discovery_rates(of, one, labels, keywords) for one in both]),
    }


def _difference(whole: np.ndarray, spread: np.ndarray, drawn: Draws) -> dict[str, Any]:
    """Args: whole: [2, seeds], of all speakers; spread: [2, seeds, draws]."""
    by_seed = whole[0] - whole[1]
    own, of_float = (bootstrap.over_seeds(values) for values in spread)
    float_mean = whole[1].mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = own / of_float - 1
    return {
        "by_seed": by_seed.tolist(),
        "difference": float(by_seed.mean()),
        "interval": _interval(own - of_float, drawn),
        "relative_change": float(whole[0].mean() / float_mean - 1) if float_mean else None,
        "relative_interval": _interval(relative, drawn),
    }


def _interval(values: np.ndarray, drawn: Draws) -> list[float] | None:
    found = bootstrap.interval(values) if drawn.speakers > 1 else None
    return None if found is None else list(found)


def _outcomes(sweep_dir: str | pathlib.Path, cell: dict[str, Any], split: str) -> Outcomes | None:
    """What a cell kept; None for one of an earlier version."""
    name = f"{cell.get('folder')}/{OUTCOMES}"
    content = results.content(sweep_dir, name) if cell.get("folder") and cell.get("labels") else None
    if content is None:
        return None
    try:
        return Outcomes.from_json(json_file.parse(content, dict[str, Any])[split])
    except (ValueError, KeyError, TypeError) as error:
        raise SweepError(
            f"{sweep_dir}/{name} is damaged ({error!r}): remove its folder and run the sweep again"
        ) from error
