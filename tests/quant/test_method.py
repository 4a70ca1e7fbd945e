"""The switches of the method."""

import pytest

from quant.method import Method


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"deviation": 1.0}, "needs squash"),
        ({"cosine": -1.0}, "strengths are 0 or more"),
        ({"deviation": -0.1, "squash": True}, "strengths are 0 or more"),
        ({"accumulator_bits": 7}, "accumulator_bits=7: expected 8 to 32"),
        ({"accumulator_bits": 33}, "accumulator_bits=33"),
        ({"learn_formats": True, "qformat": "uniform"}, "it needs qformat=per_layer"),
        ({"learn_formats": True, "qformat": "uniform_shift"}, "it needs qformat=per_layer"),
        ({"qformat": "round"}, "qformat='round'"),
    ],
)
def test_impossible_methods_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Method(**settings)


@pytest.mark.parametrize(("bits", "bounds"), [(8, True), (31, True), (32, False)])
def test_a_full_accumulator_bounds_nothing(bits: int, bounds: bool) -> None:
    assert Method(accumulator_bits=bits).bounds_accumulators is bounds


def test_a_method_as_it_comes() -> None:
    method = Method()
    assert method.equalize and not (method.squash or method.learn_formats or method.bounds_accumulators)
    assert (method.deviation, method.cosine, method.qformat) == (0, 0, "per_layer")
    assert Method(squash=True, deviation=0.1, cosine=0.1, learn_formats=True).squash
