"""Where the clips of a dataset come from, by their names."""

import pathlib
from collections import Counter
from typing import Any

from kws.datasets.clip import SILENCE, Dataset, DatasetConfig
from kws.datasets.negatives.clips import WORD, spoken_without
from kws.datasets.origin.attribution import ATTRIBUTION, NEGATIVES_OF_ONES_OWN, SPOKEN_NEGATIVES

# The folder in a clip's name, behind its word.
CORPUS, SPOKEN = "_speech_commands_", "_synthetic_"
_SOURCES = {CORPUS: "speech_commands", SPOKEN: "synthetic"}
DRAWN = "drawn silence"
NEGATIVES = "negatives"


def sources(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Source -> split -> number of clips, the largest source first; the dataset's own name is one of them."""
    found: dict[str, Counter[str]] = {}
    for split, clips in dataset.splits.items():
        for name in clips.names:
            found.setdefault(_source(name, dataset.name), Counter())[split] += 1
    ordered = sorted(found, key=lambda source: -found[source].total())
    return {source: {split: found[source][split] for split in dataset.splits} for source in ordered}


def described(dataset: Dataset, config: DatasetConfig) -> dict[str, dict[str, Any]]:
    """`sources`, and where each is from under which licence, as a model card has it; empty for a dataset of one."""
    found = sources(dataset)
    if not set(found) - {dataset.name, DRAWN}:
        return {}
    root = pathlib.Path(config.data_dir) if config.data_dir else None
    spoken = bool(spoken_without(config, root))
    known = {**ATTRIBUTION, NEGATIVES: SPOKEN_NEGATIVES if spoken else NEGATIVES_OF_ONES_OWN}
    return {source: {**known.get(source, {}), **counts} for source, counts in found.items()}


def line(dataset: Dataset) -> str:
    """The shares of the training clips in words; "" for a dataset of one source."""
    counts = {source: of["training"] for source, of in sources(dataset).items() if of.get("training")}
    total = sum(counts.values())
    if len(counts) < 2:
        return ""
    return "training clips: " + ", ".join(f"{100 * count / total:.1f} % {source}" for source, count in counts.items())


def is_filled_up(name: str) -> bool:
    """Whether a clip of this name is none of the recordings themselves, but fills them up."""
    return name.partition("/")[2].partition("/")[0] in _SOURCES


def _source(name: str, dataset: str) -> str:
    word, _, rest = name.partition("/")
    if word == WORD:
        return NEGATIVES
    inner = rest.partition("/")[0]
    if inner in _SOURCES:
        return _SOURCES[inner]
    # The clips of a folder `_silence_` have a file's ending.
    return DRAWN if word == SILENCE and "." not in rest else dataset
