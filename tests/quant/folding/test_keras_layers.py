"""What of Keras folds to the same function, and what is refused by the name of its layer and attribute.

Layers begin with zeros: an unseeded draw after another test's `set_random_seed` fails.
"""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

import quant
from quant.folding import keras_chain
from quant.folding.layers import SAME, VALID, WeightedLayer

Layers = tf.keras.layers
SHAPE = (11, 6, 2)
Made = list[tf.keras.layers.Layer]


def model_of(layers: Made, shape: tuple[int, int, int] = SHAPE) -> tf.keras.Model:
    x = inputs = tf.keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return tf.keras.Model(inputs, x)


def conv(filters: int = 4, window: tuple[int, int] = (3, 3), **settings: object) -> tf.keras.layers.Layer:
    return Layers.Conv2D(filters, window, **{"padding": "same", "kernel_initializer": "zeros", **settings})


def depthwise(window: tuple[int, int] = (3, 3), **settings: object) -> tf.keras.layers.Layer:
    return Layers.DepthwiseConv2D(window, **{"padding": "same", "depthwise_initializer": "zeros", **settings})


def dense(units: int = 3, **settings: object) -> tf.keras.layers.Layer:
    return Layers.Dense(units, kernel_initializer="zeros", **settings)


def head() -> Made:
    return [Layers.GlobalAveragePooling2D(), dense()]


def lived_in(model: tf.keras.Model, seed: int = 0) -> tf.keras.Model:
    """The model with random weights and batch statistics."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        values = rng.normal(0, 0.4, variable.shape)
        if any(name in variable.name for name in ("gamma", "variance")):
            values = np.abs(values) + 0.3
        variable.assign(values)
    return model


def largest_difference(model: tf.keras.Model) -> float:
    """Between a model and its folded network on random inputs, relative to the largest output."""
    shape = model.input_shape[1:]
    features = np.random.default_rng(1).normal(0, 1, (5, *shape)).astype(np.float32)
    expected = model(features, training=False).numpy()
    found = quant.float_model(quant.fold(model), shape)(features).numpy()
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0
    return float(np.abs(found - expected).max() / np.abs(expected).max())


FOLDED: dict[str, Callable[[], Made]] = {
    "bias, no activation": lambda: [conv(), *head()],
    "no bias": lambda: [conv(use_bias=False), *head()],
    "activation=relu": lambda: [conv(activation="relu"), *head()],
    "activation=tf.nn.relu": lambda: [conv(activation=tf.nn.relu), *head()],
    "activation=ReLU()": lambda: [conv(activation=Layers.ReLU()), *head()],
    "Activation('relu')": lambda: [conv(), Layers.Activation("relu"), *head()],
    "Activation('linear')": lambda: [conv(), Layers.Activation("linear"), *head()],
    "ReLU twice": lambda: [conv(activation="relu"), Layers.ReLU(), *head()],
    "batch normalization": lambda: [conv(), Layers.BatchNormalization(), Layers.ReLU(), *head()],
    "scale=False": lambda: [conv(), Layers.BatchNormalization(scale=False), Layers.ReLU(), *head()],
    "center=False": lambda: [conv(), Layers.BatchNormalization(center=False), Layers.ReLU(), *head()],
    "neither": lambda: [conv(), Layers.BatchNormalization(center=False, scale=False), Layers.ReLU(), *head()],
    "batch normalization twice": lambda: [conv(), Layers.BatchNormalization(), Layers.BatchNormalization(), *head()],
    "batch normalization of depthwise": lambda: [depthwise(), Layers.BatchNormalization(), Layers.ReLU(), *head()],
    "batch normalization of dense": lambda: [conv(), *head(), Layers.BatchNormalization(scale=False)],
    "padding=valid": lambda: [conv(padding="valid", activation="relu"), *head()],
    "padding=valid, strided": lambda: [conv(window=(4, 3), padding="valid", strides=(2, 1)), *head()],
    "padding=valid to one position": lambda: [conv(window=(11, 6), padding="valid"), *head()],
    "depthwise, padding=valid": lambda: [conv(), depthwise(padding="valid"), *head()],
    "depthwise, strided": lambda: [conv(), Layers.ReLU(), depthwise(strides=(2, 2)), *head()],
    "even window, strided": lambda: [conv(window=(4, 2), strides=(2, 3)), *head()],
    "training only": lambda: [
        Layers.GaussianNoise(0.5),
        conv(),
        Layers.SpatialDropout2D(0.5),
        Layers.GaussianDropout(0.5),
        Layers.GlobalAveragePooling2D(),
        Layers.Dropout(0.5),
        dense(),
    ],
    "two dense layers": lambda: [*head(), Layers.ReLU(), dense(5)],
}


@pytest.mark.parametrize("name", FOLDED)
def test_a_folded_model_is_the_same_function(name: str) -> None:
    assert largest_difference(lived_in(model_of(FOLDED[name]()))) < 1e-5


def random_chain(rng: np.random.Generator) -> Made:
    """Convolutions of every kind that folds, each with some of what may stand behind it."""
    layers = []
    for _ in range(rng.integers(1, 4)):
        settings = {
            "padding": str(rng.choice(["same", "valid"])),
            "use_bias": bool(rng.integers(2)),
            "activation": str(rng.choice(["linear", "relu"], p=[0.8, 0.2])),
        }
        window = tuple(int(size) for size in rng.integers(1, 4, 2))
        if rng.integers(2):
            stride = tuple(int(step) for step in rng.integers(1, 3, 2))
            layers.append(conv(int(rng.integers(1, 5)), window, strides=stride, **settings))
        else:
            layers.append(depthwise(window, **settings))
        if settings["activation"] == "linear" and rng.integers(2):
            center, scale = (bool(chosen) for chosen in rng.integers(0, 2, 2))
            layers.append(Layers.BatchNormalization(center=center, scale=scale))
        if rng.integers(2):
            layers.append([Layers.ReLU(), Layers.Activation("relu"), Layers.Dropout(0.3)][rng.integers(3)])
    return [*layers, *head()]


@pytest.mark.parametrize("seed", range(20))
def test_a_random_chain_is_the_same_function(seed: int) -> None:
    model = model_of(random_chain(np.random.default_rng(seed)), (19, 15, 2))
    assert largest_difference(lived_in(model, seed)) < 1e-5


def test_a_sequential_model_folds_too() -> None:
    model = tf.keras.Sequential([tf.keras.Input(SHAPE), conv(), Layers.BatchNormalization(), Layers.ReLU(), *head()])
    assert largest_difference(lived_in(model)) < 1e-5


class Doubled(tf.keras.layers.Conv2D):
    """A user's own layer."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return 2 * super().call(inputs)


def relu(x: tf.Tensor) -> tf.Tensor:
    """A user's own function."""
    return tf.nn.relu(x - 1)


REFUSED: dict[str, tuple[Callable[[], Made], str]] = {
    "max_value": (lambda: [conv(), Layers.ReLU(6.0, name="r")], r"layer r: max_value=6.0, expected None"),
    "negative_slope": (
        lambda: [conv(), Layers.ReLU(negative_slope=0.3, name="r")],
        r"r: negative_slope=0.3, expected 0",
    ),
    "threshold": (lambda: [conv(), Layers.ReLU(threshold=0.2, name="r")], r"layer r: threshold=0.2"),
    "LeakyReLU": (
        lambda: [conv(), Layers.LeakyReLU(name="r")],
        r"layer r: LeakyReLU can't be folded, expected Conv2D, Dep",
    ),
    "relu6": (lambda: [conv(activation=tf.nn.relu6, name="c")], r"layer c: activation='relu6', expected 'relu' or"),
    "own relu": (lambda: [conv(activation=relu, name="c")], r"layer c: activation='relu', expected"),
    "ReLU(6)": (lambda: [conv(activation=Layers.ReLU(6.0), name="c")], r"layer c: max_value=6.0"),
    "Activation": (lambda: [conv(), Layers.Activation("tanh", name="t")], r"layer t: activation='tanh'"),
    "softmax": (lambda: [*head()[:1], dense(activation="softmax", name="d")], r"layer d: activation='softm"),
    "dilation_rate": (
        lambda: [conv(dilation_rate=(2, 1), name="c")],
        r"layer c: dilation_rate=\(2, 1\), expected \(1, ",
    ),
    "depthwise dilation": (lambda: [depthwise(dilation_rate=2, name="c")], r"layer c: dilation_rate=\(2, 2\)"),
    "groups": (lambda: [conv(groups=2, name="c")], r"layer c: groups=2, expected 1"),
    "depth_multiplier": (lambda: [depthwise(depth_multiplier=2, name="c")], r"layer c: depth_multiplier=2, expected 1"),
    "keepdims": (lambda: [Layers.GlobalAveragePooling2D(keepdims=True, name="p")], r"layer p: keepdims=True"),
    "axis": (lambda: [conv(), Layers.BatchNormalization(axis=1, name="n")], r"layer n: axis=\[1\], expected"),
    "BN after ReLU": (
        lambda: [conv(), Layers.ReLU(), Layers.BatchNormalization(name="n")],
        r"layer n: batch normalization must follow",
    ),
    "BN first": (lambda: [Layers.BatchNormalization(name="n"), conv()], r"layer n: batch normalization must follow"),
    "BN of a mean": (
        lambda: [Layers.GlobalAveragePooling2D(), Layers.BatchNormalization(name="n"), dense()],
        r"layer n: batch normalization must follow",
    ),
    "ReLU first": (lambda: [Layers.ReLU(name="r"), conv()], r"layer r: ReLU must follow a layer with weights"),
    "ReLU of a mean": (
        lambda: [conv(), Layers.GlobalAveragePooling2D(), Layers.ReLU(name="r"), dense()],
        r"layer r: ReLU must follow a layer with weights",
    ),
    "mean at the end": (
        lambda: [conv(), Layers.GlobalAveragePooling2D(name="p")],
        r"layer p: average pooling must be followed by a dense layer",
    ),
    "dense on positions": (
        lambda: [conv(), dense(name="d")],
        r"layer d: Dense on \(11, 6, 4\), expected",
    ),
    "Flatten": (lambda: [conv(), Layers.Flatten(name="f"), dense()], r"layer f: Flatten can't be folded"),
    "MaxPooling2D": (lambda: [conv(), Layers.MaxPooling2D(name="m")], r"layer m: MaxPooling2D can't be folded"),
    "SeparableConv2D": (
        lambda: [Layers.SeparableConv2D(4, 3, depthwise_initializer="zeros", pointwise_initializer="zeros", name="s")],
        r"layer s: SeparableConv2D can't be folded",
    ),
    "nested": (
        lambda: [tf.keras.Sequential([conv()], name="inner"), *head()],
        r"layer inner: Sequential can't be folded",
    ),
    "own layer": (
        lambda: [Doubled(4, 3, kernel_initializer="zeros", name="own")],
        r"layer own: Doubled of \w+ can't be folded, only Keras' own",
    ),
    "nothing": (lambda: [Layers.Dropout(0.1)], r"no layer with weights"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_refused_by_name(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(quant.FoldError, match=message) as refused:
        quant.fold(model_of(make()))
    assert isinstance(refused.value, ValueError)
    assert refused.value.user_can_mend


def test_channels_first_is_refused() -> None:
    model = model_of([conv(data_format="channels_first", name="c")])
    with pytest.raises(quant.FoldError, match="layer c: data_format='channels_first', expected 'channels_last'"):
        quant.fold(model)


def test_a_model_that_is_no_chain_is_refused() -> None:
    inputs = tf.keras.Input(SHAPE)
    shared = conv(2, name="shared")
    with pytest.raises(quant.FoldError, match="layer shared: used twice"):
        quant.fold(tf.keras.Model(inputs, shared(shared(inputs))))
    x = conv(2)(inputs)
    with pytest.raises(quant.FoldError, match="layer sum: 2 inputs, expected one"):
        quant.fold(tf.keras.Model(inputs, Layers.Add(name="sum")([x, inputs])))
    with pytest.raises(quant.FoldError, match=r"model heads: 2 outputs, expected one: tf.keras.Model\(input, output\)"):
        quant.fold(tf.keras.Model(inputs, [conv()(x), conv()(x)], name="heads"))
    with pytest.raises(quant.FoldError, match="model ears: 2 inputs"):
        quant.fold(tf.keras.Model([inputs, tf.keras.Input(SHAPE)], x, name="ears"))


def test_an_output_inside_a_model_folds_what_leads_to_it() -> None:
    inputs = tf.keras.Input(SHAPE)
    x = conv(name="used")(inputs)
    conv(name="unused")(x)
    assert [layer.name for layer in quant.fold(tf.keras.Model(inputs, x))] == ["used"]


def test_a_model_without_a_shape_is_refused() -> None:
    with pytest.raises(quant.FoldError, match="model unbuilt: it has no inputs yet"):
        quant.fold(tf.keras.Sequential([conv()], name="unbuilt"))
    inputs = tf.keras.Input((None, 6, 2))
    with pytest.raises(quant.FoldError, match=r"input shape \(None, 6, 2\), expected \(height, width, channels\)"):
        quant.fold(tf.keras.Model(inputs, conv()(inputs)))
    flat = tf.keras.Input((10,))
    with pytest.raises(quant.FoldError, match=r"input shape \(10,\), expected \(height, width, channels\)"):
        quant.fold(tf.keras.Model(flat, dense()(flat)))


def test_a_layer_called_in_training_mode_is_refused() -> None:
    inputs = tf.keras.Input(SHAPE)
    x = Layers.Dropout(0.5, name="always")(conv()(inputs), training=True)
    with pytest.raises(quant.FoldError, match="layer always: called with training=True"):
        quant.fold(tf.keras.Model(inputs, x))


def test_weights_that_are_not_finite_are_refused() -> None:
    model = model_of([conv(), Layers.BatchNormalization(name="n"), *head()])
    model.get_layer("n").beta.assign([0, np.nan, 0, 0])
    with pytest.raises(quant.FoldError, match=r"layer conv2d\w*: its folded weights hold NaN or infinity"):
        quant.fold(model)


def test_names_become_identifiers() -> None:
    names = ["conv.a-b", "conv/a.b", "1x1", "features", "input_quantizer"]
    model = lived_in(model_of([conv(name=name) for name in names]))
    found = ["conv_a_b", "conv_a_b_1", "layer_1x1", "features_1", "input_quantizer_1"]
    assert [layer.name for layer in quant.fold(model)] == found
    assert largest_difference(model) < 1e-5


def test_an_identifier_stays_as_it_is() -> None:
    assert keras_chain.identifier("conv0", {"conv1"}) == "conv0"
    assert keras_chain.identifier("a", {"a", "a_1"}) == "a_2"


def test_a_layer_keeps_its_window() -> None:
    first, second = quant.fold(model_of([conv(strides=(2, 1)), conv(padding="valid", activation="relu")]))
    assert isinstance(first, WeightedLayer) and isinstance(second, WeightedLayer)
    assert (first.stride, first.padding, first.relu) == ((2, 1), SAME, False)
    assert (second.stride, second.padding, second.relu) == ((1, 1), VALID, True)
