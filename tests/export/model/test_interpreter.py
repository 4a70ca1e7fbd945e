"""The interpreter against loops in plain Python, and its two roundings against independent definitions."""

import math

import numpy as np
import pytest

from export.model import integer_model, interpreter, random_model
from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, Layer
from quant import qformat
from quant.qformat import QFormat, weight_format


def naive_accumulator(layer: Layer, x: np.ndarray, row: int, column: int, channel: int) -> int:
    """The sum of one output by definition, with Python integers: x is [h, w, c] codes."""
    (top, _), (left, _) = layer.padding
    height, width, channels = layer.input_shape
    total = int(layer.bias[channel])
    if layer.op == DENSE:
        return total + sum(int(layer.kernel[i, channel]) * int(x[0, 0, i]) for i in range(channels))
    kh, kw = layer.kernel.shape[:2]
    for i in range(kh):
        for j in range(kw):
            y, z = row * layer.stride[0] - top + i, column * layer.stride[1] - left + j
            if not (0 <= y < height and 0 <= z < width):
                continue
            if layer.op == CONV2D:
                total += sum(int(layer.kernel[i, j, c, channel]) * int(x[y, z, c]) for c in range(channels))
            else:
                total += int(layer.kernel[i, j, channel]) * int(x[y, z, channel])
    return total


def round_half_up(accumulator: int, shift: int) -> int:
    return math.floor(accumulator / 2**shift + 0.5)


def gemmlowp(accumulator: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier for 2**-shift as gemmlowp's fixedpoint.h and TFLM define it, on Python integers."""
    int32_min, int32_max = -(2**31), 2**31 - 1
    significand, exponent = math.frexp(2.0**-shift)
    multiplier = round(significand * 2**31)
    left, right = max(exponent, 0), max(-exponent, 0)
    a = accumulator << left
    assert int32_min <= a <= int32_max
    if a == multiplier == int32_min:
        high = int32_max
    else:
        product = a * multiplier
        nudge = 2**30 if product >= 0 else 1 - 2**30
        quotient = abs(product + nudge) // 2**31  # C's division truncates towards zero
        high = quotient if product + nudge >= 0 else -quotient
    mask = (1 << right) - 1
    remainder = high & mask
    threshold = (mask >> 1) + (1 if high < 0 else 0)
    return (high >> right) + (1 if remainder > threshold else 0)


def layer_of(op: str, rng: np.random.Generator, output: QFormat, shift: int, **shape: tuple) -> Layer:
    """A tiny layer with random codes of every size and awkward geometry."""
    input_shape, output_shape, kernel_shape = shape["input_shape"], shape["output_shape"], shape["kernel_shape"]
    weights = weight_format(8, 7)
    x_format = QFormat(8, output.fraction_bits + shift - 7)
    kernel = rng.integers(-127, 128, kernel_shape).astype(np.int8)
    bias = rng.integers(-(2 ** (shift + 6)), 2 ** (shift + 6), output_shape[2]).astype(np.int32)
    return Layer(
        "tiny",
        op,
        input_shape,
        output_shape,
        kernel,
        bias,
        shape.get("stride", (1, 1)),
        shape.get("padding", ((0, 0), (0, 0))),
        x_format,
        weights,
        output,
    )


TINY = {
    "conv2d": {
        "input_shape": (5, 4, 2),
        "output_shape": (3, 2, 3),
        "kernel_shape": (3, 2, 2, 3),
        "stride": (2, 3),
        "padding": ((1, 2), (1, 0)),
    },
    "pointwise": {"input_shape": (2, 3, 4), "output_shape": (2, 3, 5), "kernel_shape": (1, 1, 4, 5)},
    "depthwise_conv2d": {
        "input_shape": (4, 5, 3),
        "output_shape": (4, 3, 3),
        "kernel_shape": (3, 3, 3),
        "stride": (1, 2),
        "padding": ((1, 1), (1, 1)),
    },
    "dense": {"input_shape": (1, 1, 7), "output_shape": (1, 1, 4), "kernel_shape": (7, 4)},
}
OPS = {"conv2d": CONV2D, "pointwise": CONV2D, "depthwise_conv2d": DEPTHWISE_CONV2D, "dense": DENSE}
OUTPUTS = [QFormat(8, 4), QFormat(7, 4, signed=False), QFormat(4, 3, signed=False), QFormat(3, 2)]


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
@pytest.mark.parametrize("shift", [0, 1, 5, 11])
@pytest.mark.parametrize("kind", TINY)
def test_a_layer_equals_its_definition(kind: str, shift: int, output: QFormat) -> None:
    rng = np.random.default_rng([shift, output.bits])
    layer = layer_of(OPS[kind], rng, output, shift, **TINY[kind])
    x = rng.integers(-128, 128, (4, *layer.input_shape), dtype=np.int8)
    x[0], x[1] = -128, 127
    for rounding, requantize in (("single", round_half_up), ("double", gemmlowp)):
        got = interpreter.run_layer(layer, x, rounding)
        assert got.dtype == np.int8
        for n, *position in np.ndindex(got.shape):
            total = naive_accumulator(layer, x[n], *position)
            expected = min(max(requantize(total, shift), output.min_code), output.max_code)
            assert got[n, *position] == expected, (rounding, n, position, total)


def test_saturation_is_reached_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    layer = layer_of(DENSE, rng, QFormat(8, 4), 1, **TINY["dense"])
    got = interpreter.run_layer(layer, rng.integers(-128, 128, (50, 1, 1, 7), dtype=np.int8))
    assert got.min() == -128 and got.max() == 127


def test_average_pool_is_a_sum_and_a_shift() -> None:
    layer = integer_model.average_pool("pool", (5, 3, 2), QFormat(7, 4, signed=False))
    assert layer.shift == 4
    x = np.random.default_rng(0).integers(0, 128, (6, 5, 3, 2), dtype=np.int8)
    expected = (x.astype(int).sum((1, 2)) + 8) >> 4
    assert np.array_equal(interpreter.run_layer(layer, x).reshape(6, 2), expected)
    assert layer.op == AVERAGE_POOL


def test_ties_round_up_once_and_away_from_zero_twice() -> None:
    sums = np.array([-24, -8, 8, 24])
    wide = QFormat(8, 0)
    assert qformat.requantize_single(sums, 4, wide).tolist() == [-1, 0, 1, 2]
    assert qformat.requantize_double(sums, 4, wide).tolist() == [-2, -1, 1, 2]


@pytest.mark.parametrize("shift", range(31))
def test_double_rounding_equals_gemmlowp(shift: int) -> None:
    rng = np.random.default_rng(shift)
    limit = 2 ** min(shift + 9, 30)
    near_ties = np.concatenate([np.arange(-2, 3) + (k << shift) // 2 for k in range(-9, 10)])
    near_ties = near_ties[np.abs(near_ties) < 2**30]
    sums = np.concatenate([np.arange(-300, 300), rng.integers(-limit, limit, 1500), near_ties])
    got = qformat.requantize_double(sums, shift, QFormat(8, 0))
    expected = [min(max(gemmlowp(int(s), shift), -128), 127) for s in sums]
    assert got.tolist() == expected


@pytest.mark.parametrize("shift", range(31))
def test_single_rounding_equals_floor_of_the_half_sum(shift: int) -> None:
    rng = np.random.default_rng(shift)
    limit = 2 ** min(shift + 9, 30)
    sums = np.concatenate([np.arange(-300, 300), rng.integers(-limit, limit, 1500)])
    got = qformat.requantize_single(sums, shift, QFormat(8, 0))
    assert got.tolist() == [min(max(round_half_up(int(s), shift), -128), 127) for s in sums]


def test_a_negative_shift_is_refused() -> None:
    for requantize in (qformat.requantize_single, qformat.requantize_double):
        with pytest.raises(ValueError, match="shift=-1"):
            requantize(np.zeros(1, np.int64), -1, QFormat(8, 0))


def test_an_accumulator_beyond_its_declared_width_is_noticed() -> None:
    layer = layer_of(DENSE, np.random.default_rng(0), QFormat(8, 4), 5, **TINY["dense"])
    narrow = Layer(**{**vars(layer), "accumulator_bits": 8})
    with pytest.raises(OverflowError, match=r"layer tiny.*8 bits"):
        interpreter.run_layer(narrow, np.full((1, 1, 1, 7), 127, np.int8))


def test_run_is_the_last_layer_in_any_batching() -> None:
    model = random_model.ds_cnn(0, input_shape=(8, 6, 1), channels=4, blocks=1)
    x = random_model.codes(0, model, 70)
    *_, (last, codes) = interpreter.run_layers(model, x)
    assert last is model.layers[-1]
    logits = interpreter.run(model, x)
    assert np.array_equal(logits, codes.reshape(70, -1))
    assert np.array_equal(logits[3:4], interpreter.run(model, x[3:4]))
    assert interpreter.run(model, x[:0]).shape == (0, 12)


def test_a_wrong_input_is_named() -> None:
    model = random_model.ds_cnn(0, input_shape=(8, 6, 1), channels=4, blocks=1)
    with pytest.raises(ValueError, match=r"float64 \(1, 8, 6, 1\), expected int8 \(n, 8, 6, 1\)"):
        interpreter.run(model, np.zeros((1, 8, 6, 1)))
    with pytest.raises(ValueError, match="expected int8"):
        list(interpreter.run_layers(model, np.zeros((1, 6, 8, 1), np.int8)))
