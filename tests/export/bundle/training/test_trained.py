"""What a run hands over: when it has learned next to nothing."""

import pytest

from export.bundle.training.trained import near_chance


@pytest.mark.parametrize(
    ("recall", "near"),
    [
        ([0.0, 1.0], True),
        ([0.6, 0.6], False),
        ([0.2, 0.4], True),
        ([1.0, 0.0, 0.0], True),
        ([1.0, 0.5, 0.5], False),
        ([1.0], False),
        ([], False),
    ],
)
def test_what_is_near_chance_whatever_class_is_preferred(recall: list[float], near: bool) -> None:
    found = near_chance({"recall": {"nobody": None, **{f"word{i}": value for i, value in enumerate(recall)}}})
    assert bool(found) == near
    if found:
        assert f"guessing gives {100 / len(recall):.1f} %" in found
    assert near_chance({}) is None


def test_a_network_that_hears_no_keyword_has_learned_next_to_nothing() -> None:
    recall = {"_silence_": 1.0, "_unknown_": 1.0, "lamp": 0.0, "door": 0.1, "stop it": 0.2}
    assert near_chance({"recall": recall}) == "10.0 % of each keyword are recognized, and guessing gives 20.0 %"
    assert near_chance({"recall": {**recall, "lamp": 1.0}}) is None
    assert near_chance({"recall": {"_silence_": 1.0, "_unknown_": 0.9}}) is None
