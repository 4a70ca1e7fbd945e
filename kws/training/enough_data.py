"""How much data is enough to train on: a batch that fits it, and clips to measure with."""

from kws.datasets.clip import Dataset
from kws.training.training_error import TrainingError

# Fewer steps in an epoch hardly move the weights; a batch is made smaller until there are so many.
MIN_STEPS = 8


def batch_size(examples_per_epoch: int, largest: int) -> int:
    """The number of examples in a step: at most `largest`, and so few that an epoch has `MIN_STEPS` steps.

    Raises:
      TrainingError: there are not enough examples even for steps of one.
    """
    if examples_per_epoch < MIN_STEPS:
        raise TrainingError(
            f"an epoch of the training clips has {examples_per_epoch} examples, too few to train on: {MIN_STEPS} are "
            "the least, and some 20 clips of each word are a start"
        )
    return min(largest, examples_per_epoch // MIN_STEPS)


def check_splits(dataset: Dataset) -> None:
    """Raises `TrainingError` for a dataset of which no network could be trained, or none be measured."""
    keywords = {label for label, name in enumerate(dataset.labels) if not name.startswith("_")}
    for split, clips in dataset.splits.items():
        present = set(clips.labels.tolist())
        if not present & keywords:
            raise TrainingError(
                f"the {split} split has no clip of a keyword, of {len(clips)} in all: training, validation and testing "
                "need some each, of different speakers"
            )
        if split != "training" and present == keywords and len(keywords) == 1:
            raise TrainingError(
                f"the {split} split has clips of the one keyword alone: add others, such as _unknown_, to measure with"
            )
