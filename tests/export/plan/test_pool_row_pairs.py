"""Pooling of row pairs: what is summed as bytes, and that codes are the interpreter's."""

from collections.abc import Callable

import numpy as np
import pytest
from crafted import U4, copying, copying_depthwise, network

from export.model.integer_model import IntegerModel, average_pool
from export.plan import FAST, plan
from export.plan.kernels.four_bit import average_pool_row_pairs_to_s16_dsp as pool
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, LEADS
from quant.qformat import activation_format

POOLS = tuple(pool.kernel(lead) for lead in LEADS)


def _model(shape: tuple[int, int, int], bits: int, lead: int) -> IntegerModel:
    """A pool behind copies: a depthwise one changes the lead."""
    q = activation_format(bits, bits - 1, relu=True)
    first, behind = (copying(name, shape, q) for name in ("copy", "copy_behind"))
    return network(first, *([copying_depthwise("copy_depthwise", shape, q), behind] if lead else []))


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("bits", [2, 4, 6, 7])
@pytest.mark.parametrize(
    "shape", [(1, 5, 8), (2, 1, 4), (3, 3, 12), (4, 8, 16), (5, 11, 6), (6, 4, 5), (25, 5, 64), (2, 16, 4)]
)
def test_every_parity_width_and_number_of_channels(
    prefer: Callable[..., None],
    assert_equal: Callable[..., None],
    shape: tuple[int, int, int],
    bits: int,
    lead: int,
) -> None:
    """Greatest codes in all positions, in every second one, and noise."""
    prefer(FAST, POOLS[lead])
    model = _model(shape, bits, lead)
    step = plan(model).steps[-1]
    assert (step.kernel.function, step.kernel.input_layout) == (POOLS[lead].function, FOR_DEPTHWISE[lead])
    greatest = 2**bits - 1
    noise = np.random.default_rng(bits).integers(0, greatest + 1, (2, *shape))
    halves = np.arange(np.prod(shape)).reshape(shape) % 2 * greatest
    assert_equal(model, FAST, np.stack([np.full(shape, greatest), halves, *noise]).astype(np.int8))


@pytest.mark.parametrize(
    ("width", "bits", "sums", "in_bytes"),
    [
        (4, 6, 252, True),
        (5, 6, 315, False),
        (8, 5, 248, True),
        (3, 7, 381, False),
        (2, 4, 30, False),
        (17, 4, 15, False),
    ],
)
def test_bytes_hold_their_greatest_sum_and_no_more(width: int, bits: int, sums: int, in_bytes: bool) -> None:
    """Of the columns of a turn; two or one are not worth it."""
    layer = average_pool("pool", (25, width, 8), activation_format(bits, bits - 1, relu=True))
    (loop,) = POOLS[0].instances(layer).values()
    words, columns, size, as_bytes = loop.arguments
    assert (words, columns * (2**bits - 1), size, as_bytes) == (4, sums, 16, in_bytes)
    assert (sums <= 255) >= in_bytes
    assert (f"{sums} fits 8" in POOLS[0].proof(layer)) == in_bytes


def test_positions_beyond_the_loop_s_offsets_are_refused() -> None:
    assert not POOLS[0].refusal(average_pool("pool", (2, 2, 2044), U4))
    assert "more than 4095" in POOLS[0].refusal(average_pool("pool", (2, 2, 2048), U4))
