"""A step in parts is the step of the whole batch: loss, gradients and moving statistics, in both stages."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from small_fit import settings

from kws import frontend
from kws.models.ds_cnn import DsCnnSpec
from kws.models.in_a_stream import in_a_stream
from kws.models.word_head import with_word_head
from kws.training.loop.config import FitConfig
from kws.training.loop.step import optimizer_of, training_step
from kws.training.loop.step_parts import in_parts
from quant.folding import keras_chain
from quant.formats.calibration import calibrate
from quant.method import Method
from quant.qformat import dequantize
from quant.training import fixed_point_graph

SHAPE, CLASSES, EXAMPLES = (49, 10, 1), 4, 6
METHOD = Method(squash=True, cosine=0.01, learn_formats=True)


def float_model() -> tf.keras.Model:
    return DsCnnSpec(4, (2, 2), ((1, 1),)).build(SHAPE, CLASSES, seed=0)


def two_heads() -> tf.keras.Model:
    return with_word_head(float_model(), "pool", 7, seed=1)


def streamed() -> tf.keras.Model:
    return in_a_stream(float_model())


def fixed_point() -> tf.keras.Model:
    """At 4 bits, with every part of the method, and formats that are learned."""
    layers = keras_chain.fold(float_model())
    widths = dict.fromkeys((layer.name for layer in layers), 4)
    network = calibrate(layers, features(), frontend.input_format(), widths, {**widths, "logits": 8}, METHOD)
    return fixed_point_graph.fixed_point_model(*network, SHAPE, METHOD)


def features() -> np.ndarray:
    codes = np.random.default_rng(0).integers(-128, 128, (EXAMPLES, *SHAPE), dtype=np.int8)
    return dequantize(codes, frontend.input_format())


NETWORKS = [float_model, two_heads, streamed, fixed_point]


def taken(
    model: tf.keras.Model, heard: Callable[[tf.Tensor], object]
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Outputs, gradients of a sum of their squares, and what the variables are then."""
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(heard(tf.constant(features())))
        loss = tf.add_n([tf.reduce_sum(tf.square(output)) for output in outputs]) + sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    return tuple([each.numpy() for each in tensors] for tensors in (outputs, gradients, model.variables))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("parts", [4, 9])
def test_parts_give_what_the_whole_gives(network: Callable[[], tf.keras.Model], parts: int) -> None:
    """Where the batch isn't divided, and where there are more parts than examples."""
    model = network()
    before = [variable.numpy() for variable in model.variables]
    expected = taken(model, lambda each: model(each, training=True))
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    found = taken(model, in_parts(model, parts))
    moved = [not np.array_equal(*each) for each in zip(before, found[2], strict=True)]
    assert any(moved) == any("moving" in variable.name for variable in model.variables)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-4 * np.abs(other).max())


def test_frozen_statistics_stay() -> None:
    model = float_model()
    model.get_layer("conv0_bn").trainable = False
    before = model.get_layer("conv0_bn").moving_mean.numpy()
    expected = model(features(), training=True).numpy()
    np.testing.assert_allclose(in_parts(model, 3)(tf.constant(features())), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(model.get_layer("conv0_bn").moving_mean, before)


def config(step_parts: int) -> FitConfig:
    return settings(step_parts=step_parts, stream_share=0.5, input_format=frontend.input_format())


def losses(step_parts: int) -> list[float]:
    """Of some steps, of which a half hears a stream."""
    model, words = float_model(), np.arange(EXAMPLES) % CLASSES
    step = training_step(model, optimizer_of(model, config(step_parts), 8), config(step_parts))
    return [float(step(tf.constant(features()), tf.constant(words))) for _ in range(8)]


def test_a_training_in_parts_learns_as_the_whole_does() -> None:
    whole = losses(1)
    np.testing.assert_allclose(losses(3), whole, rtol=1e-4)
    assert losses(3) == losses(3)
    assert whole[-1] < whole[0]
