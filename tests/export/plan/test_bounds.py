"""Bounds of what a kernel takes: at the last value every code is exact, one beyond the plan takes another kernel."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from crafted import S8, SAME, U4, U7, between_copies, crafted, extremes

from export.model import accumulator
from export.model.integer_model import Layer, average_pool
from export.plan import FAST, HELIUM, SMALL, plan
from export.plan.kernel import Kernel
from export.plan.kernels.dsp import (
    average_pool_s16_dsp,
    conv2d_s8_dsp_lanes,
    conv2d_s8_to_s16_dsp,
    depthwise_conv2d_s16_dsp,
    pointwise_conv2d_s16_dsp,
    pointwise_conv2d_s16_dsp_lanes,
)
from export.plan.kernels.dsp.matrix_loops import W4, W16
from export.plan.kernels.four_bit import (
    average_pool_row_pairs_to_s16_dsp,
    conv2d_s8_to_row_pairs_dsp,
    depthwise_conv2d_row_pairs_dsp_lanes,
    pointwise_conv2d_row_pairs_dsp_lanes,
    pointwise_conv2d_row_pairs_dsp_lanes_w4,
)
from export.plan.kernels.four_bit import conv2d_s8_dsp_lanes as conv2d_to_row_pairs
from export.plan.kernels.four_bit.row_pairs import BYTES, LEADS
from export.plan.kernels.helium import (
    conv2d_s8_helium,
    conv2d_s8_to_planes_helium,
    depthwise_conv2d_planes_to_s8_helium,
    pointwise_conv2d_s8_helium,
    pointwise_conv2d_s8_to_planes_helium,
)
from export.plan.kernels.helium.planes import PLANES
from export.plan.layout import S8 as S8_LAYOUT
from quant.qformat import QFormat, activation_format

POINTWISE = tuple(pointwise_conv2d_row_pairs_dsp_lanes.kernel(lead) for lead in LEADS)
POINTWISE_NIBBLES = tuple(pointwise_conv2d_row_pairs_dsp_lanes_w4.kernel(lead) for lead in LEADS)
DEPTHWISE = tuple(depthwise_conv2d_row_pairs_dsp_lanes.kernel(lead) for lead in LEADS)
POINTWISE_BYTES = tuple(pointwise_conv2d_row_pairs_dsp_lanes.kernel(lead, BYTES) for lead in LEADS)
POOLS = tuple(average_pool_row_pairs_to_s16_dsp.kernel(lead) for lead in LEADS)
SIGNS = np.array([1, -1, -1, 1])
"""Of output channels."""


@dataclasses.dataclass(frozen=True)
class Bound:
    """A kernel (one for each lead where it has two), a layer at its last value, one beyond, what is said of that."""

    kernels: Sequence[Kernel]
    last: Layer
    beyond: Layer
    reason: str
    profile: str = FAST


def _both(make: Callable[..., Layer], last: object, beyond: object) -> tuple[Layer, Layer]:
    return make(last), make(beyond)


def _pointwise(depth: int, x: QFormat, weight: int = 1, **fields) -> Layer:
    """Four output channels of both signs on 2 x 3 positions."""
    return crafted(weight * np.tile(SIGNS, (1, 1, depth, 1)), (2, 3), x, **fields)


def _ones(window: tuple[int, int], size: tuple[int, int], depth: int, outputs: int, **fields) -> Layer:
    """A convolution whose weights are 1 and -1, from codes of four bits."""
    kernel = np.random.default_rng(0).choice([-1, 1], (*window, depth, outputs))
    return crafted(kernel, size, QFormat(4, 3), bias=300, **{"shift": 5, "bits": 4, "weight_bits": 4, **fields})


def _depthwise(size: tuple[int, int], channels: int, x: QFormat, **fields) -> Layer:
    kernel = np.random.default_rng(0).integers(-7, 8, (3, 3, channels))
    return crafted(kernel, size, x, **{"shift": 4, "padding": SAME, "weight_bits": 4, **fields})


def _pool(positions: tuple[int, int], x: QFormat) -> Layer:
    return average_pool("layer", (*positions, 4), x)


def _upper_sum(sign: int, excess: int) -> Layer:
    """The worst case of odd channels is 2**19 - 2 and the excess; even ones are small."""
    kernel = np.tile(sign * np.array([7, 7, -7, 7]), (1, 1, 4, 1))
    half = 1 << 10
    bias = sign * (2**19 - 2 - 4 * 7 * 15 - half + excess)
    layer = crafted(kernel, (2, 3), U4, shift=11, bias=np.array([0, bias, 0, bias]), bits=4, weight_bits=4)
    assert accumulator.worst_case(layer).max() == 2**19 - 2 + excess
    return layer


def _pointwise_lanes_bounds(kernels: Sequence[Kernel], profile: str) -> dict[str, Bound]:
    def four_bits(depth: int = 8, x: QFormat = U4, **fields) -> Layer:
        return _pointwise(depth, x, **{"shift": 4, "bits": 4, "weight_bits": 4, **fields})

    shifts = _both(lambda shift: four_bits(shift=shift, bias=-2000), 11, 12)
    depths = _both(lambda depth: four_bits(depth, weight=7), 512, 516)
    codes = _both(lambda bits: four_bits(x=activation_format(bits, 3, relu=True)), 4, 5)
    outputs = four_bits(bits=7), four_bits(relu=False)
    weights = four_bits(weight=7), four_bits(weight=8, weight_bits=5)
    sums = {sign: _both(lambda excess, sign=sign: _upper_sum(sign, excess), 0, 1) for sign in (-1, 1)}
    return {
        "upper sum": Bound(kernels, *sums[1], "the upper lane holds 524286", profile),
        "upper sum below": Bound(kernels, *sums[-1], "the upper lane holds 524286", profile),
        "shift": Bound(kernels, *shifts, "shift 12 is more than 11", profile),
        "depth": Bound(kernels, *depths, "516 input channels, the unrolled loop takes 512", profile),
        "input bits": Bound(kernels, *codes, "input u5", profile),
        "output bits": Bound(kernels, *outputs, "output s4", profile),
        "weights": Bound(kernels, *weights, "two of them don't fit a halfword", profile),
    }


def _narrow_weights_bounds() -> dict[str, Bound]:
    """Lanes of 13 and 14 bits, beside weights of three and two, and codes of seven."""

    def layer(bits: int, weight: int, x: QFormat = U7, **fields) -> Layer:
        return _pointwise(8, x, weight, **{"shift": 4, "bits": 7, "weight_bits": bits, **fields})

    three = _both(lambda shift: layer(3, 3, shift=shift, bias=-2000), 12, 13)
    two = _both(lambda shift: layer(2, 1, shift=shift, bias=-2000), 13, 14)
    return {
        "shift, three bits": Bound(POINTWISE_BYTES, *three, "shift 13 is more than 12"),
        "shift, two bits": Bound(POINTWISE_BYTES, *two, "shift 14 is more than 13"),
        "output bits": Bound(POINTWISE_BYTES, layer(2, 1), layer(2, 1, relu=False), "output s7"),
    }


def _outer_bounds() -> dict[str, Bound]:
    kernels = (pointwise_conv2d_s16_dsp_lanes.KERNEL,)

    def outer(depth: int = 8, x: QFormat = U7, **fields) -> Layer:
        return _pointwise(depth, x, **{"shift": 5, "bits": 7, "weight_bits": 4, **fields})

    return {
        "shift": Bound(kernels, *_both(lambda shift: outer(shift=shift), 8, 9), "shift 9 is more than 8"),
        "depth": Bound(kernels, *_both(lambda depth: outer(depth, U4), 512, 516), "the unrolled loop takes 512"),
        "weights": Bound(kernels, outer(weight=7), outer(weight=8, weight_bits=5), "two of them don't fit a word"),
    }


def _loops_bounds() -> dict[str, Bound]:
    wide, small = (pointwise_conv2d_s16_dsp.kernel(W16),), (pointwise_conv2d_s16_dsp.kernel(W4),)

    def at_shift_0(excess: int) -> Layer:
        return _pointwise(4, U7, 127, shift=0, bias=SIGNS * (2**30 - 1 - 4 * 127 * 127 + excess))

    def nibbles(excess: int, sign: int = 1) -> Layer:
        bias = sign * (2**19 - 1 - 8 * 7 * 127 - 64 + excess)
        return _pointwise(8, U7, 7, shift=7, bias=bias * SIGNS, weight_bits=4)

    products = _both(lambda columns: _ones((3, columns), (3, 44), 4, 4), 42, 43)
    return {
        "shift 0": Bound(wide, *_both(at_shift_0, 0, 1), "shift 0 and no bit"),
        "depth": Bound(wide, *_both(lambda depth: _pointwise(depth, U7, shift=9), 512, 516), "takes 512"),
        "products": Bound((conv2d_s8_to_s16_dsp.kernel(W16),), *products, "516 products per output"),
        "nibbles' sums": Bound(small, *_both(nibbles, 0, 1), "weights times 4096 leave", SMALL),
        "nibbles": Bound(
            small,
            _pointwise(8, U7, 7, shift=7, weight_bits=4),
            _pointwise(8, U7, 8, shift=7, weight_bits=5),
            "weights times 4096 leave",
            SMALL,
        ),
        "nibbles' depth": Bound(
            small, *_both(lambda depth: _pointwise(depth, U4, 7, shift=9, weight_bits=4), 512, 516), "takes 512", SMALL
        ),
    }


def _s16_bounds() -> dict[str, Bound]:
    depthwise, pool = (depthwise_conv2d_s16_dsp.KERNEL,), (average_pool_s16_dsp.KERNEL,)
    strides = _both(lambda stride: _depthwise((7, 6), 4, U7, stride=stride), (2, 2), (3, 2))
    paddings = _both(lambda padding: _depthwise((7, 6), 4, U7, padding=padding), ((1, 1), (1, 1)), ((1, 2), (1, 1)))
    signed, unsigned = (_both(lambda n, x=x: _pool((1, n), x), last, last + 1) for x, last in ((S8, 256), (U7, 516)))
    return {
        "stride": Bound(depthwise, *strides, "stride (3, 2): it takes 3x3 with stride 1 or 2 both ways"),
        "padding": Bound(depthwise, *paddings, "padding ((1, 2), (1, 1)) is more than 1"),
        "width": Bound(depthwise, *_both(lambda width: _depthwise((2, width), 4, U7), 120, 121), "width 121"),
        "position": Bound(depthwise, *_both(lambda depth: _depthwise((2, 3), depth, U7), 1020, 1021), "2044 bytes"),
        "row": Bound(depthwise, _depthwise((1, 90), 364, U7), _depthwise((1, 64), 512, U7), "more than 65535 bytes"),
        "pool of signed codes": Bound(pool, *signed, "257 codes of s8.f7 can leave 16 bits"),
        "pool of unsigned codes": Bound(pool, *unsigned, "517 codes of u7.f6 can leave 16 bits"),
    }


def _lane_conv_bounds(kernel: Kernel, profile: str = FAST) -> dict[str, Bound]:
    rows = _ones((4, 2), (4, 8), 1, 292), _ones((4, 2), (4, 9), 1, 256)
    products = _ones((8, 8), (9, 9), 8, 4), _ones((8, 5), (9, 9), 13, 4)
    fours = _ones((4, 2), (6, 6), 1, 4), _ones((3, 3), (6, 6), 1, 4)
    return {
        "row": Bound((kernel,), *rows, "takes 4096 bytes, more than 4095", profile),
        "products": Bound((kernel,), *products, "260 products per row pair", profile),
        "fours": Bound((kernel,), *fours, "6 products per row pair", profile),
    }


def _row_pairs_bounds() -> dict[str, Bound]:
    def walk(size: tuple[int, int], channels: int) -> Layer:
        return _depthwise(size, channels, U4, bits=4)

    nibbles = (np.tile(w * SIGNS, (4, 2, 1, 1)) for w in (7, 8))
    compact = [
        crafted(kernel, (5, 5), QFormat(4, 3), shift=5, bits=4, weight_bits=bits)
        for kernel, bits in zip(nibbles, (4, 5), strict=True)
    ]
    return {
        "plane": Bound(DEPTHWISE, walk((499, 1), 4), walk((500, 1), 4), "more than the loop's offsets reach"),
        "row": Bound(DEPTHWISE, walk((2, 7), 292), walk((2, 8), 256), "a row takes 4096 bytes"),
        "nibbles": Bound((conv2d_to_row_pairs.COMPACT,), *compact, "are no nibbles", SMALL),
        "pool": Bound(POOLS, _pool((257, 17), U4), _pool((437, 10), U4), "4370 codes of u4.f3 can leave 16 bits"),
    }


def _helium_bounds() -> dict[str, Bound]:
    to_planes, products = (pointwise_conv2d_s8_helium.kernel(PLANES),), (conv2d_s8_helium.kernel(S8_LAYOUT),)
    matrix = (pointwise_conv2d_s8_helium.kernel(S8_LAYOUT),)

    def ones(size: tuple[int, int], depth: int) -> Layer:
        return crafted(np.tile(SIGNS, (1, 1, depth, 1)), size, U7, shift=3)

    def gather(width: int) -> Layer:
        return crafted(np.tile(SIGNS, (2, 1, 1, 1)), (2, width), U7, shift=1)

    windows = (depthwise_conv2d_planes_to_s8_helium.KERNEL,)
    strides = _both(lambda stride: _depthwise((7, 6), 4, U7, stride=stride), (2, 2), (3, 2))
    paddings = _both(lambda padding: _depthwise((7, 5), 4, U7, padding=padding), ((1, 1), (1, 1)), ((1, 1), (1, 2)))
    widths = _both(lambda width: _depthwise((4, width), 5, U7), 6, 7)
    pointwise, gathered = (pointwise_conv2d_s8_to_planes_helium.KERNEL,), (conv2d_s8_to_planes_helium.KERNEL,)
    return {
        "whole vectors": Bound(pointwise, ones((2, 3), 16), ones((2, 3), 17), "17 input channels are no whole", HELIUM),
        "four vectors": Bound(pointwise, ones((2, 3), 64), ones((2, 3), 80), "the loop takes 64", HELIUM),
        "windows": Bound(gathered, ones((2, 3), 64), ones((2, 3), 65), "65 products, the loop takes 64", HELIUM),
        "zeros": Bound(gathered, ones((2, 112), 1), ones((2, 113), 1), "the loop writes 112 zeros", HELIUM),
        "stride": Bound(windows, *strides, "stride (3, 2): it takes 3x3 with stride 1 or 2 both ways", HELIUM),
        "padding": Bound(windows, *paddings, "padding ((1, 1), (1, 2)) is more than 1", HELIUM),
        "width": Bound(windows, *widths, "width 7: a window spans 17 codes, a vector holds 16", HELIUM),
        "planes": Bound(to_planes, ones((5460, 3), 1), ones((4095, 4), 1), "reach over 65537 bytes", HELIUM),
        "depth": Bound(matrix, ones((1, 2), 2048), ones((1, 2), 2049), "the loop takes 2048", HELIUM),
        "gather": Bound(products, *_both(gather, 255, 256), "within 256 bytes of the input", HELIUM),
    }


BOUNDS = {
    f"{family}: {name}": bound
    for family, bounds in {
        "row pairs, 1x1": _pointwise_lanes_bounds(POINTWISE, FAST),
        "row pairs, 1x1, narrow weights": _narrow_weights_bounds(),
        "row pairs, 1x1, nibbles": _pointwise_lanes_bounds(POINTWISE_NIBBLES, SMALL),
        "s16, 1x1, lanes": _outer_bounds(),
        "matrix loops": _loops_bounds(),
        "s16": _s16_bounds(),
        "row pairs, convolution": _lane_conv_bounds(conv2d_to_row_pairs.KERNEL),
        "row pairs, convolution, nibbles": _lane_conv_bounds(conv2d_to_row_pairs.COMPACT, SMALL),
        "s16, convolution, lanes": _lane_conv_bounds(conv2d_s8_dsp_lanes.KERNEL),
        "row pairs": _row_pairs_bounds(),
        "helium": _helium_bounds(),
    }.items()
    for name, bound in bounds.items()
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_is_kept_to_the_last_value(assert_equal, prefer, name):
    bound = BOUNDS[name]
    prefer(bound.profile, *bound.kernels)
    function = bound.kernels[0].function
    for layer, taken in ((bound.last, True), (bound.beyond, False)):
        reasons = {kernel.refusal(layer) for kernel in bound.kernels}
        assert reasons == {""} if taken else all(bound.reason in reason for reason in reasons), reasons
        model = between_copies(layer, bound.kernels[0])
        chosen = {step.layer.name: step.kernel.function for step in plan(model, bound.profile).steps}
        assert (chosen["layer"] == function) == taken
        assert_equal(model, bound.profile, extremes(layer))


FOUR_BITS = {"shift": 4, "bits": 4, "weight_bits": 4}
PROOFS = [
    (POINTWISE[0], _pointwise(8, U4, 7, **FOUR_BITS), "-832 .. 848 fits 12 bits"),
    (POINTWISE[0], _pointwise(20, U4, 7, **FOUR_BITS), "-1252 .. 1268 of 12 inputs fits 12 bits"),
    (
        pointwise_conv2d_s16_dsp_lanes.KERNEL,
        _pointwise(32, U7, 7, shift=5, bits=7, weight_bits=4),
        "14224 of 16 inputs fits 14 bits, -28432 .. 28464 16",
    ),
    (conv2d_s8_dsp_lanes.KERNEL, _pointwise(4, U7, 127, shift=9), "-64260 .. 64772 fits 21 bits"),
    (conv2d_s8_to_planes_helium.KERNEL, _pointwise(16, U7, 7, shift=5), "445 fits 15 bits, shifted"),
    (conv2d_s8_to_planes_helium.KERNEL, _pointwise(16, U7, 7, shift=5, bits=4), ""),
    (DEPTHWISE[0], crafted(np.full((3, 3, 4), 7), (5, 4), U4, padding=SAME, **FOUR_BITS), "8 .. 953 fits 16 bits"),
]


@pytest.mark.parametrize(("kernel", "layer", "proof"), PROOFS)
def test_a_proof_is_told(kernel, layer, proof):
    """By hand: 4 x 127 x 127 is 64,516, 9 x 7 x 15 is 945, and so on; half of the shift's unit is in all of them."""
    assert kernel.proof(layer) == proof


def test_scratch_of_nibbles_is_a_channel_quads_weights_and_eight_position_pairs():
    """Eight inputs are four words: the weights of a quad are two biases and twice as many words, a pair two of each."""
    layer = _pointwise(8, U4, 7, **FOUR_BITS)
    for kernel in POINTWISE_NIBBLES:
        assert kernel.scratch_bytes(layer) == 4 * (2 + 2 * 4) + 8 * 4 * (2 * 4)


def test_a_convolution_to_row_pairs_needs_few_output_bits_and_weights_that_its_loop_takes():
    def layer(weight: int, **bits: int | bool) -> Layer:
        return crafted(np.full((3, 3, 4, 4), weight), (5, 4), U7, shift=8, **bits)

    nibbles = conv2d_s8_to_row_pairs_dsp.kernel(W4)
    assert not nibbles.refusal(layer(7, bits=4, weight_bits=4))
    assert not nibbles.refusal(layer(7, bits=7, weight_bits=4))
    assert "not unsigned with at most 7 bits" in nibbles.refusal(layer(7, bits=8, weight_bits=4, relu=False))
    assert nibbles.refusal(layer(127, bits=4, weight_bits=8))


def test_scratch_of_a_convolution_to_row_pairs_holds_one_more_row_where_their_number_is_odd():
    """Five rows are three pairs: a padded row of 6 positions and 4 channels more, and a word for each output."""
    layer = crafted(np.ones((3, 3, 4, 4)), (5, 4), U7, shift=8, bits=4, padding=SAME)
    row_pairs, s16 = conv2d_s8_to_row_pairs_dsp.kernel(W16), conv2d_s8_to_s16_dsp.kernel(W16)
    assert row_pairs.scratch_bytes(layer) == s16.scratch_bytes(layer) + 6 * 4 + 4 * 4
