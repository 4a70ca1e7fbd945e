"""First convolutions of one input channel along rows: what is refused, and that codes are the interpreter's."""

from collections.abc import Callable

import numpy as np
import pytest
from crafted import NO_PADDING, S8, crafted, extremes, network

from export.model import accumulator, random_model
from export.model.integer_model import Layer
from export.plan import FAST, plan
from export.plan.kernels.four_bit import conv2d_s8_to_row_pairs_dsp_lanes as rows
from export.plan.kernels.four_bit.row_pairs import LEADS

KERNELS = tuple(rows.kernel(lead) for lead in LEADS)
SIDES = ((4, 5), (1, 1))
NO_ROWS = ((0, 0), (1, 1))


def _layer(kernel: np.ndarray, size: tuple[int, int] = (13, 10), **fields) -> Layer:
    fields = {"shift": 8, "bits": 4, "weight_bits": 4, "stride": (2, 2), "padding": SIDES} | fields
    return crafted(kernel, size, S8, **fields)


def _random(window: tuple[int, int], channels: int, greatest: int = 7) -> np.ndarray:
    return np.random.default_rng(channels).integers(-greatest, greatest + 1, (*window, 1, channels))


def _compared(layer: Layer, lead: int, prefer: Callable[..., None], assert_equal: Callable[..., None]) -> bool:
    """Whether the layer gets the kernel; its codes are the interpreter's in any case."""
    prefer(FAST, KERNELS[lead])
    model = network(layer)
    assert_equal(model, FAST, extremes(layer))
    return plan(model).steps[0].kernel.function == KERNELS[lead].function


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize(
    ("window", "channels", "size", "stride", "padding"),
    [
        ((10, 4), 8, (13, 10), (2, 2), SIDES),
        ((10, 4), 3, (14, 9), (2, 2), ((4, 4), (1, 2))),
        ((3, 3), 6, (7, 10), (1, 2), ((1, 1), (1, 0))),
        ((1, 2), 4, (5, 9), (3, 2), ((0, 0), (1, 0))),
        ((4, 4), 5, (2, 10), (2, 2), ((3, 0), (1, 1))),
        ((2, 4), 4, (9, 10), (4, 2), ((0, 0), (1, 1))),
        ((4, 4), 4, (9, 10), (1, 2), ((2, 1), (1, 1))),
        ((4, 4), 4, (11, 10), (3, 2), ((1, 1), (1, 1))),
        ((5, 4), 4, (12, 10), (3, 2), ((0, 0), (1, 1))),
    ],
)
def test_every_window(prefer, assert_equal, window, channels, size, stride, padding, lead):
    layer = _layer(_random(window, channels, 4), size, stride=stride, padding=padding, bias=300)
    assert layer.output_shape[1] == 5
    assert _compared(layer, lead, prefer, assert_equal)


@pytest.mark.parametrize(("shift", "bits"), [(0, 4), (3, 7), (8, 7), (9, 4), (11, 4), (12, 4)])
def test_every_shift(prefer, assert_equal, shift, bits):
    layer = _layer(_random((10, 4), 8, 3), shift=shift, bits=bits, bias=np.arange(-400, 400, 100))
    assert _compared(layer, 0, prefer, assert_equal) == (shift + bits <= 15)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [0, 1])
def test_lanes_hold_sixteen_bits_and_no_more(prefer, assert_equal, excess, sign):
    """What is at the ends of their range is reached, by the columns that see all of the window."""
    kernel = np.full((4, 4, 1, 4), sign * 7)
    low, high = _ends(_layer(kernel, padding=NO_ROWS))
    layer = _layer(kernel, padding=NO_ROWS, bias=2**15 - 1 - high + excess if sign > 0 else -(2**15) - low - excess)
    assert (_ends(layer)[1] if sign > 0 else _ends(layer)[0]) == sign * (2**15 + excess) - (sign > 0)
    assert ("16 bits" in KERNELS[0].refusal(layer)) == bool(excess)
    assert _compared(layer, 0, prefer, assert_equal) == (not excess)


def _ends(layer: Layer) -> tuple[int, int]:
    low, high = accumulator.bounds(layer)
    return int(low.min()), int(high.max())


def test_the_benchmark_s_first_layer_takes_it() -> None:
    for weight_bits, activation_bits in ((4, 4), (2, 8), (3, 8)):
        model = random_model.ds_cnn(0, weight_bits=weight_bits, activation_bits=activation_bits)
        assert plan(model).steps[0].kernel.function == KERNELS[0].function


def test_other_shapes_are_refused() -> None:
    refusals = [
        _layer(_random((10, 4), 8), padding=((4, 5), (2, 1))),
        _layer(_random((10, 4), 8), stride=(2, 1), padding=NO_PADDING),
        _layer(_random((10, 4), 8), (13, 8)),
        crafted(np.ones((10, 4, 2, 8)), (13, 10), S8, shift=8, bits=4, stride=(2, 2), padding=SIDES),
    ]
    assert all("it takes" in KERNELS[0].refusal(layer) for layer in refusals)
    assert "not unsigned" in KERNELS[0].refusal(_layer(_random((10, 4), 8), relu=False))
