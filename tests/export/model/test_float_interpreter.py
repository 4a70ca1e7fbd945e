"""The interpreter's quick way equals its definition, code by code, where sums are largest too."""

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest

from export.host import float_steps
from export.model import accumulator, float_interpreter, integer_model, interpreter, random_model
from export.model.float_interpreter import FLOAT32_INTEGERS, NUMPY, Steps
from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer
from export.model.probes import extreme_input, probes
from quant.qformat import QFormat, weight_format

ROUNDINGS = tuple(interpreter.ROUNDINGS)


def quickly(layer: Layer, x: np.ndarray, rounding: str, steps: Steps = NUMPY) -> np.ndarray:
    """`interpreter.run_layer` by `float_interpreter`."""
    prepared = float_interpreter.float_layer(layer, rounding)
    memory = np.full(len(x) * math.prod(layer.output_shape), np.nan)
    y = float_interpreter.run_layer(prepared, x.transpose(3, 1, 2, 0), memory, steps)
    assert y.dtype == float_interpreter.sum_type(layer)
    return y.transpose(3, 1, 2, 0)


def assert_equal(layer: Layer, x: np.ndarray) -> None:
    """By NumPy, and by C, which computes 32 clips at once."""
    many = np.resize(x, (len(x) + -len(x) % 32, *x.shape[1:]))
    for rounding in ROUNDINGS:
        expected = interpreter.run_layer(layer, x, rounding)
        np.testing.assert_array_equal(quickly(layer, x, rounding), expected, err_msg=f"{rounding} {layer}")
        by_c = quickly(layer, many, rounding, float_steps.steps())[: len(x)]
        np.testing.assert_array_equal(by_c, expected, err_msg=f"by C, {rounding} {layer}")


def dense(kernel: np.ndarray, bias: int, shift: int) -> Layer:
    """A dense layer of one output whose codes are its sums' leading bits."""
    shapes = (1, 1, len(kernel)), (1, 1, 1)
    formats = QFormat(8, shift), weight_format(8, 0), QFormat(8, 0)
    codes = np.array(kernel, np.int8)[:, None]
    return Layer("dense", DENSE, *shapes, codes, np.array([bias], np.int32), (1, 1), ((0, 0), (0, 0)), *formats)


def random_layer(op: str, rng: np.random.Generator) -> Layer:
    """A layer of any geometry: windows and strides of any size, padding that may be wider than the window."""

    def size(low: int, high: int) -> tuple[int, int]:
        rows, columns = rng.integers(low, high, 2).tolist()
        return rows, columns

    (height, width), (channels, out) = size(1, 9), size(1, 9)
    stride, padding, window = size(1, 4), (size(0, 5), size(0, 5)), size(1, 6)
    if op == DENSE:
        height = width = 1
    if op in (DENSE, AVERAGE_POOL):
        stride, padding, window = (1, 1), ((0, 0), (0, 0)), (height, width)
    window = (min(window[0], height + sum(padding[0])), min(window[1], width + sum(padding[1])))
    out = channels if op in (DEPTHWISE_CONV2D, AVERAGE_POOL) else out
    shape = {CONV2D: (*window, channels, out), DENSE: (channels, out)}.get(op, (*window, channels))
    shift = int(rng.integers(0, 16))
    q = QFormat(int(rng.integers(2, 9)), 0)
    output = rng.choice([QFormat(8, 0), QFormat(7, 0, signed=False), QFormat(3, 0, signed=False), QFormat(4, 0)])
    kernel, bias = rng.integers(-127, 128, shape), rng.integers(-(2**shift) * 64, 2**shift * 64, out)
    if op == AVERAGE_POOL:
        kernel, bias = np.ones(shape), np.zeros(out)
    return Layer(
        "tiny",
        op,
        (height, width, channels),
        (*integer_model.output_size((height, width), window, stride, padding), out),
        kernel.astype(np.int8),
        bias.astype(np.int32),
        stride,
        padding,
        q,
        weight_format(8, shift),
        output,
    )


@pytest.mark.parametrize("op", integer_model.OPS)
def test_a_layer_of_any_geometry_equals_its_definition(op: str) -> None:
    rng = np.random.default_rng(integer_model.OPS.index(op))
    for _ in range(100):
        layer = random_layer(op, rng)
        q = layer.input_format
        x = rng.integers(q.min_code, q.max_code + 1, (6, *layer.input_shape), dtype=np.int8)
        x[0], x[1] = q.min_code, q.max_code
        x[2], x[3] = (extreme_input(layer, 0, sign, rng) for sign in (1, -1))
        assert_equal(layer, x)


@pytest.mark.parametrize("shift", range(16))
def test_every_sum_around_zero_is_rounded_alike(shift: int) -> None:
    """127 * a + b for all codes a and b: every integer up to 16,000, so that every tie is met, on either side."""
    pairs = np.stack(np.meshgrid(*2 * [np.arange(-128, 128)]), -1).astype(np.int8).reshape(-1, 1, 1, 2)
    sums = interpreter.accumulate(dense([127, 1], 0, shift), pairs)
    assert set(range(-16000, 16001)) <= set(sums.ravel().tolist())
    for bias in (0, 1, -(1 << shift)):
        assert_equal(dense([127, 1], bias, shift), pairs)


def largest_in_float32(shift: int) -> Layer:
    """A dense layer whose sum, half included, reaches 2**24 and never leaves it; its last weight is 1."""
    room = FLOAT32_INTEGERS - (1 << shift >> 1)
    weights, bias = divmod(room, 127)
    kernel = [127] * ((weights - 1) // 127) + [(weights - 1) % 127, 1]
    return dataclasses.replace(dense(kernel, bias, shift), input_format=QFormat(8, shift, symmetric=True))


@pytest.mark.parametrize("shift", [17, 18, 20, 24])
def test_the_largest_sum_of_float32_is_exact_and_one_more_takes_float64(shift: int) -> None:
    layer = largest_in_float32(shift)
    x = np.full((3, *layer.input_shape), 127, np.int8)
    x[1, ..., -1] = 126
    x[2] = -127
    half = 1 << shift >> 1
    assert (interpreter.accumulate(layer, x[:2]) + half).ravel().tolist() == [2**24, 2**24 - 1]
    assert float_interpreter.sum_type(layer) is np.float32
    assert_equal(layer, x)
    expected = 2 ** (24 - shift)
    assert quickly(layer, x[:2], "single").ravel().tolist() == [min(expected, 127), expected - 1]
    more = dataclasses.replace(layer, bias=layer.bias + 1)
    assert accumulator.worst_case(more).max() == 2**24 + 1
    assert float_interpreter.sum_type(more) is np.float64
    assert_equal(more, x)


@pytest.mark.parametrize("shift", [18, 20, 22])
def test_a_sum_that_float32_would_round_is_exact(shift: int) -> None:
    """Products that sum to 2**24 + 1, and a bias that makes 2**24 of them, half included. Float32 would take the
    products for 2**24 and end one below, in the code before."""
    total = 2**24 + 1
    count, rest = divmod(total, 127 * 127)
    layer = dense([127] * count + [rest // 127, rest % 127], -1 - (1 << shift >> 1), shift)
    x = np.array([127] * count + [127, 1], np.int8)[None, None, None]
    assert accumulator.worst_case(layer).max() < 2**25
    assert quickly(layer, x, "single").item() == 2 ** (24 - shift)
    assert_equal(layer, x)


def test_sums_as_large_as_an_accumulator_may_be() -> None:
    for shift in (23, 24, 30):
        most = 2**31 - 1 - (1 << shift >> 1) - 3 * 128
        for bias in (most, most - 1, -most, 1 - most, (1 << 30) - (1 << shift >> 1) - 1):
            layer = dense([2, -1], bias, shift)
            assert accumulator.required_bits(layer) <= 32
            rng = np.random.default_rng(shift)
            assert_equal(layer, rng.integers(-128, 128, (200, 1, 1, 2), dtype=np.int8))


def plainly(model: IntegerModel, x: np.ndarray, rounding: str) -> np.ndarray:
    """Logits by the definition."""
    *_, (_, codes) = interpreter.run_layers(model, x, rounding)
    return codes.reshape(len(x), -1)


MODELS = {
    "small": random_model.ds_cnn(0, input_shape=(12, 7, 1), channels=5, blocks=2),
    "four bits": random_model.ds_cnn(1, channels=8, blocks=1, weight_bits=4, activation_bits=4),
    "strides": random_model.ds_cnn(
        2, input_shape=(9, 9, 3), channels=6, blocks=1, first_kernel=(3, 5), first_stride=(3, 1)
    ),
    "two types": random_model.ds_cnn(3, input_shape=(4, 4, 1), channels=1800, blocks=0, classes=5, crest=1.0),
}


def test_a_models_layers_may_be_of_two_types() -> None:
    types = [float_interpreter.sum_type(layer) for layer in MODELS["two types"].layers]
    assert types == [np.float32, np.float32, np.float64]


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_whole_model_equals_its_definition_in_any_number_of_clips(model: IntegerModel, rounding: str) -> None:
    x = np.concatenate([probes(0, model, 60), random_model.codes(1, model, 70)])
    expected = plainly(model, x, rounding)
    for steps in (NUMPY, float_steps.steps()):
        for count in (1, 63, 64, 65, 130):
            logits = interpreter.run(model, x[:count], rounding, steps)
            assert logits.dtype == np.int8 and logits.flags.c_contiguous
            np.testing.assert_array_equal(logits, expected[:count])


def test_a_large_model_takes_fewer_clips_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["small"]
    x = probes(0, model, 40)
    expected = plainly(model, x, "single")
    for values in (1, 7 * max(np.prod(layer.output_shape) for layer in model.layers)):
        monkeypatch.setattr(float_interpreter, "_MOST_VALUES", int(values))
        np.testing.assert_array_equal(interpreter.run(model, x), expected)


@pytest.mark.parametrize("op", [DEPTHWISE_CONV2D, AVERAGE_POOL])
def test_wide_rows_are_summed_tap_by_tap(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(float_interpreter, "_MOST_VALUES", 0)
    monkeypatch.setattr(float_interpreter, "_bands", None)
    rng = np.random.default_rng(1)
    for _ in range(60):
        layer = random_layer(op, rng)
        assert_equal(layer, rng.integers(-128, 128, (3, *layer.input_shape), dtype=np.int8))


def one_channel(op: str, input_shape: tuple, output_shape: tuple, kernel_shape: tuple, shift: int) -> Layer:
    """A layer of weights of 1, without padding."""
    weights, bias = np.ones(kernel_shape, np.int8), np.zeros(1, np.int32)
    q = QFormat(8, 0)
    formats = q, weight_format(8, shift), q
    return Layer(op, op, input_shape, output_shape, weights, bias, (1, 1), ((0, 0), (0, 0)), *formats)


def test_memory_is_bounded_where_windows_or_rows_are_large() -> None:
    """Of either the matrices for all 64 clips would take gigabytes."""
    wide = one_channel(DEPTHWISE_CONV2D, (1, 24000, 1), (1, 23998, 1), (1, 3, 1), 2)
    large = one_channel(CONV2D, (64, 64, 4), (49, 49, 1), (16, 16, 4, 1), 9)
    layers = (large, one_channel(AVERAGE_POOL, (49, 49, 1), (1, 1, 1), (49, 49, 1), 11))
    model = IntegerModel("m", ("a",), layers)
    codes = random_model.codes(0, model, 64)
    tracemalloc.start()
    assert_equal(wide, np.resize(codes, (2, 1, 24000, 1)))
    logits = float_interpreter.run(model, codes, "single", NUMPY)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(logits[:4], plainly(model, codes[:4], "single"))
    assert most < 300e6


def test_only_what_is_proved_is_not_looked_at() -> None:
    """A declared width one too narrow is noticed where a sum leaves it, the exact one needs no look."""
    model = MODELS["small"]
    x = probes(0, model, 40)
    first = model.layers[0]
    bits = accumulator.required_bits(first)

    def declared(bits: int) -> IntegerModel:
        return dataclasses.replace(model, layers=(dataclasses.replace(first, accumulator_bits=bits), *model.layers[1:]))

    np.testing.assert_array_equal(interpreter.run(declared(bits), x), plainly(model, x, "single"))
    while (1 << bits - 1) > np.abs(interpreter.accumulate(first, x)).max():
        bits -= 1
    with pytest.raises(OverflowError, match=f"{first.name}: an accumulator left its declared {bits} bits"):
        interpreter.run(declared(bits), x)


def test_codes_beyond_the_inputs_format_are_computed_by_the_definition() -> None:
    """Widths are proved for inputs of the format; a code beyond it may leave them, which is noticed."""
    model = random_model.ds_cnn(0, input_shape=(1, 1, 2), channels=2, blocks=0, classes=2)
    kernel = np.full((2, 2), 127, np.int8)
    narrow = Layer(**{**vars(dense([1, 1], 0, 4)), "kernel": kernel, "bias": np.zeros(2, np.int32)})
    narrow = dataclasses.replace(
        narrow, output_shape=(1, 1, 2), input_format=QFormat(4, 4, signed=False), accumulator_bits=13
    )
    model = IntegerModel("narrow", ("a", "b"), (narrow,))
    assert accumulator.required_bits(narrow) == 13
    inside = np.full((1, 1, 1, 2), 15, np.int8)
    np.testing.assert_array_equal(interpreter.run(model, inside), plainly(model, inside, "single"))
    for code in (-128, 127):
        with pytest.raises(OverflowError, match="declared 13 bits"):
            interpreter.run(model, np.full((1, 1, 1, 2), code, np.int8))
