"""Proofs of accumulator widths: never too small, and no larger than an input can make the sum."""

import dataclasses

import numpy as np
import pytest

from export.model import accumulator, interpreter, random_model
from export.model.integer_model import DENSE, IntegerModel, Layer
from export.model.probes import extreme_input
from quant.qformat import QFormat, weight_format


def dense(kernel: list[list[int]], bias: list[int], x: QFormat, accumulator_bits: int = 32) -> Layer:
    """A dense layer, shift 3."""
    weights = weight_format(8, 3)
    codes = np.array(kernel, np.int8)
    return Layer(
        "dense",
        DENSE,
        (1, 1, codes.shape[0]),
        (1, 1, codes.shape[1]),
        codes,
        np.array(bias, np.int32),
        (1, 1),
        ((0, 0), (0, 0)),
        x,
        weights,
        QFormat(8, x.fraction_bits),
        accumulator_bits,
    )


def test_worst_case_by_hand() -> None:
    layer = dense([[1, -2], [3, 4]], [-5, 6], QFormat(8, 0))
    assert layer.shift == 3
    assert accumulator.worst_case(layer).tolist() == [4 * 128 + 5 + 4, 6 * 128 + 6 + 4]
    unsigned = dense([[1, -2], [3, 4]], [-5, 6], QFormat(4, 0, signed=False))
    assert accumulator.worst_case(unsigned).tolist() == [4 * 15 + 5 + 4, 6 * 15 + 6 + 4]


def test_the_bound_is_reached() -> None:
    """Weights of one sign, the input's largest magnitude, a bias of the same sign: the sum is the bound."""
    positive = dense([[7], [3]], [11], QFormat(4, 0, signed=False))
    reached = interpreter.accumulate(positive, np.full((1, 1, 1, 2), 15, np.int8)) + 4
    assert reached.max() == accumulator.worst_case(positive).max()
    minimum = dense([[-7], [-3]], [11], QFormat(8, 0))
    reached = interpreter.accumulate(minimum, np.full((1, 1, 1, 2), -128, np.int8)) + 4
    assert reached.max() == accumulator.worst_case(minimum).max()


def test_required_bits_are_the_fewest_that_hold_the_bound() -> None:
    layer = dense([[1], [1]], [0], QFormat(8, 0))
    assert accumulator.worst_case(layer).tolist() == [260]
    assert accumulator.required_bits(layer) == 10
    edge = dense([[1], [1]], [511 - 260], QFormat(8, 0))
    assert accumulator.worst_case(edge).tolist() == [511]
    assert accumulator.required_bits(edge) == 10
    over = dense([[1], [1]], [512 - 260], QFormat(8, 0))
    assert accumulator.required_bits(over) == 11


@pytest.mark.parametrize("bits", [8, 10, 16, 32])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_declared_width_is_proved_to_its_last_value(bits: int, sign: int) -> None:
    limit = 2 ** (bits - 1) - 1
    for excess in (0, 1):
        layer = dense([[sign]], [sign * (limit - 15 - 4 + excess)], QFormat(4, 0, signed=False), bits)
        model = IntegerModel("model", ("label",), (layer,))
        assert accumulator.required_bits(layer) == bits + excess
        if excess:
            with pytest.raises(ValueError, match=f"can reach {limit + 1}, 1 more than {bits} bits hold \\({limit}\\)"):
                accumulator.prove(model)
        else:
            accumulator.prove(model)


@pytest.mark.parametrize("seed", range(3))
def test_no_input_exceeds_the_bound(seed: int) -> None:
    model = random_model.ds_cnn(seed, input_shape=(12, 6, 2), channels=5, blocks=1, weight_bits=4)
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        bound = accumulator.worst_case(layer) - ((1 << layer.shift) >> 1)
        for channel in range(layer.output_shape[2]):
            x = np.stack([extreme_input(layer, channel, sign, rng) for sign in (1, -1)])
            sums = np.abs(interpreter.accumulate(layer, x))
            assert np.all(sums <= bound), (layer.name, channel)
            middle = sums[:, layer.output_shape[0] // 2, layer.output_shape[1] // 2, channel]
            assert middle.max() > bound[channel] * 0.4, "the extreme inputs come near the bound"


def test_a_violation_names_layer_channel_and_excess() -> None:
    model = random_model.ds_cnn(0, input_shape=(8, 6, 1), channels=4, blocks=1)
    accumulator.prove(model)
    layer = model.layers[1]
    bits = accumulator.required_bits(layer) - 1
    sums = accumulator.worst_case(layer)
    excess = sums.max() - (2 ** (bits - 1) - 1)
    layers = list(model.layers)
    layers[1] = dataclasses.replace(layer, accumulator_bits=bits)
    message = f"layer {layer.name}, channel {sums.argmax()}: .* {sums.max()}, {excess} more than {bits} bits"
    with pytest.raises(ValueError, match=message):
        accumulator.prove(dataclasses.replace(model, layers=tuple(layers)))
    layers[1] = dataclasses.replace(layer, accumulator_bits=bits + 1)
    accumulator.prove(dataclasses.replace(model, layers=tuple(layers)))
