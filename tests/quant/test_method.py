"""The switches of the method."""

import pytest

from quant.method import Method


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"deviation": 1.0}, "needs squash"),
        ({"cosine": -1.0}, "strengths are 0 or more"),
        ({"accumulator_bits": 7}, "accumulator_bits=7"),
        ({"qformat": "round"}, "qformat='round'"),
    ],
)
def test_impossible_methods_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Method(**settings)
