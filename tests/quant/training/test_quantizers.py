"""Quantizers and configs: forward values, gradients, serialization."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from quant.method import Method
from quant.qformat import QFormat, activation_format, weight_format
from quant.training import quantize_configs
from quant.training.quantizers import BiasQuantizer, FixedPointQuantizer, KernelQuantizer

FORMATS = [QFormat(8, 7), weight_format(4, 2), weight_format(2, 1), activation_format(5, 3, relu=True)]
METHOD = Method(squash=True, accumulator_bits=16)
QUANTIZERS = [
    *map(FixedPointQuantizer, FORMATS),
    KernelQuantizer(weight_format(4, 2)),
    KernelQuantizer(weight_format(4, 2), squashed=True, code_sum=40),
    BiasQuantizer(12),
    BiasQuantizer(12, largest_code=9),
]


@pytest.mark.parametrize("quantizer", QUANTIZERS, ids=lambda q: f"{type(q).__name__}-{q.precision}")
def test_quantizers_serialize(quantizer: Any) -> None:
    again = type(quantizer).from_config(quantizer.get_config())
    values = tf.constant(np.random.default_rng(0).normal(0, 2, (50, 10)), tf.float32)
    np.testing.assert_array_equal(quantizer(values), again(values))
    assert again.get_config() == quantizer.get_config()
    assert again.precision == quantizer.precision


@pytest.mark.parametrize(
    "config",
    [
        quantize_configs.weighted(weight_format(4, 3), QFormat(8, 5), activation_format(8, 4, relu=True), METHOD),
        quantize_configs.OutputConfig(FixedPointQuantizer(QFormat(8, 5))),
        quantize_configs.weighted(weight_format(4, 3), QFormat(8, 5), QFormat(8, 4), Method(learn_formats=True)),
        quantize_configs.unweighted(QFormat(8, 5), Method(learn_formats=True)),
    ],
    ids=lambda config: type(config).__name__,
)
def test_configs_serialize(config: Any) -> None:
    assert type(config).from_config(config.get_config()).get_config() == config.get_config()


def test_a_bias_is_cut_to_its_largest_code() -> None:
    quantizer = BiasQuantizer(3, largest_code=9)
    codes = np.array([-20, -9.51, -9.5, -8.5, 0.49, 0.5, 9.49, 9.5, 20])
    found = quantizer(tf.constant(codes / 8, tf.float32)).numpy() * 8
    np.testing.assert_array_equal(found, [-9, -9, -9, -8, 0, 1, 9, 9, 9])


def test_a_bias_lies_on_the_accumulators_grid_and_its_gradient_passes() -> None:
    quantizer = quantize_configs.weighted(weight_format(4, 3), QFormat(8, 5), QFormat(8, 4), Method()).bias
    values = tf.constant([0.3, -0.3, 1000.7])
    with tf.GradientTape() as tape:
        tape.watch(values)
        rounded = quantizer(values)
        total = tf.reduce_sum(rounded)
    codes = rounded.numpy() * 2.0**8
    np.testing.assert_array_equal(codes, np.floor(values.numpy() * 2.0**8 + 0.5))
    assert tape.gradient(total, values).numpy().tolist() == [1, 1, 1]
