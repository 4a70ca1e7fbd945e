"""Float DS-CNN models in Keras, with batch normalization; `quant.fold` takes it from there."""

import tensorflow as tf

from kws.specs import DsCnnSpec

POOL = "pool"


def ds_cnn(spec: DsCnnSpec, input_shape: tuple[int, int, int], classes: int, seed: int) -> tf.keras.Model:
    """A float DS-CNN with batch normalization: [n, *input_shape] -> logits [n, classes].

    Args:
      seed: of the initial weights; one seed gives one model, bit for bit.
    """
    inputs = tf.keras.Input(input_shape, name="features")
    seeds = iter(range(seed * 1000, seed * 1000 + 1000))

    def initializer() -> tf.keras.initializers.Initializer:
        return tf.keras.initializers.HeNormal(seed=next(seeds))

    def normalized(x: tf.Tensor, layer: tf.keras.layers.Layer) -> tf.Tensor:
        x = tf.keras.layers.BatchNormalization(momentum=0.95, name=f"{layer.name}_bn")(layer(x))
        return tf.keras.layers.ReLU(name=f"{layer.name}_relu")(x)

    def convolution(name: str, kernel: tuple[int, int], stride: tuple[int, int]) -> tf.keras.layers.Layer:
        return tf.keras.layers.Conv2D(
            spec.channels, kernel, stride, "same", use_bias=False, kernel_initializer=initializer(), name=name
        )

    def depthwise(name: str, stride: tuple[int, int]) -> tf.keras.layers.Layer:
        return tf.keras.layers.DepthwiseConv2D(
            (3, 3), stride, "same", use_bias=False, depthwise_initializer=initializer(), name=name
        )

    x = normalized(inputs, convolution("conv0", spec.first_kernel, spec.stride))
    for i, stride in enumerate(spec.blocks, start=1):
        x = normalized(x, depthwise(f"depthwise{i}", stride))
        x = normalized(x, convolution(f"pointwise{i}", (1, 1), (1, 1)))
    x = tf.keras.layers.GlobalAveragePooling2D(name=POOL)(x)
    logits = tf.keras.layers.Dense(classes, kernel_initializer=initializer(), name="logits")(x)
    return tf.keras.Model(inputs, logits)


def with_word_head(model: tf.keras.Model, words: int, seed: int) -> tf.keras.Model:
    """`ds_cnn`'s layers with a second output: logits [n, words] of the spoken word, `_unknown_` ones apart.

    A head for training alone: it makes the features tell apart what one class lumps together.
    """
    initializer = tf.keras.initializers.HeNormal(seed=seed * 1000 + 999)
    head = tf.keras.layers.Dense(words, kernel_initializer=initializer, name="words")
    return tf.keras.Model(model.input, (model.output, head(model.get_layer(POOL).output)))
