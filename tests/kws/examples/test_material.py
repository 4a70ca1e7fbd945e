"""What epochs are made of: words and classes of a dataset, and negatives where they are all of `_unknown_`."""

import numpy as np
import pytest

from kws.datasets.clip import SAMPLE_RATE, Clips, Dataset
from kws.examples.material import material
from kws.frontend import FrontEndConfig

FRONTEND = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)
LABELS = ("_silence_", "_unknown_", "door", "lamp")


def _dataset(names: list[str]) -> Dataset:
    words = [name.split("/")[0] for name in names]
    labels = np.array([LABELS.index(word) if word in LABELS else 1 for word in words], np.int64)
    samples = np.zeros((len(names), SAMPLE_RATE), np.int16)
    clips = Clips("training", tuple(names), samples, labels, ("",) * len(names))
    return Dataset("folder", LABELS, {"training": clips}, {})


def _named(word: str, count: int) -> list[str]:
    return [f"{word}/{number}" for number in range(count)]


def test_negatives_alone_give_as_much_as_a_class_of_several_words() -> None:
    own = _named("door", 20) + _named("lamp", 20)
    found = material(_dataset([*own, *_named("_negatives_", 300)]), FRONTEND, 0).config
    assert found.negatives_share == pytest.approx(3 / 5)
    # Each of them may be heard beside a keyword, for there are no other words.
    assert found.neighbours == tuple(range(len(own), len(own) + 300))


def test_beside_other_words_negatives_have_their_small_share() -> None:
    found = material(_dataset(_named("door", 20) + _named("tree", 20) + _named("_negatives_", 300)), FRONTEND, 0).config
    assert found.negatives_share == 0.08
    assert found.neighbours == tuple(range(20, 40))
