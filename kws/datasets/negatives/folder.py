"""Negatives: long recordings of speech, music and noise in a folder, each of one split.

A file's name says what it is. It begins with its kind (`speech`, `music`, `noise`; anything else is of the kind
`other`) and may end with its split: `noise_training.wav`, `speech_books_testing.flac`. A recording without a split in
its name is cut in time, 60 % for training and 20 % each for validation and testing, so that no stretch of sound is in
two splits. A kind with recordings of training and none of validation gives validation the last quarter of each: what
thresholds are chosen on must not have been trained on. Impulse responses (`kws.datasets.negatives.rooms`) may lie in
the same folder.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from kws.datasets.clip import SAMPLE_RATE, SPLITS, split_noise
from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings import audio_file

SPEECH, MUSIC, NOISE = KINDS = ("speech", "music", "noise")
OTHER = "other"
IMPULSE_RESPONSES = "room_impulse_responses"
_HELD_OUT_SHARE = 0.25


@dataclasses.dataclass(frozen=True)
class Recording:
    """Sound without keywords.

    Attributes:
      name: of its file, without the ending.
      kind: one of KINDS, or OTHER.
      samples: int16 [n] at 16 kHz.
    """

    name: str
    kind: str
    samples: np.ndarray

    @property
    def hours(self) -> float:
        return len(self.samples) / SAMPLE_RATE / 3600


def recordings(folder: str | pathlib.Path, split: str) -> list[Recording]:
    """The recordings of a split, by name.

    Args:
      folder: of sound files; other files in it, and names that begin with a dot, are passed over.
      split: one of SPLITS.

    Returns:
      None of them empty; an empty list where the folder has only recordings of other splits.

    Raises:
      DatasetError: no such folder, no recording in it, or one that can't be read.
    """
    if split not in SPLITS:
        raise DatasetError(f"split={split} is unknown: choose one of {', '.join(SPLITS)}")
    paths = files_of(pathlib.Path(folder))
    validated = {kind_of(path.stem) for path in paths if split_of(path.stem) in ("validation", None)}
    found = []
    for path in paths:
        kind, own = kind_of(path.stem), split_of(path.stem)
        gives = own == "training" and kind not in validated
        if own not in (split, None) and not (gives and split == "validation"):
            continue
        part = _part(_read(path), split, own, gives)
        if len(part):
            found.append(Recording(path.stem, kind, part))
    return found


def _part(samples: np.ndarray, split: str, own: str | None, gives: bool) -> np.ndarray:
    """What of a recording belongs to a split: of one that is `own`ed by no split, and of training's that `gives`."""
    if own is None:
        return split_noise(samples)[split]
    if not gives:
        return samples
    kept = len(samples) - int(len(samples) * _HELD_OUT_SHARE)
    return samples[:kept] if split == "training" else samples[kept:]


def kind_of(name: str) -> str:
    """One of KINDS with which a file's name begins, or OTHER."""
    return next((kind for kind in KINDS if name.lower().startswith(kind)), OTHER)


def split_of(name: str) -> str | None:
    """The split with which a file's name ends; None for a recording that is cut in time."""
    return next((split for split in SPLITS if name.lower().endswith(f"_{split}")), None)


def hours_by_kind(found: Sequence[Recording]) -> dict[str, float]:
    """Kind -> hours of sound, in the order of KINDS."""
    kinds = [kind for kind in (*KINDS, OTHER) if any(recording.kind == kind for recording in found)]
    return {kind: sum(recording.hours for recording in found if recording.kind == kind) for kind in kinds}


def files_of(folder: pathlib.Path) -> list[pathlib.Path]:
    """The recordings in a folder, by name. Raises `DatasetError` unless it has some."""
    try:
        paths = sorted(path for path in folder.iterdir() if _is_recording(path))
    except OSError as error:
        raise DatasetError(
            f"negatives={folder} can't be read ({error.strerror}): give a folder of recordings without keywords"
        ) from error
    files = [path for path in paths if not path.stem.startswith(IMPULSE_RESPONSES)]
    if not files:
        raise DatasetError(
            f"negatives={folder} has no recordings: put some there ({audio_file.FORMATS}), such as speech_testing.wav"
        )
    return files


def _is_recording(path: pathlib.Path) -> bool:
    return path.suffix.lower() in audio_file.SUFFIXES and path.name[0] != "."


def _read(path: pathlib.Path) -> np.ndarray:
    try:
        return audio_file.read(path)
    except audio_file.NotAudio as reason:
        raise DatasetError(f"negatives: {path} can't be used: {reason}") from reason
