"""Chooses a bundle's detector on the validation split and writes it into the bundle, as JSON and as C.

python -m kws.tune_detector --bundle=B --data_dir=D --negatives=DIR

chooses it on recordings of speech, music and noise without keywords, and on validation's keywords in a room. Without
negatives it is chosen on a recording composed of validation's words.
"""

import dataclasses
import functools
import json
import pathlib
import sys
from typing import Any

from absl import flags

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.model import detector as detectors
from kws import datasets, evaluate
from kws.datasets import dataset_flags, negatives
from kws.datasets.clip import Dataset, Part
from kws.datasets.negatives import clips as negative_clips
from kws.datasets.synthetic import spoken_words
from kws.evaluation.clips import check_classes
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import always_on_figures, evaluation, hearing, negatives_tuning, tuning
from kws.evaluation.streaming.hearing import NOISY, QUIET
from kws.evaluation.streaming.recording import Recipe
from kws_cli import command
from kws_cli.command import UserError
from microcontroller.streaming import recording

_COMPOSED_TARGET = 1.0
_SPLIT = "validation"


@dataclasses.dataclass(frozen=True)
class TuneConfig:
    """What to choose the detector for.

    Attributes:
      bundle: path of the bundle, which gets the detector.
      dataset: where the clips and noises come from, and the negatives.
      recipe: of the recording, of the validation split; with negatives its seed alone counts.
      false_alarms_per_hour: at most so many; None for one on a composed recording, and on negatives for what
        `negatives_tuning.tune` makes of it.
      backend: one of `kws.evaluation.streaming.evaluation.BACKENDS`.
      negatives_without: keywords that nobody says in the negatives.

    Raises:
      UserError: a negative target.
    """

    bundle: pathlib.Path
    dataset: datasets.DatasetConfig
    recipe: Recipe
    false_alarms_per_hour: float | None = None
    backend: str = evaluation.INTERPRETER
    negatives_without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.false_alarms_per_hour is not None and not self.false_alarms_per_hour >= 0:
            raise UserError(f"--false_alarms_per_hour={self.false_alarms_per_hour}: give 0 or more")

    @property
    def negatives(self) -> pathlib.Path | None:
        """The folder of negatives; None for none."""
        return self._to_hear[0]

    @property
    def never_said(self) -> tuple[str, ...]:
        """The keywords that nobody says in the negatives: those that are given, or of spoken ones all."""
        return self.negatives_without or self._to_hear[1]

    @functools.cached_property
    def _to_hear(self) -> tuple[pathlib.Path | None, tuple[str, ...]]:
        root = None if self.dataset.data_dir is None else pathlib.Path(self.dataset.data_dir)
        keywords = tuple(hearing.keyword_labels(bundles.load(self.bundle).labels))
        return negative_clips.to_hear(self.dataset, root, keywords)


def tune(config: TuneConfig) -> dict[str, Any]:
    """Chooses the detector, writes it into the bundle and returns what the bundle's detector.json says.

    Raises:
      UserError: other classes than the bundle's, a target that can't be kept, or a bundle that can't be written.
    """
    bundle, folder = bundles.load_hearing(config.bundle), config.negatives
    if folder is None:
        detector, record = _on_words(config, bundle)
    else:
        detector, record = _on_negatives(config, bundle, folder)
    bundles.add(bundle, {**detector_file.bundle_files(detector, record), **_own_words(bundle)})
    return {"detector": detector.to_json(), **record}


def _own_words(bundle: Bundle) -> dict[str, str]:
    """The keywords, spoken, for the recording of `microcontroller.bench`; none where it has all of them itself."""
    keywords = hearing.keyword_labels(bundle.labels)
    if set(keywords) <= recording.known_words():
        return {}
    spoken = spoken_words.content(keywords, "python -m kws.tune_detector")
    return {recording.WORDS: json.dumps(spoken, indent=1) + "\n"} if spoken["words"] else {}


def _on_words(config: TuneConfig, bundle: Bundle) -> tuple[detectors.Detector, dict[str, Any]]:
    """The detector and the record of its choice, on a composed recording."""
    target = _COMPOSED_TARGET if config.false_alarms_per_hour is None else config.false_alarms_per_hour
    dataset = datasets.load(config.dataset)
    _check_all_said(bundle, dataset)
    heard = evaluation.hear(bundle, dataset, config.recipe, config.dataset.worker_processes)
    logits = evaluation.logits_of(bundle, heard.frames, config.backend)
    tuned = tuning.tune(bundle.model, logits, heard.recording, heard.step_samples, target)
    made_for = {
        "false_alarms_per_hour": target,
        "dataset": dataset_flags.to_json(config.dataset),
        "recipe": config.recipe.to_json(),
    }
    return tuned.detector, {"tuned_for": made_for, "there": tuned.to_json()}


def _on_negatives(
    config: TuneConfig, bundle: Bundle, folder: pathlib.Path
) -> tuple[detectors.Detector, dict[str, Any]]:
    """The same on recordings without keywords, and on words placed alone."""
    hearing.check_keywords(config.negatives_without, bundle.labels)
    recordings = hearing.of_split(folder, _SPLIT)
    dataset = datasets.load(config.dataset, Part((_SPLIT,), bundle.labels))
    check_classes(bundle, dataset)
    _check_all_said(bundle, dataset)
    chosen, _ = hearing.chosen_clips(dataset, _SPLIT)
    around = hearing.surroundings(bundle, dataset, recordings, folder, _SPLIT, config.recipe.seed)
    clips = dataset.splits[_SPLIT]
    with evaluation.listening(bundle, config.backend) as network:
        heard = hearing.hear_negatives(bundle, network, recordings)
        words = {
            condition.name: hearing.hear_words(bundle, network, clips, chosen, condition, around)
            for condition in (QUIET, NOISY)
        }
    tuned = negatives_tuning.tune(bundle.model, heard, words, config.never_said, config.false_alarms_per_hour)
    made_for = {
        "false_alarms_per_hour": tuned.target,
        "dataset": dataset_flags.to_json(config.dataset),
        "negatives": negatives.hours_by_kind(recordings),
        "negatives_without": list(config.never_said),
        "conditions": list(words),
        "seed": config.recipe.seed,
    }
    return tuned.detector, {"tuned_for": made_for, "there": tuned.to_json()}


def _check_all_said(bundle: Bundle, dataset: Dataset) -> None:
    """Raises `EvaluationError` where a keyword has no validation clips: no threshold of it could be chosen."""
    clips = dataset.splits[_SPLIT]
    lacking = [
        name
        for name in hearing.keyword_labels(bundle.labels)
        if name not in dataset.labels or not (clips.labels == dataset.labels.index(name)).any()
    ]
    if lacking:
        raise EvaluationError(
            f"{', '.join(map(repr, lacking))}: the bundle's keywords without {_SPLIT} clips, which thresholds are "
            "chosen on: give recordings of every keyword"
        )


def table(result: dict[str, Any]) -> str:
    """The choice for a person."""
    detector = result["detector"]
    first = (
        f"window {detector['window']} steps, rise {detector.get('rise', 'any')} steps, refractory time "
        f"{detector['refractory']} steps"
    )
    on_negatives = "negatives" in result["there"]
    return "\n".join([first, *(_lines_on_negatives(result) if on_negatives else _lines_on_words(result))])


def _lines_on_words(result: dict[str, Any]) -> list[str]:
    there = result["there"]
    lines = [
        f"miss rate by window: {_by_window(there['miss_rate_by_window'])}",
        f"on validation: miss rate {100 * there['miss_rate']:.1f} %, {there['false_alarms_per_hour']:.2f} false alarms "
        f"per hour, target {result['tuned_for']['false_alarms_per_hour']:g}",
        f"{'keyword':12}{'threshold':>10}{'spoken':>8}{'missed':>9}{'false alarms':>14}",
    ]
    for name, values in there["keywords"].items():
        missed = "-" if values["miss_rate"] is None else f"{100 * values['miss_rate']:.1f} %"
        lines.append(
            f"{name:12}{_average(result, name):10.4f}{values['spoken']:8d}{missed:>9}{values['false_alarms']:14d}"
        )
    return lines


def _lines_on_negatives(result: dict[str, Any]) -> list[str]:
    there, made_for = result["there"], result["tuned_for"]
    alarms = there["negatives"]
    used = [f"{kind} {hours:.2f} h" for kind, hours in made_for["negatives"].items()]
    counted = ", ".join(f"{kind} {values['false_alarms']}" for kind, values in alarms.items())
    lines = [
        f"heard by window: {_by_window(there['heard_by_window'])}",
        f"negatives of validation: {', '.join(used)}",
        f"false alarms on them: {counted}; {there['expected_false_alarms_per_hour']:.2f} per hour expected, target "
        f"{made_for['false_alarms_per_hour']:g}, a detection in speech that may hold the word counted "
        f"{negatives_tuning.MAYBE_SAID_SHARE:g}",
        f"{'keyword':12}{'threshold':>10}{'spoken':>8}"
        + "".join(f"{name:>9}" for name in there["words"])
        + f"{'false alarms':>14}",
    ]
    quiet = there["words"][QUIET.name]
    for name, values in quiet["keywords"].items():
        heard = "".join(f"{100 - 100 * one['keywords'][name]['miss_rate']:7.1f} %" for one in there["words"].values())
        alarm = alarms[always_on_figures.ALL]["keywords"][name]
        lines.append(f"{name:12}{_average(result, name):10.4f}{values['spoken']:8d}{heard}{alarm:14d}")
    fewest = min((values["spoken"] for values in quiet["keywords"].values() if values["spoken"]), default=0)
    if fewest < negatives_tuning.FEW_CLIPS:
        lines.append(
            f"few clips, {fewest} of a keyword: how the next speaker is heard is not known from them; measure it with "
            "python -m kws.evaluate --streaming, and set --false_alarms_per_hour by it"
        )
    share = 1 - quiet["miss_rate"]
    lines.append(f"heard in quiet ({QUIET.name}): {100 * share:.1f} %")
    if share < negatives_tuning.HEARD_IN_QUIET:
        lines.append(
            f"fewer than {negatives_tuning.HEARD_IN_QUIET:.0%} are heard in a quiet room: allow more than "
            f"--false_alarms_per_hour={made_for['false_alarms_per_hour']:g}, or train a network that hears more"
        )
    return lines


def _average(result: dict[str, Any], keyword: str) -> float:
    """A keyword's threshold as one of the average posterior."""
    detector = result["detector"]
    return float(detector["thresholds"][keyword] / (detectors.ONE * detector["window"]))


def _by_window(shares: dict[str, float | None]) -> str:
    return ", ".join(
        f"{window}: {'-' if share is None else f'{100 * share:.1f} %'}" for window, share in shares.items()
    )


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = Recipe(split=_SPLIT)
    dataset_flags.define_flags()
    command.define_json_flag()
    command.define_required_flag("bundle", "The bundle that gets a detector.")
    flags.DEFINE_float(
        "false_alarms_per_hour",
        None,
        "At most so many on the negatives (default: 0.5 for one keyword, 1 for several, four times that where one has "
        "fewer than 20 clips, and up to 8 as long as fewer than nine of ten are heard in quiet), or on the composed "
        "recording (default: 1).",
    )
    flags.DEFINE_list(
        "negatives_without",
        [],
        "Keywords that nobody says in the negatives; of others a detection in speech counts a tenth.",
    )
    flags.DEFINE_float("hours", defaults.hours, "Length of the composed recording, used without negatives.")
    flags.DEFINE_integer("seed", defaults.seed, "Of the composed recording, or of words' surroundings.", lower_bound=0)
    flags.DEFINE_enum("backend", evaluation.INTERPRETER, evaluation.BACKENDS, "What computes the logits.")


def _check(values: flags.FlagValues, folder: pathlib.Path | None) -> None:
    """Raises `UserError` for flags that mean nothing with negatives, or without."""
    if folder is not None and values["hours"].present:
        raise UserError("--hours is for the composed recording: leave it out, or give --negatives=none")
    if folder is None and values.negatives_without:
        raise UserError("--negatives_without is for negatives: give --negatives=DIR or leave it out")


def warn(folder: pathlib.Path | None) -> None:
    """Says on stderr what is not known where there are no negatives."""
    if folder is None:
        print(
            "warning: without --negatives=DIR false alarms are counted among composed words alone, not in speech, "
            "music and noise",
            file=sys.stderr,
        )


def main() -> None:
    """The command `python -m kws.tune_detector`."""

    def work(values: flags.FlagValues) -> None:
        config = TuneConfig(
            pathlib.Path(values.bundle),
            evaluate.dataset_from_flags(values),
            Recipe(split=_SPLIT, hours=values.hours, seed=values.seed),
            values.false_alarms_per_hour,
            values.backend,
            tuple(values.negatives_without),
        )
        _check(values, config.negatives)
        bundles.load_hearing(config.bundle)  # what it refuses comes before the warning
        warn(config.negatives)
        result = tune(config)
        command.say(table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
