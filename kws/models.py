"""DS-CNN models: "Hello Edge" S, M and L (Zhang et al. 2017, arXiv:1711.07128) and MLPerf Tiny's (Banbury et al. 2021).

All take features [49, 10, 1] and give logits, in float with batch normalization; `quant.fold` takes it from there.
"""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class DsCnnSpec:
    """A DS-CNN's architecture.

    Attributes:
      channels: of every convolution.
      stride: (vertical, horizontal) of the first convolution.
      blocks: (vertical, horizontal) stride of each depthwise separable block's 3x3 depthwise convolution.
      first_kernel: (height, width) of the first convolution.
    """

    channels: int
    stride: tuple[int, int]
    blocks: tuple[tuple[int, int], ...]
    first_kernel: tuple[int, int] = (10, 4)


SPECS = {
    "ds_cnn_mlperf": DsCnnSpec(64, (2, 2), ((1, 1),) * 4),
    "ds_cnn_s": DsCnnSpec(64, (2, 2), ((1, 1),) * 4),
    "ds_cnn_m": DsCnnSpec(172, (2, 1), ((2, 2), *((1, 1),) * 3)),
    "ds_cnn_l": DsCnnSpec(276, (2, 1), ((2, 2), *((1, 1),) * 4)),
}


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
    x = tf.keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = tf.keras.layers.Dense(classes, kernel_initializer=initializer(), name="logits")(x)
    return tf.keras.Model(inputs, logits)
