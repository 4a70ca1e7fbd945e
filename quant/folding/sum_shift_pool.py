"""Average pooling as the device computes it: a sum and a shift."""

from typing import Any

import tensorflow as tf


class SumShiftPool2D(tf.keras.layers.Layer):
    """`sum over all positions * 2**-shift`: float [n, height, width, channels] -> [n, channels].

    With 2**shift >= height * width this is the mean times height * width / 2**shift; `quant.fold` gives the inverse
    ratio to the next layer's kernel.
    """

    def __init__(self, shift: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift = shift

    def call(self, inputs: Any) -> Any:
        return tf.reduce_sum(inputs, axis=(1, 2)) * 2.0**-self.shift

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (input_shape[0], input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shift": self.shift}
