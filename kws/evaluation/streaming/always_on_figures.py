"""What a detector makes of recordings without keywords and of words placed alone, as JSON values."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from export.model import detector as detectors
from export.model.detector import Detector
from kws.datasets import negatives
from kws.datasets.negatives import OTHER
from kws.evaluation.streaming import error_rates, false_alarms, sound
from kws.evaluation.streaming.false_alarms import HeardNegative
from kws.evaluation.streaming.hearing import HeardWords

TARGETS = (0.5, 1.0, 2.0, 5.0, 10.0)
"""False alarms per hour at which misses are given."""
ALL, WITHOUT_SPEECH = "all", "all but speech"
WITH_WORDS = (negatives.KINDS[0], OTHER)
_MOST_FALSE_ALARMS = 100.0


def outcomes(
    detections: Sequence[tuple[int, int]], words: HeardWords, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """What became of each word, bool [words] twice: it was heard, and another keyword was in its place or beside it."""
    recording = words.recording
    heard = error_rates.score(detections, recording, labels, words.step_samples).heard_words
    steps, found = np.array(detections, np.int64).reshape(-1, 2).T
    ends = (steps + 1) * words.step_samples
    word = np.searchsorted(recording.starts, ends) - 1
    near = (word >= 0) & (ends - recording.starts[word] <= recording.reach_samples)
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
        alarms = [len(detectors.decide(averages, moved, detector, error_rates.ONSET)) for averages in quiet]
        found["shift"].append(shift)
        for group, members in groups(heard).items():
            rate = sum(alarms[i] for i in members) / sum(heard[i].hours for i in members)
            found["false_alarms_per_hour"][group].append(rate)
        for name, one in words.items():
            detections = detectors.decide(spoken[name], moved, detector, error_rates.ONSET)
            found["miss_rate"][name].append(float(1 - outcomes(detections, one, detector.labels)[0].mean()))
        if found["false_alarms_per_hour"][ALL][-1] > _MOST_FALSE_ALARMS:
            break
    return found


def at_targets(curve: dict[str, Any]) -> dict[str, dict[str, dict[str, float | None]]]:
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


def others_json(detector: Detector, words: HeardWords) -> dict[str, Any]:
    wrong = outcomes(detectors.run(detector, words.logits), words, detector.labels)[1]
    return {
        "spoken": len(wrong),
        "taken_for_a_keyword": float(wrong.mean()),
        "interval": false_alarms.interval_over_speakers(wrong, words.speakers),
    }
