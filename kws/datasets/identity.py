"""The identity of a dataset: what its clips are called, where they belong, and how they sound.

A run keeps it, so that nothing goes on silently on data that have changed since.
"""

import hashlib
import json

import numpy as np

from kws.datasets.clip import Dataset
from kws.stores.digests import row_digests

# Name of a clip or background recording -> its split, its class, and the first digits of its samples' SHA-256.
Identity = dict[str, list[str]]
_HEX_DIGITS = 16


def identity(dataset: Dataset) -> Identity:
    """Of a dataset, sorted by name. Samples in memory are read once, some 30,000 clips in a second; a store knows."""
    found = {}
    for split, clips in dataset.splits.items():
        digests = row_digests(clips.samples) if clips.stored is None else clips.stored.digests
        for name, label, digits in zip(clips.names, clips.labels.tolist(), _digits(digests), strict=True):
            found[name] = [split, dataset.labels[label], digits]
    for split, noises in dataset.noises.items():
        for number, digits in enumerate(_digits(row_digests(noises))):
            found[f"background noise {number} of {split}"] = [split, "", digits]
    return dict(sorted(found.items()))


def _digits(digests: np.ndarray) -> list[str]:
    """The first digits of SHA-256s, uint8 [n, 32]."""
    digits = np.ascontiguousarray(digests[:, : _HEX_DIGITS // 2]).tobytes().hex()
    return [digits[start : start + _HEX_DIGITS] for start in range(0, len(digits), _HEX_DIGITS)]


def sha256(data: Identity) -> str:
    """Of all that the identity holds."""
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()


def difference(before: Identity, now: Identity) -> str:
    """How two identities differ, for a person: the number of clips of each kind, and the first of all by name."""
    both = before.keys() & now.keys()
    kinds = {
        "new": now.keys() - before.keys(),
        "missing": before.keys() - now.keys(),
        "in another split or class": {name for name in both if before[name][:2] != now[name][:2]},
        "of other sound": {name for name in both if before[name][2] != now[name][2]},
    }
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in kinds.items() if names)
    return f"{counts} (the first: {min(set().union(*kinds.values()), default='none')})"
