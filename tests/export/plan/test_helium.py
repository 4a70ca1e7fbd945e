"""Kernels on vectors: layouts, refusals, and every shape against the interpreter, by their twins on the host."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from crafted import S8 as S8_CODES
from crafted import crafted, extremes, network

from export import plan as plans
from export.model import random_model
from export.model.integer_model import CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer, average_pool
from export.plan import HELIUM, plan
from export.plan.kernels import profiles
from export.plan.kernels.helium import (
    conv2d_s8_helium,
    conv2d_s8_to_planes_helium,
    depthwise_conv2d_planes_to_s8_helium,
    narrowing,
    planes,
    pointwise_conv2d_s8_helium,
    pointwise_conv2d_s8_to_planes_helium,
)
from export.plan.layout import S8
from export.plan.schedule import Profile
from quant.qformat import QFormat, activation_format, weight_format

SAME = ((1, 1), (1, 1))


def _layer(name: str, op: str, input_shape: tuple, window: tuple, seed: int, **fields) -> Layer:
    """A layer of random 8-bit codes; `channels` of the output, and formats, on request."""
    rng = np.random.default_rng(seed)
    shift, relu, bits = fields.pop("shift", 9), fields.pop("relu", True), fields.pop("bits", 8)
    stride, padding = fields.pop("stride", (1, 1)), fields.pop("padding", ((0, 0), (0, 0)))
    channels = fields.pop("channels", input_shape[2])
    shape = (*window, channels) if op == DEPTHWISE_CONV2D else (*window, input_shape[2], channels)
    kernel = rng.integers(-127, 128, shape[2:] if op == DENSE else shape).astype(np.int8)
    height, width = (
        (length + sum(pads) - k) // s + 1
        for length, k, s, pads in zip(input_shape[:2], window, stride, padding, strict=True)
    )
    x, q_w = fields.pop("x", activation_format(8, 7, False)), weight_format(8, 7)
    y = fields.pop("y", activation_format(bits, 7 + x.fraction_bits - shift, relu))
    bias = rng.integers(-(2**12), 2**12, channels).astype(np.int32)
    return Layer(name, op, input_shape, (height, width, channels), kernel, bias, stride, padding, x, q_w, y)


def _model(*layers: Layer) -> IntegerModel:
    """The layers, and pooling behind them."""
    last = layers[-1]
    labels = tuple(f"label{i}" for i in range(last.output_shape[2]))
    return IntegerModel("model", labels, (*layers, average_pool("pool", last.output_shape, last.output_format)))


@pytest.fixture(name="assert_runs")
def _assert_runs(assert_equal: Callable[..., None]) -> Callable[..., None]:
    """Every layer's codes, and that the layers named have those kernels."""

    def check(model: IntegerModel, **expected: str) -> None:
        kernels = {step.layer.name: step.kernel.function for step in plan(model, HELIUM).steps}
        assert expected.items() <= kernels.items()
        assert_equal(model, HELIUM)

    return check


def _chain(shape: tuple, links: list[dict]) -> IntegerModel:
    """A convolution and a depthwise convolution for each link, which has the window and so on of the latter."""
    layers = []
    x = activation_format(8, 7, False)
    for i, link in enumerate(links):
        fields = dict(link)
        channels = fields.pop("channels")
        first = _layer(f"first{i}", CONV2D, shape, (1, 1), i, channels=channels, x=x, shift=7 + i)
        window = fields.pop("window", (3, 3))
        second = _layer(f"second{i}", DEPTHWISE_CONV2D, first.output_shape, window, i, x=first.output_format, **fields)
        layers += [first, second]
        shape, x = second.output_shape, second.output_format
    return _model(*layers)


@pytest.mark.parametrize("width", range(1, 8))
def test_depthwise_windows_of_every_width_stride_and_padding(assert_runs, width):
    kernel = "fxp_depthwise_conv2d_planes_to_s8_helium" if width <= 6 else "fxp_depthwise_conv2d_s8_helium"
    narrower = ((1, 0), (0, 1)) if width >= 2 else SAME
    links = [{"channels": 17, "padding": SAME}, {"channels": 8, "padding": narrower}]
    links += [{"channels": 9, "padding": SAME, "stride": (2, 2)}]
    model = _chain((20, width, 3), links)
    assert_runs(model, second0=kernel)
    strided = [{"channels": 12, "padding": ((0, 1), (0, 1)) if width >= 2 else SAME, "stride": (2, 2)}]
    assert_runs(_chain((9, width, 16), strided), second0=kernel)


def test_depthwise_windows_of_other_sizes(assert_runs):
    links = [
        {"channels": 11, "window": (5, 5), "padding": ((2, 2), (2, 2))},
        {"channels": 5, "window": (1, 3)},
        {"channels": 8, "window": (3, 2), "padding": ((0, 1), (0, 1))},
    ]
    kernel = "fxp_depthwise_conv2d_s8_helium"
    assert_runs(_chain((9, 6, 4), links), second0=kernel, second2=kernel)


@pytest.mark.parametrize(
    ("bits", "relu", "shift"),
    [
        *((7, True, 0), (8, True, 9), (8, True, 10), (8, True, 17), (4, True, 12), (4, True, 13)),
        *((8, False, 0), (8, False, 9), (8, False, 17), (5, False, 11)),
    ],
)
def test_a_shift_clamps_and_rounds_as_the_interpreter(assert_runs, bits, relu, shift):
    """Where the narrowing shift is the layer's, where it is less, and where it is more than 16: by every loop."""
    fields = {"shift": shift, "relu": relu, "bits": bits}
    first = _layer("first", CONV2D, (5, 5, 16), (1, 1), shift, channels=80, **fields)
    wide = _layer("wide", CONV2D, (5, 5, 80), (1, 1), shift, channels=16, x=first.output_format, **fields)
    narrow = _layer("narrow", CONV2D, (5, 5, 16), (1, 1), shift, channels=8, x=wide.output_format, **fields)
    windows = _layer(
        "windows", DEPTHWISE_CONV2D, (5, 5, 8), (3, 3), shift, x=narrow.output_format, padding=SAME, **fields
    )
    assert_runs(
        _model(first, wide, narrow, windows),
        first="fxp_pointwise_conv2d_s8_helium",
        wide="fxp_pointwise_conv2d_s8_helium",
        narrow="fxp_pointwise_conv2d_s8_to_planes_helium",
        windows="fxp_depthwise_conv2d_planes_to_s8_helium",
    )


@pytest.mark.parametrize(("depth", "channels"), [(1, 4), (3, 7), (16, 1), (17, 33), (160, 2)])
def test_matrix_products_of_every_depth_and_channel_count(assert_runs, depth, channels):
    first = _layer("first", CONV2D, (4, 3, depth), (1, 1), 1, channels=channels)
    fields = {"channels": 5, "padding": ((1, 0), (2, 1)), "stride": (2, 1), "x": first.output_format}
    second = _layer("second", CONV2D, first.output_shape, (2, 3), 2, **fields)
    assert_runs(_model(first, second))


@pytest.mark.parametrize("size", [(3, 5), (4, 4), (5, 6), (17, 5)])
def test_products_to_planes_of_every_number_of_vectors_and_rest(assert_runs, size):
    layers = [_layer("first", CONV2D, (*size, 3), (1, 1), 1, channels=16)]
    for depth, channels in ((16, 32), (32, 48), (48, 64), (64, 7)):
        before = layers[-1]
        fields = {"channels": channels, "x": before.output_format, "shift": 10}
        layers.append(_layer(f"of{depth}", CONV2D, before.output_shape, (1, 1), depth, **fields))
        fields = {"padding": SAME, "x": layers[-1].output_format, "shift": 7}
        layers.append(_layer(f"windows{depth}", DEPTHWISE_CONV2D, layers[-1].output_shape, (3, 3), depth, **fields))
    function = "fxp_pointwise_conv2d_s8_to_planes_helium"
    assert_runs(_model(*layers), of16=function, of32=function, of48=function, of64=function)


@pytest.mark.parametrize(("channels", "bands"), [(4, 7), (32, 2), (64, 1)])
def test_windows_are_gathered_in_bands_that_take_no_more_than_the_output(assert_runs, channels, bands):
    """Of 25 rows of 5 windows: at least a unit at once, which is 4 rows, and what is left waits for the next band."""
    layer = _layer("layer", CONV2D, (49, 10, 1), (10, 4), 1, channels=channels, stride=(2, 2), padding=((4, 5), (1, 1)))
    kernel = conv2d_s8_to_planes_helium.KERNEL
    rows = layer.output_shape[0]
    assert -(-rows // kernel.args(layer)["band"]) == bands
    assert_runs(_model(layer), layer=kernel.function)


def test_a_callers_input_is_read_by_no_kernel_that_needs_it_aligned():
    layer = _layer("layer", CONV2D, (5, 5, 16), (1, 1), 1, channels=8)
    assert not pointwise_conv2d_s8_to_planes_helium.KERNEL.refusal(layer)
    assert not plan(_model(layer), HELIUM).steps[0].kernel.aligned


@pytest.mark.parametrize(("bias", "saturate"), [(2**15 - 1 - 2032, "ufit"), (2**15 - 2032, "usat")])
def test_what_narrows_clamps_alone_up_to_the_last_sum_that_fits(assert_equal, bias, saturate):
    """By hand: sixteen weights of 1 times codes of 127 are 2,032."""
    layer = crafted(np.ones((1, 1, 16, 4)), (3, 5), S8_CODES, shift=0, bias=bias)
    assert narrowing.saturation(layer) == (saturate, 7)
    assert_equal(network(layer), HELIUM, extremes(layer))


def test_a_layer_of_planes_never_meets_one_of_positions_unconverted():
    for channels, width in itertools.product((3, 16, 64), (4, 5, 8, 20)):
        model = random_model.ds_cnn(1, input_shape=(20, 2 * width, 1), channels=channels, blocks=2)
        steps = plan(model, HELIUM).steps
        assert not any(step.conversions for step in steps)
        for before, after in itertools.pairwise(steps):
            assert before.kernel.output_layout == after.kernel.input_layout


def test_planes_hold_every_code_the_zeros_and_what_windows_read_beyond():
    shape = (25, 5, 6)
    assert planes.plane_bytes(shape) == 26 * 5
    assert planes.PLANES.size(shape) == 1 + 5 + 8 * 26 * 5 + planes.SLACK


@pytest.mark.parametrize(
    ("layer", "kernel", "reason"),
    [
        (
            _layer("a", DEPTHWISE_CONV2D, (4, 7, 4), (3, 3), 0),
            depthwise_conv2d_planes_to_s8_helium.KERNEL,
            "spans 17 codes, a vector holds 16",
        ),
        (
            _layer("a", DEPTHWISE_CONV2D, (4, 6, 4), (3, 2), 0),
            depthwise_conv2d_planes_to_s8_helium.KERNEL,
            "window (3, 2)",
        ),
        (
            _layer("a", DEPTHWISE_CONV2D, (4, 6, 4), (3, 3), 0, padding=((2, 0), (1, 1))),
            depthwise_conv2d_planes_to_s8_helium.KERNEL,
            "padding ((2, 0), (1, 1)) is more than 1",
        ),
        (
            _layer("a", CONV2D, (2, 2, 4), (1, 1), 0, stride=(2, 2)),
            pointwise_conv2d_s8_helium.kernel(S8),
            "stride (2, 2)",
        ),
        (
            _layer("a", CONV2D, (1, 1, 2064), (1, 1), 0),
            pointwise_conv2d_s8_helium.kernel(S8),
            "2064 products, the loop takes 2048",
        ),
        (
            _layer("a", CONV2D, (200, 100, 4), (1, 1), 0),
            pointwise_conv2d_s8_helium.kernel(planes.PLANES),
            "offsets over 65535",
        ),
        (_layer("a", CONV2D, (9, 300, 1), (3, 3), 0), conv2d_s8_helium.kernel(S8), "within 602 bytes of the input"),
        (
            _layer("a", CONV2D, (2, 2, 4), (1, 1), 0, y=QFormat(8, 5, symmetric=True)),
            pointwise_conv2d_s8_helium.kernel(S8),
            "symmetric",
        ),
    ],
)
def test_what_a_kernel_refuses_it_says(layer, kernel, reason):
    assert reason in kernel.refusal(layer)


@pytest.mark.parametrize(
    ("last", "beyond", "reason"),
    [
        ((3, 3, 8191), (3, 3, 8192), "eight positions reach over 65536 bytes, offsets over 65535"),
        ((13106, 5, 1), (13107, 5, 1), "13107 rows: a plane takes more than 65535 bytes"),
    ],
)
def test_offsets_reach_to_their_last_value(last, beyond, reason):
    """Of tensors too large to run here."""
    kernel = depthwise_conv2d_planes_to_s8_helium.KERNEL
    assert not kernel.refusal(_layer("a", DEPTHWISE_CONV2D, last, (3, 3), 0, padding=SAME))
    assert reason in kernel.refusal(_layer("a", DEPTHWISE_CONV2D, beyond, (3, 3), 0, padding=SAME))


def test_channels_side_by_side_reach_to_their_last_value():
    kernel = pointwise_conv2d_s8_helium.kernel(S8)
    assert not kernel.refusal(_layer("a", CONV2D, (1, 1, 1), (1, 1), 0, channels=65528))
    wider = _layer("a", CONV2D, (1, 1, 1), (1, 1), 0, channels=65529)
    assert "reach over 65536 bytes, offsets over 65535" in kernel.refusal(wider)


def test_what_the_kernels_refuse_runs_by_others(assert_runs):
    wide = _layer("wide", CONV2D, (9, 300, 1), (3, 3), 0, channels=2)
    assert_runs(_model(wide), wide="fxp_conv2d_s8")


def test_the_choice_is_by_cost(monkeypatch):
    """Without the kernel on planes, the others meet in int8."""
    kernels = tuple(kernel for kernel in profiles.HELIUM if kernel is not depthwise_conv2d_planes_to_s8_helium.KERNEL)
    monkeypatch.setitem(plans.CHOICES, HELIUM, Profile(kernels))
    steps = plan(random_model.ds_cnn(1, channels=16, blocks=1), HELIUM).steps
    assert [step.kernel.output_layout.name for step in steps] == [
        *[S8.name] * 2,
        planes.PLANES.name,
        *[S8.name] * 2,
    ]
