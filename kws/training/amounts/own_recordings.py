"""What is wrong with recordings of one's own that no network can mend: one under two words, or a word all clipped."""

import numpy as np

from kws.datasets.clip import Dataset
from kws.datasets.identity import Identity
from kws.training.training_error import TrainingError

_FULL_SCALE = 32700
# A clip is clipped where so many samples, as a share, are at full scale.
_CLIPPED_SHARE = 0.01


def check(dataset: Dataset, clips: Identity) -> None:
    """Raises `TrainingError` where a recording stands under two words, or all clips of a word are clipped.

    Args:
      clips: of `kws.datasets.identity`.
    """
    _check_twins(clips)
    for label, name in enumerate(dataset.labels):
        found = [clips.samples[clips.labels == label] for clips in dataset.splits.values()]
        if name.startswith("_") or not any(len(part) for part in found):
            continue
        if all(all_clipped(part) for part in found):
            raise TrainingError(
                f"all recordings of '{name}' are clipped (at full scale): record them anew, at a lower level or "
                "further from the microphone"
            )


def all_clipped(samples: np.ndarray) -> bool:
    """Whether every clip of int16 [n, length] is clipped; so are none."""
    shares = np.mean(np.abs(samples.astype(np.int32)) >= _FULL_SCALE, axis=1)
    return bool(np.all(shares >= _CLIPPED_SHARE))


def _check_twins(clips: Identity) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for name, (_, label, digest) in clips.items():
        if not label or label.startswith("_"):
            continue
        other, of_other = seen.setdefault(digest, (name, label))
        if of_other != label:
            raise TrainingError(
                f"{other} and {name} are the same recording under two words, '{of_other}' and '{label}': remove one of "
                "them (python -m kws.datasets lists all such)"
            )
