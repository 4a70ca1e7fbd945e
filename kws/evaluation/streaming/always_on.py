"""A detector that is kept switched on: false alarms per hour where no keyword is said, misses of words said alone.

False alarms are counted on long recordings of speech, music and noise (`kws.datasets.negatives`), misses on the split's
keyword clips, each alone in a stream of room noise (`placed_clips`), in quiet and in noise, in a room and not.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.model.detector import Detector
from kws import datasets
from kws.datasets import negatives
from kws.datasets.clip import Clips, Dataset, Part
from kws.datasets.negatives import OTHER, Recording
from kws.evaluation.clips import check_classes
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import error_rates, false_alarms, placed_clips, sound
from kws.evaluation.streaming import recording as recordings
from kws.evaluation.streaming.error_rates import REACH_SAMPLES
from kws.evaluation.streaming.evaluation import INTERPRETER, listening
from kws.evaluation.streaming.false_alarms import HeardNegative
from kws.evaluation.streaming.placed_clips import Condition, Surroundings

SNR_DB = (30.0, 20.0, 10.0, 5.0, 0.0)
QUIET, NOISY = Condition(30.0), Condition(10.0)
CONDITIONS = tuple(Condition(snr_db, reverberant) for reverberant in (False, True) for snr_db in SNR_DB)
SYNTHETIC_RT60 = 0.5
TARGETS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""False alarms per hour at which misses are given."""
ALL, WITHOUT_SPEECH = "all", "all but speech"
WITH_WORDS = (negatives.KINDS[0], OTHER)
_MOST_FALSE_ALARMS = 100.0


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


@dataclasses.dataclass(frozen=True)
class HeardWords:
    """Clips placed alone, as the network hears them.

    Attributes:
      recording: what was played, without its sound.
      speakers: of the clips, [words].
      logits: int8 [steps, classes].
      step_samples: samples of one step.
    """

    recording: recordings.Recording
    speakers: tuple[str, ...]
    logits: np.ndarray
    step_samples: int


Network = Callable[[np.ndarray], np.ndarray]


def evaluate(config: AlwaysOnConfig) -> dict[str, Any]:
    """Measures and returns the figures as JSON values.

    Returns:
      "bundle", "dataset", "split", "seed", "backend", "detector"; "negatives": kind (and `ALL`, `WITHOUT_SPEECH`) ->
      hours, false alarms, their rate and its interval, by keyword, and whether that is an upper bound; "alarms": each
      one's file and second; "words": condition -> spoken, missed and taken for another keyword, with interval, by
      keyword; "other_words": those taken for a keyword, in quiet; "curve" and "at_false_alarms_per_hour": misses
      where all thresholds are moved together.

    Raises:
      BundleError: a bundle without a detector.
      DatasetError: negatives that can't be read.
      EvaluationError: other classes than the bundle's, or nothing to hear in the split.
    """
    bundle = bundles.load_hearing(config.bundle)
    detector = detector_file.of_bundle(bundle)
    check_keywords(config.negatives_without, bundle.labels)
    found = of_split(config.negatives, config.split)
    dataset = datasets.load(config.dataset, Part((config.split,), bundle.labels))
    check_classes(bundle, dataset)
    keywords, others = chosen_clips(dataset, config.split)
    clips = dataset.splits[config.split]
    around = surroundings(bundle, dataset, found, config.negatives, config.split, config.seed)
    with listening(bundle, config.backend) as network:
        heard = hear_negatives(bundle, network, found)
        words = {
            condition.name: hear_words(bundle, network, clips, keywords, condition, around) for condition in CONDITIONS
        }
        other_words = hear_words(bundle, network, clips, others, QUIET, around) if len(others) else None
    maybe_said = [label for label in keyword_labels(bundle.labels) if label not in config.negatives_without]
    curve = curve_of(detector, heard, {name: words[name] for name in (QUIET.name, NOISY.name)})
    return {
        "bundle": bundle.name,
        "dataset": dataset.name,
        "split": config.split,
        "seed": config.seed,
        "backend": config.backend,
        "detector": detector.to_json(),
        "maybe_said": maybe_said,
        "rooms": [{"name": room.name, "rt60_seconds": room.rt60_seconds} for room in around.rooms],
        "negatives": negatives_json(detector, heard, maybe_said),
        "alarms": alarms_json(detector, heard, around.step_samples),
        "words": {name: words_json(detector, of_condition) for name, of_condition in words.items()},
        "other_words": None if other_words is None else _others_json(detector, other_words),
        "curve": curve,
        "at_false_alarms_per_hour": _at_targets(curve),
    }


def keyword_labels(labels: Sequence[str]) -> list[str]:
    """Those that are detected."""
    return [label for label in labels if not label.startswith("_")]


def check_keywords(words: Sequence[str], labels: Sequence[str]) -> None:
    """Raises `EvaluationError` for one of `negatives_without` that is none of the bundle's keywords."""
    keywords = keyword_labels(labels)
    for word in words:
        if word not in keywords:
            given = f"negatives_without={','.join(words)}"
            raise EvaluationError(f"{given}: '{word}' is no keyword of the bundle, choose of {', '.join(keywords)}")


def of_validation(folder: pathlib.Path) -> dict[str, list[Recording]]:
    """Split -> recordings to choose thresholds on: validation's, and training's of the kinds that validation lacks.

    Raises:
      EvaluationError: the folder has neither.
    """
    own = negatives.recordings(folder, "validation")
    kinds = {recording.kind for recording in own}
    lent = [recording for recording in negatives.recordings(folder, "training") if recording.kind not in kinds]
    if not own and not lent:
        raise EvaluationError(
            f"negatives={folder} has no recording of validation or training: put one there, such as "
            "speech_validation.wav"
        )
    return {"validation": own, "training": lent}


def of_split(folder: pathlib.Path, split: str) -> list[Recording]:
    """The recordings of a split. Raises `EvaluationError` where the folder has none."""
    found = negatives.recordings(folder, split)
    if not found:
        raise EvaluationError(
            f"negatives={folder} has no recording of the {split} split: put one there, such as speech_{split}.wav"
        )
    return found


def chosen_clips(dataset: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices int64 of a split's clips of keywords, and of other words. Raises `EvaluationError` without keywords."""
    spoken, keyword = recordings.spoken(dataset.labels, dataset.splits[split])
    if not keyword.any():
        raise EvaluationError(f"the {split} split has no keywords: give a dataset that has some")
    return spoken[keyword], spoken[~keyword]


def surroundings(
    bundle: Bundle, dataset: Dataset, found: Sequence[Recording], folder: pathlib.Path, split: str, seed: int
) -> Surroundings:
    """What clips are placed in: the split's background noise, or if it has none the negatives' noise, and its rooms.

    Raises:
      EvaluationError: no noise at all.
    """
    noises = [samples for samples in dataset.noises[split] if len(samples)]
    noises = noises or [recording.samples for recording in found if recording.kind == "noise"]
    if not noises:
        raise EvaluationError(
            f"the {split} split has no background noise: put recordings into _background_noise_, or a "
            f"noise_{split}.wav into negatives={folder}"
        )
    rooms = negatives.impulse_responses(folder, split)
    rooms = rooms or [negatives.synthetic(np.random.default_rng(seed), SYNTHETIC_RT60)]
    step_samples = sound.network_of(bundle.model).frames_per_step * bundle.frontend_config.hop_samples
    return Surroundings(noises, rooms, seed, step_samples)


def hear_negatives(bundle: Bundle, network: Network, found: Sequence[Recording]) -> list[HeardNegative]:
    """Whole recordings through front end and network, each from silence, with progress on stderr."""
    return [
        HeardNegative(
            recording.name,
            recording.kind,
            recording.hours,
            network(sound.frames_at_once(recording.samples, bundle.frontend_config)),
        )
        for recording in tqdm(found, desc="negatives", leave=False, disable=None, file=sys.stderr)
    ]


def hear_words(
    bundle: Bundle, network: Network, clips: Clips, chosen: np.ndarray, condition: Condition, around: Surroundings
) -> HeardWords:
    """The clips `chosen` placed under a condition, through front end and network, with progress on stderr."""
    logits, starts = [], []
    with tqdm(total=len(chosen), desc=condition.name, unit="clip", leave=False, disable=None) as progress:
        for number, stream in enumerate(placed_clips.place(clips, chosen, condition, around)):
            logits.append(network(sound.frames_at_once(stream.samples, bundle.frontend_config)))
            starts.append(stream.starts + number * placed_clips.CLIPS_AT_ONCE * around.segment_samples)
            progress.update(len(stream.starts))
    silent = np.broadcast_to(np.int16(0), (len(chosen) * around.segment_samples,))
    names = tuple(clips.names[clip] for clip in chosen)
    heard = recordings.Recording(
        silent, np.concatenate(starts), clips.labels[chosen], np.full(len(chosen), condition.snr_db), names
    )
    speakers = tuple(clips.speakers[clip] for clip in chosen)
    return HeardWords(heard, speakers, np.concatenate(logits), around.step_samples)


def outcomes(
    detections: Sequence[tuple[int, int]], words: HeardWords, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """What became of each word, bool [words] twice: it was heard, and another keyword was in its place or beside it."""
    recording = words.recording
    heard = error_rates.score(detections, recording, labels, words.step_samples).heard_words
    steps, found = np.array(detections, np.int64).reshape(-1, 2).T
    ends = (steps + 1) * words.step_samples
    word = np.searchsorted(recording.starts, ends) - 1
    near = (word >= 0) & (ends - recording.starts[word] <= REACH_SAMPLES)
    wrong = np.zeros(len(recording.starts), bool)
    wrong[word[near & (recording.labels[word] != found)]] = True
    return heard, wrong


def negatives_json(
    detector: Detector, heard: Sequence[HeardNegative], maybe_said: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """False alarms of each kind of recording, of all of them and of all but speech."""
    found = false_alarms.of_detector(detector, heard)
    return {
        group: _group_json(
            detector,
            sum(heard[i].hours for i in members),
            [one for i in members for one in found[i]],
            bool(maybe_said) and group in (*WITH_WORDS, ALL),
        )
        for group, members in groups(heard).items()
    }


def groups(heard: Sequence[HeardNegative]) -> dict[str, list[int]]:
    """Kind, `ALL` or `WITHOUT_SPEECH` -> numbers of its recordings; groups that are empty are left out."""
    kinds = {kind: [i for i, one in enumerate(heard) if one.kind == kind] for kind in (*negatives.KINDS, OTHER)}
    kinds[WITHOUT_SPEECH] = [i for i, one in enumerate(heard) if one.kind not in WITH_WORDS]
    kinds[ALL] = list(range(len(heard)))
    return {kind: members for kind, members in kinds.items() if members}


def alarms_json(detector: Detector, heard: Sequence[HeardNegative], step_samples: int) -> list[dict[str, Any]]:
    """Every false alarm: its file, second, keyword and smoothed posterior."""
    return [
        {"file": recording.name, **dataclasses.asdict(detection)}
        for recording in heard
        for detection in sound.detections_in(detector, recording.logits, step_samples)
    ]


def words_json(detector: Detector, words: HeardWords) -> dict[str, Any]:
    """Misses of a condition."""
    heard, wrong = outcomes(detectors.run(detector, words.logits), words, detector.labels)
    spoken = words.recording.labels
    return {
        "spoken": len(heard),
        "speakers": len(set(words.speakers)),
        "miss_rate": float(1 - heard.mean()),
        "interval": false_alarms.interval_over_speakers(~heard, words.speakers),
        "taken_for_another": float(wrong.mean()),
        "keywords": {
            label: {"spoken": int((spoken == i).sum()), "miss_rate": float(1 - heard[spoken == i].mean())}
            for i, label in enumerate(detector.labels)
            if (spoken == i).any()
        },
    }


def curve_of(detector: Detector, heard: Sequence[HeardNegative], words: dict[str, HeardWords]) -> dict[str, Any]:
    """False alarms per hour by group and misses by condition, along a shift of all thresholds, strictest first."""
    thresholds = error_rates.thresholds_of(detector)
    quiet = [error_rates.averages_of(detector, one.logits) for one in heard]
    spoken = {name: error_rates.averages_of(detector, one.logits) for name, one in words.items()}
    found: dict[str, Any] = {
        "shift": [],
        "false_alarms_per_hour": {group: [] for group in groups(heard)},
        "miss_rate": {name: [] for name in words},
    }
    for shift in error_rates.shifts_of(thresholds):
        moved = error_rates.shifted(thresholds, shift)
        alarms = [len(detectors.decide(averages, moved, detector.refractory)) for averages in quiet]
        found["shift"].append(shift)
        for group, members in groups(heard).items():
            rate = sum(alarms[i] for i in members) / sum(heard[i].hours for i in members)
            found["false_alarms_per_hour"][group].append(rate)
        for name, one in words.items():
            detections = detectors.decide(spoken[name], moved, detector.refractory)
            found["miss_rate"][name].append(float(1 - outcomes(detections, one, detector.labels)[0].mean()))
        if found["false_alarms_per_hour"][ALL][-1] > _MOST_FALSE_ALARMS:
            break
    return found


def _at_targets(curve: dict[str, Any]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Group -> target -> condition -> fewest misses on the curve with at most so many; None where no point keeps it."""
    return {
        group: {
            f"{target:g}": {
                name: min((one for one, rate in zip(misses, rates, strict=True) if rate <= target), default=None)
                for name, misses in curve["miss_rate"].items()
            }
            for target in TARGETS
        }
        for group, rates in curve["false_alarms_per_hour"].items()
        if group in (ALL, WITHOUT_SPEECH)
    }


def _group_json(detector: Detector, hours: float, found: list[tuple[int, int]], upper_bound: bool) -> dict[str, Any]:
    counts = false_alarms.count(found, len(detector.labels))
    return {
        "hours": hours,
        "false_alarms": len(found),
        "per_hour": len(found) / hours,
        "interval": false_alarms.poisson_interval(len(found), hours),
        "upper_bound": upper_bound,
        "keywords": {label: int(counts[i]) for i, label in enumerate(detector.labels) if not label.startswith("_")},
    }


def _others_json(detector: Detector, words: HeardWords) -> dict[str, Any]:
    wrong = outcomes(detectors.run(detector, words.logits), words, detector.labels)[1]
    return {
        "spoken": len(wrong),
        "taken_for_a_keyword": float(wrong.mean()),
        "interval": false_alarms.interval_over_speakers(wrong, words.speakers),
    }
