"""DS-CNN S, M and L of "Hello Edge" (arXiv:1711.07128), and MLPerf Tiny's (arXiv:2106.07597)."""

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class DsCnnSpec:
    """A DS-CNN's architecture; an `Architecture`.

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

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers with weights, in order."""
        blocks = range(1, len(self.blocks) + 1)
        return ("conv0", *(f"{kind}{i}" for i in blocks for kind in ("depthwise", "pointwise")), "logits")

    @property
    def embedding(self) -> str:
        """The layer that the logits' layer reads."""
        return "pool"

    def build(self, input_shape: tuple[int, int, int], classes: int, seed: int) -> "tf.keras.Model":
        """The float model with batch normalization: [n, *input_shape] -> logits [n, classes]."""
        import tensorflow as tf

        inputs = tf.keras.Input(input_shape, name="features")
        seeds = iter(range(seed * 1000, seed * 1000 + 1000))

        def initializer() -> tf.keras.initializers.Initializer:
            return tf.keras.initializers.HeNormal(seed=next(seeds))

        def normalized(x: tf.Tensor, layer: tf.keras.layers.Layer) -> tf.Tensor:
            x = tf.keras.layers.BatchNormalization(momentum=0.95, name=f"{layer.name}_bn")(layer(x))
            return tf.keras.layers.ReLU(name=f"{layer.name}_relu")(x)

        def convolution(name: str, kernel: tuple[int, int], stride: tuple[int, int]) -> tf.keras.layers.Layer:
            return tf.keras.layers.Conv2D(
                self.channels, kernel, stride, "same", use_bias=False, kernel_initializer=initializer(), name=name
            )

        def depthwise(name: str, stride: tuple[int, int]) -> tf.keras.layers.Layer:
            return tf.keras.layers.DepthwiseConv2D(
                (3, 3), stride, "same", use_bias=False, depthwise_initializer=initializer(), name=name
            )

        x = normalized(inputs, convolution("conv0", self.first_kernel, self.stride))
        for i, stride in enumerate(self.blocks, start=1):
            x = normalized(x, depthwise(f"depthwise{i}", stride))
            x = normalized(x, convolution(f"pointwise{i}", (1, 1), (1, 1)))
        x = tf.keras.layers.GlobalAveragePooling2D(name=self.embedding)(x)
        logits = tf.keras.layers.Dense(classes, kernel_initializer=initializer(), name="logits")(x)
        return tf.keras.Model(inputs, logits)


SPECS = {
    "ds_cnn_mlperf": DsCnnSpec(64, (2, 2), ((1, 1),) * 4),
    "ds_cnn_s": DsCnnSpec(64, (2, 2), ((1, 1),) * 4),
    "ds_cnn_m": DsCnnSpec(172, (2, 1), ((2, 2), *((1, 1),) * 3)),
    "ds_cnn_l": DsCnnSpec(276, (2, 1), ((2, 2), *((1, 1),) * 4)),
}
