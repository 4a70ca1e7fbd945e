"""What a network hears of a split: recordings without keywords, and its words, each alone in a stream."""

import dataclasses
import pathlib
import sys
from collections.abc import Callable, Sequence

import numpy as np
from tqdm import tqdm

from export.bundle.folder import Bundle
from kws.datasets import negatives
from kws.datasets.clip import Clips, Dataset
from kws.datasets.negatives import Recording
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import placed_clips, sound
from kws.evaluation.streaming import recording as recordings
from kws.evaluation.streaming.false_alarms import HeardNegative
from kws.evaluation.streaming.placed_clips import Condition, Surroundings

SNR_DB = (30.0, 20.0, 10.0, 5.0, 0.0)
QUIET, NOISY = Condition(30.0), Condition(10.0)
CONDITIONS = tuple(Condition(snr_db, reverberant) for reverberant in (False, True) for snr_db in SNR_DB)
SYNTHETIC_RT60 = 0.5

Network = Callable[[np.ndarray], np.ndarray]


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
    return Surroundings(noises, rooms, seed, step_samples, bundle.frontend_config.clip_samples)


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
        silent,
        np.concatenate(starts),
        clips.labels[chosen],
        np.full(len(chosen), condition.snr_db),
        names,
        around.clip_samples,
    )
    speakers = tuple(clips.speakers[clip] for clip in chosen)
    return HeardWords(heard, speakers, np.concatenate(logits), around.step_samples)
