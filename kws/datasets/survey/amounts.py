"""Whether there are clips enough to train on and to measure with."""

from kws.datasets.clip import LEAST_CLIPS, SILENCE, Dataset

REMEDY = "record more, of other speakers where they are known (30 of each word are a start)"


def too_few(dataset: Dataset) -> str:
    """Which classes have fewer than `LEAST_CLIPS` training clips, or none to validate or test; "" for none.

    Silence is drawn, and none of it is asked for.
    """
    lacks = []
    for split, clips in dataset.splits.items():
        least = LEAST_CLIPS if split == "training" else 1
        counts = {name: int((clips.labels == label).sum()) for label, name in enumerate(dataset.labels)}
        few = [f"{name} {count}" for name, count in counts.items() if count < least and name != SILENCE]
        if few:
            lacks.append(f"{split} clips: {', '.join(few)} (the least is {least})")
    return f"too few {'; '.join(lacks)}" if lacks else ""
