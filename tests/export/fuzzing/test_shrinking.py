"""What fails is shrunk to what is needed for it, through legal models alone."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from export.bundle import tflite
from export.fuzzing import case, shrinking, smaller_models, tflm
from export.fuzzing.case import Case
from export.fuzzing.tally import Check, Failure, Tally
from export.model.integer_model import AVERAGE_POOL, DEPTHWISE_CONV2D


def size(one: Case) -> tuple[int, int]:
    """What every change makes smaller: layers, or else the rest. A pool's kernel says nothing."""
    model = one.model
    counts = [one.codes.size, np.count_nonzero(one.codes), len(one.codes)]
    for layer in model.layers:
        counts += (
            []
            if layer.op == AVERAGE_POOL
            else [layer.kernel.size, np.count_nonzero(layer.kernel), np.count_nonzero(layer.bias)]
        )
        counts += [sum(map(sum, layer.padding)), sum(layer.stride), layer.accumulator_bits != 32]
        counts += [layer.name != "pool" and not layer.name.startswith("layer")]
    return len(model.layers), sum(map(int, counts))


def checks(fails: Callable[[Case], bool]) -> Check:
    def check(cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
        return [Failure("it", "is wrong", one) for one in cases if fails(one)]

    return check


@pytest.mark.parametrize("number", range(8))
def test_what_is_tried_is_smaller(number: int) -> None:
    one = case.drawn(3, number)
    tried = list(smaller_models.of(one))
    assert len(tried) > 5
    for other in tried:
        assert other.codes.shape[1:] == other.model.input_shape
        renamed = [layer.name for layer in other.model.layers] != [layer.name for layer in one.model.layers]
        assert size(other) < size(one) or renamed


def test_a_failure_is_shrunk_to_what_it_needs() -> None:
    def fails(one: Case) -> bool:
        return any(layer.op == DEPTHWISE_CONV2D and (layer.kernel > 0).any() for layer in one.model.layers)

    found = next(one for one in (case.drawn(3, number) for number in range(99)) if fails(one))
    smallest = shrinking.smallest(Failure("it", "is wrong", found), checks(fails), most_trials=3000).case
    (layer,) = [layer for layer in smallest.model.layers if layer.op == DEPTHWISE_CONV2D]
    assert np.count_nonzero(layer.kernel) == 1 and layer.kernel.shape[2] == 1
    assert len(smallest.codes) == 1 and not smallest.codes.any() and len(smallest.model.layers) <= 2


def test_it_ends_after_so_many_trials() -> None:
    tried = []
    shrinking.smallest(Failure("it", "", case.drawn(3, 0)), checks(lambda one: bool(tried.append(one))), most_trials=7)
    assert len(tried) == 7


def test_a_wrong_tflite_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clamp that the file does not say."""
    monkeypatch.setattr(tflite, "_fused_activation", lambda layer: tflite.schema.ActivationFunctionType.NONE)
    found = tflm.check([case.drawn(0, number) for number in range(12)], Tally())
    assert found
    smallest = shrinking.smallest(found[0], tflm.check, most_trials=250)
    assert smallest.reason and sum(layer.kernel.size for layer in smallest.case.model.layers) <= 4
    monkeypatch.undo()
    tally = Tally()
    assert not tflm.check([smallest.case], tally) and tally.codes
