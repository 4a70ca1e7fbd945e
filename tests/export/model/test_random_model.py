"""Random models and probes: what they must be like to be worth testing with."""

import numpy as np
import pytest

from export.model import accumulator, interpreter, random_model
from export.model.integer_model import DEPTHWISE_CONV2D
from export.model.probes import extreme_input, probes

WIDTHS = [(8, 8), (4, 8), (4, 4), (2, 8), (3, 5)]


@pytest.mark.parametrize(("weight_bits", "activation_bits"), WIDTHS)
def test_codes_are_spread_out_in_every_layer(weight_bits: int, activation_bits: int) -> None:
    model = random_model.ds_cnn(1, channels=32, blocks=2, weight_bits=weight_bits, activation_bits=activation_bits)
    accumulator.prove(model)
    for layer, codes in interpreter.run_layers(model, random_model.codes(1, model, 24)):
        assert layer.weight_format.bits == (2 if layer.op == "average_pool" else weight_bits)
        if layer.op == "average_pool":
            continue
        q = layer.output_format
        assert q.bits == (8 if layer is model.layers[-1] else min(activation_bits, 7))
        spread = codes.astype(int).max() - codes.astype(int).min()
        assert spread >= (q.max_code - q.min_code) // 2, layer.name
        assert np.mean((codes == q.min_code) | (codes == q.max_code)) < 0.95, layer.name


def test_a_seed_gives_one_model_and_one_set_of_codes() -> None:
    first, again, other = (random_model.ds_cnn(seed, channels=4, blocks=1) for seed in (0, 0, 1))
    assert first.sha256 == again.sha256 != other.sha256
    assert np.array_equal(random_model.codes(0, first, 9), random_model.codes(0, first, 9))
    assert np.array_equal(probes(0, first, 30), probes(0, first, 30))
    assert not np.array_equal(probes(0, first, 30), probes(1, first, 30))


def test_codes_begin_with_the_extremes() -> None:
    model = random_model.ds_cnn(0, channels=4, blocks=1)
    for make in (random_model.codes, probes):
        x = make(0, model, 12)
        assert x.dtype == np.int8 and x.shape == (12, 49, 10, 1)
        assert np.all(x[0] == -128) and np.all(x[1] == 127) and not x[2].any()
        assert set(np.unique(x[3])) == {-128, 127}
        assert make(0, model, 0).shape == (0, 49, 10, 1)
        assert len(make(0, model, 3)) == 3


@pytest.mark.parametrize(("count", "driven"), [(3, 0), (5, 0), (6, 1), (13, 4), (16, 6), (17, 6), (40, 6)])
def test_half_of_the_probes_drive_the_first_layer_to_its_bounds(count: int, driven: int) -> None:
    """Behind the four extremes: half of the rest, each channel up and down, and none twice; then noise."""
    model = random_model.ds_cnn(2, input_shape=(9, 8, 1), channels=3, blocks=1, first_kernel=(3, 3))
    layer = model.layers[0]
    sums = interpreter.accumulate(layer, probes(0, model, count))[:, layer.output_shape[0] // 2, 4 // 2]
    weights = layer.kernel.astype(int)
    highest, lowest = (
        np.where(sign * weights >= 0, weights * 127, weights * -128).sum(axis=(0, 1, 2)) + layer.bias
        for sign in (1, -1)
    )
    for i in range(driven):
        assert sums[4 + i, i // 2] == (highest if i % 2 == 0 else lowest)[i // 2], i
    assert ((lowest < sums[4 + driven :]) & (sums[4 + driven :] < highest)).all()


def test_noise_is_of_every_amplitude() -> None:
    """From codes of at most 1 to all of them, each width of code as often as the next."""
    model = random_model.ds_cnn(2, input_shape=(9, 8, 1), channels=1, blocks=1)
    noise = probes(0, model, 6 + 200)[6:].astype(int).reshape(200, -1)
    widest = np.maximum(noise.max(axis=1), -1 - noise.min(axis=1))
    assert noise.min() == -128 and noise.max() == 127 and widest.min() <= 1
    octaves = np.histogram(np.log2(np.maximum(widest, 1)), bins=[0, 1, 2, 3, 4, 5, 6, 7])[0]
    assert octaves.min() > 10, octaves


def test_codes_that_an_output_does_not_see_are_noise() -> None:
    """Of a depthwise layer: other channels; of any: what lies outside of the window."""
    model = random_model.ds_cnn(2, input_shape=(9, 8, 3), channels=5, blocks=1)
    layer = model.layers[1]
    assert layer.op == DEPTHWISE_CONV2D
    q, rng = layer.input_format, np.random.default_rng(0)
    codes = extreme_input(layer, 2, 1, rng)
    row, column = layer.output_shape[0] // 2 - layer.padding[0][0], layer.output_shape[1] // 2 - layer.padding[1][0]
    seen = np.zeros(layer.input_shape, bool)
    seen[row : row + 3, column : column + 3, 2] = True
    assert np.isin(codes[seen], (q.min_code, q.max_code)).all()
    beside = np.delete(codes[row : row + 3, column : column + 3], 2, axis=2)
    for unseen in (*np.moveaxis(beside, 2, 0), codes[~seen]):
        assert not np.isin(unseen, (q.min_code, q.max_code)).all()


def test_an_extreme_input_is_extreme() -> None:
    """No other input gives the middle output of that channel a larger sum: each product is at its maximum."""
    model = random_model.ds_cnn(2, input_shape=(9, 8, 3), channels=3, blocks=1)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        middle = (layer.output_shape[0] // 2, layer.output_shape[1] // 2)
        noise = rng.integers(layer.input_format.min_code, 128, (200, *layer.input_shape), dtype=np.int8)
        largest = interpreter.accumulate(layer, noise)[:, *middle].max(0)
        for channel in range(layer.output_shape[2]):
            high, low = (extreme_input(layer, channel, sign, rng)[None] for sign in (1, -1))
            high_sum = interpreter.accumulate(layer, high)[0, *middle, channel]
            assert high_sum >= largest[channel]
            assert interpreter.accumulate(layer, low)[0, *middle, channel] <= high_sum
            if layer.op == DEPTHWISE_CONV2D:
                weights = layer.kernel[:, :, channel].astype(int)
                q = layer.input_format
                bound = np.where(weights >= 0, weights * q.max_code, weights * q.min_code).sum()
                assert high_sum == bound + layer.bias[channel]
