"""A detector that is kept switched on: false alarms per hour where no keyword is said, misses of words said alone.

False alarms are counted on long recordings of speech, music and noise (`kws.datasets.negatives`), misses on the split's
keyword clips, each alone in a stream of room noise (`placed_clips`), in quiet and in noise, in a room and not.
"""

import dataclasses
import pathlib
from typing import Any

from export.bundle import detector_file
from export.bundle import folder as bundles
from kws import datasets
from kws.datasets.clip import Part
from kws.evaluation.clips import check_classes
from kws.evaluation.streaming import always_on_figures, hearing
from kws.evaluation.streaming.evaluation import INTERPRETER, listening
from kws.evaluation.streaming.hearing import CONDITIONS, NOISY, QUIET


@dataclasses.dataclass(frozen=True)
class AlwaysOnConfig:
    """What to measure.

    Attributes:
      bundle: path of the bundle.
      dataset: where the clips and room noises come from.
      negatives: folder of recordings in which no keyword is said, of rooms' impulse responses too.
      split: of clips and recordings.
      seed: of the clips' surroundings.
      negatives_without: keywords that nobody says in the recordings; of another, a detection in speech may be no
        false alarm.
      backend: `evaluation.INTERPRETER` or `evaluation.ENGINE`; both compute the same codes.
    """

    bundle: pathlib.Path
    dataset: datasets.DatasetConfig
    negatives: pathlib.Path
    split: str = "testing"
    seed: int = 0
    negatives_without: tuple[str, ...] = ()
    backend: str = INTERPRETER


def evaluate(config: AlwaysOnConfig) -> dict[str, Any]:
    """Measures and returns the figures as JSON values.

    Returns:
      "bundle", "model_sha256", "dataset", "split", "seed", "backend", "detector"; "negatives": kind (and `ALL`,
      `WITHOUT_SPEECH`) -> hours, false alarms, their rate and its interval, by keyword, and whether that is an upper
      bound; "alarms": each one's file and second; "words": condition -> spoken, missed and taken for another
      keyword, with interval, by keyword; "other_words": those taken for a keyword, in quiet; "curve" and
      "at_false_alarms_per_hour": misses where all thresholds are moved together.

    Raises:
      BundleError: a bundle without a detector.
      DatasetError: negatives that can't be read.
      EvaluationError: other classes than the bundle's, or nothing to hear in the split.
    """
    bundle = bundles.load_hearing(config.bundle)
    detector = detector_file.of_bundle(bundle)
    hearing.check_keywords(config.negatives_without, bundle.labels)
    found = hearing.of_split(config.negatives, config.split)
    dataset = datasets.load(config.dataset, Part((config.split,), bundle.labels))
    check_classes(bundle, dataset)
    keywords, others = hearing.chosen_clips(dataset, config.split)
    clips = dataset.splits[config.split]
    around = hearing.surroundings(bundle, dataset, found, config.negatives, config.split, config.seed)
    with listening(bundle, config.backend) as network:
        heard = hearing.hear_negatives(bundle, network, found)
        words = {
            condition.name: hearing.hear_words(bundle, network, clips, keywords, condition, around)
            for condition in CONDITIONS
        }
        other_words = hearing.hear_words(bundle, network, clips, others, QUIET, around) if len(others) else None
    maybe_said = [label for label in hearing.keyword_labels(bundle.labels) if label not in config.negatives_without]
    curve = always_on_figures.curve_of(detector, heard, {name: words[name] for name in (QUIET.name, NOISY.name)})
    return {
        "bundle": bundle.name,
        "model_sha256": bundle.model.sha256,
        "dataset": dataset.name,
        "split": config.split,
        "seed": config.seed,
        "backend": config.backend,
        "detector": detector.to_json(),
        "maybe_said": maybe_said,
        "rooms": [{"name": room.name, "rt60_seconds": room.rt60_seconds} for room in around.rooms],
        "negatives": always_on_figures.negatives_json(detector, heard, maybe_said),
        "alarms": always_on_figures.alarms_json(detector, heard, around.step_samples),
        "words": {name: always_on_figures.words_json(detector, of_condition) for name, of_condition in words.items()},
        "other_words": None if other_words is None else always_on_figures.others_json(detector, other_words),
        "curve": curve,
        "at_false_alarms_per_hour": always_on_figures.at_targets(curve),
    }
