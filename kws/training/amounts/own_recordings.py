"""What is wrong with recordings of one's own that no network can mend: one under two words, a word that is all clipped,
or all silent."""

import numpy as np

from kws.datasets.clip import SILENCE, Clips, Dataset
from kws.datasets.identity import Identity
from kws.datasets.sources import shares
from kws.datasets.survey import measures
from kws.datasets.survey.survey import CLIPPED_ABOVE, SILENT_BELOW_DB
from kws.training.training_error import TrainingError


def check(dataset: Dataset, clips: Identity) -> None:
    """Raises `TrainingError` where a recording stands under two words, or all clips of a word are clipped, or silent.

    Args:
      clips: of `kws.datasets.identity`.
    """
    _check_twins(clips)
    for label, name in enumerate(dataset.labels):
        found = [clips.samples[_recorded(clips) & (clips.labels == label)] for clips in dataset.splits.values()]
        if name.startswith("_") or not any(len(part) for part in found):
            continue
        if all(all_clipped(part) for part in found):
            raise TrainingError(
                f"all recordings of '{name}' are clipped: record them anew, at a lower level or further from the "
                "microphone"
            )
        if all(_all_silent(part) for part in found):
            raise TrainingError(f"all recordings of '{name}' are silent: record them anew, nearer or at a higher level")


def _recorded(clips: Clips) -> np.ndarray:
    """bool [n]"""
    return np.array([not shares.is_filled_up(name) for name in clips.names], bool)


def all_clipped(samples: np.ndarray) -> bool:
    """Whether every clip of int16 [n, length] is clipped, as a look before training says; so are none."""
    return all(measures.clipped(clip) > CLIPPED_ABOVE for clip in samples)


def _all_silent(samples: np.ndarray) -> bool:
    """Whether every clip of int16 [n, length] is silent, as a look before training says; so are none."""
    return all(measures.of_samples(clip[np.newaxis]).level_db[0] < SILENT_BELOW_DB for clip in samples)


def _check_twins(clips: Identity) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for name, (_, label, digest) in clips.items():
        if label in ("", SILENCE):
            continue
        other, of_other = seen.setdefault(digest, (name, label))
        if of_other != label:
            raise TrainingError(
                f"{other} and {name} are the same recording under two words, '{of_other}' and '{label}': remove one of "
                "them (python -m kws.datasets lists all such)"
            )
