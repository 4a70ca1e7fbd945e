"""Kernels on row pairs: what the proofs allow and refuse, and that every code equals the interpreter's."""

import dataclasses
import itertools

import numpy as np
import pytest
from crafted import crafted

from export import plan as plans
from export.model import accumulator, interpreter, random_model
from export.model.integer_model import CONV2D, DEPTHWISE_CONV2D, IntegerModel, Layer, average_pool
from export.plan import FAST, SMALL, plan
from export.plan.kernels import profiles
from export.plan.kernels.four_bit import conv2d_s8_dsp_lanes as convolution
from export.plan.kernels.four_bit import depthwise_conv2d_row_pairs_dsp_lanes as depthwise
from export.plan.kernels.four_bit import pointwise_conv2d_row_pairs_dsp_lanes as pointwise
from export.plan.kernels.four_bit import row_lanes
from export.plan.schedule import Profile
from quant.qformat import QFormat, activation_format, weight_format

NO_PADDING = ((0, 0), (0, 0))
SAME = ((1, 1), (1, 1))
U4 = activation_format(4, 3, True)
POINTWISE_LANES, POINTWISE = "fxp_pointwise_conv2d_row_pairs_dsp_lanes", "fxp_pointwise_conv2d_row_pairs_dsp"
IN_TESTS_OF_THEIR_OWN = (f"{POINTWISE_LANES}_halves", "fxp_conv2d_s8_to_row_pairs_dsp_lanes")
LANES_OF = {FAST: POINTWISE_LANES, SMALL: "fxp_pointwise_conv2d_row_pairs_dsp_lanes_w4"}
DEPTHWISE_LANES, CONV_LANES, CONV = (
    "fxp_depthwise_conv2d_row_pairs_dsp_lanes",
    "fxp_conv2d_s8_dsp_lanes",
    "fxp_conv2d_s8_to_row_pairs_dsp",
)
NOT_HERE = (POINTWISE, CONV)


@pytest.fixture(autouse=True)
def _chosen_wherever_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """For small tensors the plan prefers other kernels, with reason; here it is to prefer these."""
    for profile, kernels in ((FAST, profiles.ROW_PAIRS_FAST), (SMALL, profiles.ROW_PAIRS_SMALL)):
        free = [
            dataclasses.replace(kernel, instructions=lambda layer, price=float(kernel.function in NOT_HERE): price)
            for kernel in kernels
        ]
        chosen = (*free, *plans.CHOICES[profile].kernels)
        others = tuple(kernel for kernel in chosen if kernel.function not in IN_TESTS_OF_THEIR_OWN)
        monkeypatch.setitem(plans.CHOICES, profile, Profile(others))


def _conv(name: str, shape: tuple, kernel: np.ndarray, x: QFormat, *, shift: int, **fields) -> Layer:
    """A convolution to unsigned four-bit codes; depthwise where the kernel has three dimensions."""
    op = CONV2D if kernel.ndim == 4 else DEPTHWISE_CONV2D
    stride, padding = fields.pop("stride", (1, 1)), fields.pop("padding", NO_PADDING)
    sizes = [
        (length + sum(pads) - k) // s + 1
        for length, k, s, pads in zip(shape[:2], kernel.shape[:2], stride, padding, strict=True)
    ]
    channels = kernel.shape[-1]
    bias = np.broadcast_to(fields.pop("bias", 0), channels).astype(np.int32)
    q_w = weight_format(fields.pop("weight_bits", 4), 3)
    y = activation_format(fields.pop("bits", 4), q_w.fraction_bits + x.fraction_bits - shift, True)
    return Layer(name, op, shape, (*sizes, channels), kernel.astype(np.int8), bias, stride, padding, x, q_w, y)


def _network(first: Layer, *following: Layer) -> IntegerModel:
    layers = [first, *following]
    layers.append(average_pool("pool", layers[-1].output_shape, layers[-1].output_format))
    labels = tuple(f"label{i}" for i in range(layers[-1].output_shape[2]))
    return IntegerModel("model", labels, tuple(layers))


def _source(height: int, width: int, channels: int, seed: int = 0) -> Layer:
    """A layer that turns int8 inputs into codes of four bits, all sixteen of them."""
    kernel = np.random.default_rng(seed).choice([-7, -3, 2, 7], (1, 1, 4, channels))
    return _conv("source", (height, width, 4), kernel, QFormat(8, 7), shift=6, bias=300)


def _kernels(model: IntegerModel, profile: str = FAST) -> list[str]:
    return [step.kernel.function for step in plan(model, profile).steps]


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(1, 1, 4), (2, 1, 3), (3, 2, 17), (4, 3, 8), (5, 4, 6), (6, 5, 12), (25, 5, 8)]
)
@pytest.mark.parametrize(("depthwise_layers", "profile"), [(1, FAST), (2, FAST), (2, SMALL)])
def test_every_parity_of_rows_and_width(assert_equal, height, width, channels, depthwise_layers, profile):
    """Two depthwise layers go through both leads."""
    rng = np.random.default_rng(height)
    source = _source(height, width, channels)
    layers, x, shape = [], source.output_format, source.output_shape
    for i in range(depthwise_layers):
        kernel = rng.integers(-7, 8, (3, 3, channels))
        layers.append(_conv(f"depthwise{i}", shape, kernel, x, shift=4, padding=SAME, bias=rng.integers(-60, 60)))
        x = layers[-1].output_format
        kernel = rng.integers(-7, 8, (1, 1, channels, channels))
        layers.append(_conv(f"pointwise{i}", shape, kernel, x, shift=5, bias=rng.integers(-60, 60)))
        x = layers[-1].output_format
    model = _network(source, *layers)
    assert _kernels(model, profile)[1:3] == [DEPTHWISE_LANES, LANES_OF[profile]]
    assert_equal(model, profile)


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "profile"),
    [(4, 4, FAST), (2, 3, FAST), (3, 2, FAST), (8, 4, FAST), (4, 4, SMALL), (2, 3, SMALL)],
)
def test_networks_of_few_bits(assert_equal, weight_bits, activation_bits, profile):
    model = random_model.ds_cnn(
        3, channels=18, blocks=2, weight_bits=weight_bits, activation_bits=activation_bits, input_shape=(21, 10, 1)
    )
    assert DEPTHWISE_LANES in _kernels(model, profile)
    assert (LANES_OF[profile] in _kernels(model, profile)) == (weight_bits <= 4)
    assert_equal(model, profile)


def test_codes_of_more_than_four_bits_are_whole_bytes():
    for bits, between in ((4, "lead"), (5, "bytes")):
        model = random_model.ds_cnn(3, channels=8, blocks=1, weight_bits=4, activation_bits=bits)
        layouts = [step.kernel.output_layout.name for step in plan(model).steps]
        assert sum(f"row pairs for pointwise, {between}" in name for name in layouts) == 1


def test_signed_activations_get_other_kernels():
    one = np.ones((1, 1, 4, 4))
    layer = crafted(one, (4, 3), QFormat(8, 7), shift=2, bits=4, relu=False)
    model = _network(
        layer, crafted(np.ones((3, 3, 4)), (4, 3), layer.output_format, shift=3, bits=4, padding=SAME, name="depthwise")
    )
    assert not {POINTWISE_LANES, POINTWISE, DEPTHWISE_LANES} & set(_kernels(model))


def _pointwise_after(source: Layer, kernel: np.ndarray, **fields) -> list[Layer]:
    identity = np.zeros((3, 3, source.output_shape[2]), np.int8)
    identity[1, 1] = 1
    first = _conv("depthwise", source.output_shape, identity, source.output_format, shift=0, padding=SAME)
    return [first, _conv("pointwise", first.output_shape, kernel, first.output_format, **fields)]


@pytest.mark.parametrize("profile", [FAST, SMALL])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("excess", [0, 1])
def test_the_lower_lane_is_filled_to_its_last_value_and_not_beyond(assert_equal, sign, excess, profile):
    """19 weights of 7 and one of 3 on codes of 15 sum to 2040; the bias goes to -2048 or 2047, and one further."""
    depth, shift = 20, 7
    kernel = np.full((1, 1, depth, 4), sign * 7)
    kernel[0, 0, -1] = sign * 3
    half = 1 << (shift - 1)
    bias = (2047 - 2040 + excess if sign > 0 else -(2048 - 2040) - excess) - half
    source = _source(3, 2, depth)
    layers = _pointwise_after(source, kernel, shift=shift, bias=np.array([bias, 5000, bias, -5000]))
    low, high = accumulator.bounds(layers[-1])
    assert (high if sign > 0 else low)[0] == (2047 + excess if sign > 0 else -2048 - excess)
    assert pointwise.lane_steps(layers[-1], 12) == (3 if excess else 5), "half of the five steps, rounded up, or all"
    model = _network(source, *layers)
    assert _kernels(model, profile)[2] == LANES_OF[profile]
    assert_equal(model, profile)


def _spans(kernel: np.ndarray, bias: np.ndarray, steps: int) -> np.ndarray:
    """Extremes of even channels' sums over every so many steps, [2, spans, channels]; the bias is the first one's."""
    by_input = 15 * kernel[0, 0, :, ::2].astype(np.int64)
    spans = [by_input[at : at + 4 * steps] for at in range(0, len(by_input), 4 * steps)]
    peaks = np.array([[np.minimum(span, 0).sum(0) for span in spans], [np.maximum(span, 0).sum(0) for span in spans]])
    peaks[:, 0] += bias[::2]
    return peaks


@pytest.mark.parametrize("profile", [FAST, SMALL])
@pytest.mark.parametrize(
    ("weights", "depth", "bias", "every"),
    [
        ([7], 64, 0, 4),
        ([-7], 64, 0, 4),
        ([7], 20, 0, 3),
        ([-7], 21, 2047, 6),
        ([7], 21, -2048, 6),
        ([7], 21, 1, 3),
        ([7], 40, 420, 3),
        ([-7, 7], 172, 0, 9),
        ([-7, 7, 0, 3], 276, 90, 12),
        ([7], 8, 1627, 1),
    ],
)
def test_lower_lanes_are_taken_out_as_few_times_as_sums_allow(assert_equal, weights, depth, bias, every, profile):
    kernel = np.empty((1, 1, depth, 4), int)
    kernel[0, 0] = np.resize(weights, depth)[:, None]
    shift = 5
    bias = np.array([bias, 900, bias, -900])
    source = _source(3, 2, depth)
    layers = _pointwise_after(source, kernel, shift=shift, bias=bias - (1 << shift - 1))
    assert pointwise.lane_steps(layers[-1], 12) == every
    peaks = _spans(kernel, bias, every)
    assert peaks.min() >= -2048 and peaks.max() <= 2047
    model = _network(source, *layers)
    assert _kernels(model, profile)[2] == LANES_OF[profile]
    assert_equal(model, profile)


@pytest.mark.parametrize(("bias", "refused"), [(1627, False), (1628, True), (-1628, False), (-1629, True)])
def test_a_layer_whose_sums_never_fit_the_lower_lane_is_not_given_it(assert_equal, bias, refused):
    """Four inputs, which is the least, sum to 420 beside the bias in one direction or the other."""
    kernel = np.full((1, 1, 8, 4), 7 if bias > 0 else -7)
    source = _source(3, 2, 8)
    layers = _pointwise_after(source, kernel, shift=6, bias=np.array([bias - 32, 0, 0, 0]))
    assert ("4 input channels sum to" in pointwise.refusal(layers[-1])) == refused
    model = _network(source, *layers)
    for profile, in_lanes in LANES_OF.items():
        assert _kernels(model, profile)[2] == (POINTWISE if refused else in_lanes)
        assert_equal(model, profile)


def test_only_the_lower_lane_has_a_narrow_proof(assert_equal):
    rng = np.random.default_rng(5)
    kernel = rng.integers(-1, 2, (1, 1, 64, 8))
    kernel[0, 0, :, 1::2] = 7
    source = _source(5, 3, 64)
    layers = _pointwise_after(source, kernel, shift=9)
    assert pointwise.lane_steps(layers[-1], 12) == 16
    assert_equal(_network(source, *layers))
    kernel[0, 0, :, 2] = 7
    layers = _pointwise_after(source, kernel, shift=9)
    assert pointwise.lane_steps(layers[-1], 12) == 4
    assert_equal(_network(source, *layers))


@pytest.mark.parametrize("shift", range(12))
def test_every_shift_of_a_quad_and_ties(assert_equal, shift):
    rng = np.random.default_rng(shift)
    kernel = rng.integers(-7, 8, (1, 1, 12, 16))
    half = (1 << shift) >> 1
    bias = (rng.integers(-3, 4, 16) << shift) - half * rng.integers(0, 3, 16) + rng.integers(-1, 2, 16)
    limit = 900
    source = _source(4, 3, 12)
    layers = _pointwise_after(source, kernel, shift=shift, bias=np.clip(bias, -limit, limit))
    model = _network(source, *layers)
    assert (_kernels(model)[2] == POINTWISE_LANES) == (not pointwise.refusal(layers[-1]))
    assert_equal(model)


@pytest.mark.parametrize(
    ("shift", "bias", "lanes"),
    [
        (2, 0, (2, 0, 4)),
        (1, 0, (3, 0, 4)),
        (0, -100, (4, 0, 4)),
        (3, 500, (1, 1, 4)),
        (4, -900, (0, 1, 4)),
        (5, 2000, (2, 0, 7)),
        (7, -2000, (2, 0, 9)),
        (9, 6900, (2, 0, 11)),
        (9, 25000, (0, 1, 9)),
        (10, -29000, (0, 1, 10)),
    ],
)
@pytest.mark.parametrize("weight", [-7, 7, None])
def test_every_kind_of_lane(assert_equal, shift, bias, lanes, weight):
    channels = 4
    kernel = np.random.default_rng(shift).integers(-7, 8, (3, 3, channels)) if weight is None else weight
    source = _source(7, 4, channels)
    kernel = np.broadcast_to(kernel, (3, 3, channels)).copy()
    layer = _conv("depthwise", source.output_shape, kernel, U4, shift=shift, padding=SAME, bias=bias)
    chosen = row_lanes.lanes(layer, cheapest=4, least=4, most=11)
    assert (chosen.extra, chosen.flip, chosen.code_bit) == lanes
    one = np.ones((1, 1, channels, channels))
    source = _conv("source", source.input_shape, source.kernel, QFormat(8, 6), shift=6, bias=300)
    model = _network(source, layer, _conv("pointwise", layer.output_shape, one, layer.output_format, shift=3))
    assert _kernels(model)[1] == DEPTHWISE_LANES
    assert_equal(model)


@pytest.mark.parametrize("excess", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_lanes_hold_sixteen_bits_and_no_more(assert_equal, sign, excess):
    """Nine weights of 7 on codes of 15 sum to 945."""
    shift, channels = 10, 4
    half = 1 << (shift - 1)
    bias = sign * (2**15 - 945 + excess) - half - (sign > 0)
    source = _conv("source", (5, 3, 4), _source(5, 3, channels).kernel, QFormat(8, 6), shift=6, bias=300)
    kernel = np.full((3, 3, channels), sign * 7)
    layer = _conv("depthwise", source.output_shape, kernel, U4, shift=shift, padding=SAME, bias=bias)
    assert bool(depthwise.refusal(layer)) == bool(excess)
    one = np.ones((1, 1, channels, channels))
    model = _network(source, layer, _conv("pointwise", layer.output_shape, one, layer.output_format, shift=3))
    assert (DEPTHWISE_LANES in _kernels(model)) != bool(excess)
    assert_equal(model)


@pytest.mark.parametrize(
    ("size", "stride", "depth", "channels"),
    [((10, 4), (2, 2), 1, 8), ((10, 4), (2, 1), 1, 6), ((3, 2), (1, 1), 2, 4), ((4, 3), (2, 2), 4, 5)],
)
@pytest.mark.parametrize("padding", [NO_PADDING, ((4, 5), (1, 1)), ((1, 0), (0, 2))])
@pytest.mark.parametrize("profile", [FAST, SMALL])
def test_first_convolution_as_a_product_of_polynomials(assert_equal, size, stride, depth, channels, padding, profile):
    kernel = np.random.default_rng(depth).integers(-4, 5, (*size, depth, channels))
    layer = _conv("conv", (14, 9, depth), kernel, QFormat(8, 5), shift=8, stride=stride, padding=padding, bias=700)
    model = _network(layer)
    assert _kernels(model, profile)[0] == CONV_LANES
    assert_equal(model, profile)


@pytest.mark.parametrize(("shift", "bias", "extra"), [(8, 700, 0), (6, 100, 2), (3, 0, 5), (0, 0, 8)])
def test_nibbles_of_a_first_convolution_are_expanded_to_every_scale(assert_equal, shift, bias, extra):
    kernel = np.resize([-7, 7, 0, -1, 3], (4, 2, 1, 4)).transpose(0, 1, 2, 3)
    x = QFormat(3, 2)
    layer = _conv("conv", (9, 5, 1), kernel, x, shift=shift, stride=(2, 1), bias=bias)
    assert convolution._lanes(layer).extra == extra
    model = _network(layer)
    assert _kernels(model, SMALL)[0] == CONV_LANES
    assert_equal(model, SMALL)


@pytest.mark.parametrize("weight", [-7, 7])
def test_first_convolution_whose_sums_leave_sixteen_bits_is_refused_lanes(assert_equal, weight):
    kernel = np.full((10, 4, 1, 4), weight)
    layer = _conv("conv", (14, 9, 1), kernel, QFormat(8, 5), shift=11, stride=(2, 2), padding=((4, 5), (1, 1)))
    assert "16-bit lanes" in convolution.lanes_refusal(layer)
    assert CONV_LANES not in _kernels(_network(layer))
    assert_equal(_network(layer))


def test_bounds_are_reached():
    """By the codes that reach them, and by none of all combinations of extremes."""
    rng = np.random.default_rng(9)
    for q in (QFormat(8, 7), U4):
        layer = _conv("conv", (2, 1, 3), rng.integers(-7, 8, (2, 1, 3, 5)), q, shift=6, bias=rng.integers(-99, 99, 5))
        codes = np.array(list(itertools.product((q.min_code, 0, q.max_code), repeat=6)), np.int8).reshape(-1, 2, 1, 3)
        sums = interpreter.accumulate(layer, codes)[:, 0, 0] + 32
        low, high = accumulator.bounds(layer)
        assert np.array_equal(sums.min(axis=0), low) and np.array_equal(sums.max(axis=0), high)


def test_memory_is_half_of_that_of_int16():
    fields = dict(weight_bits=4, activation_bits=4)
    assert plan(random_model.ds_cnn(0, **fields), FAST).arena_bytes <= 10_000
