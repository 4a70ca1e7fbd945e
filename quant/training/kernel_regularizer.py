"""The Keras regularizer of a kernel that is trained in fixed point, bound to its quantizer's grid."""

from typing import Any

import tensorflow as tf

from quant.training import cosine_regularization, squashing
from quant.training.quantizers import KernelQuantizer


class KernelRegularizer(tf.keras.regularizers.Regularizer):
    """`cosine * ramp * cosine.penalty(weights) + deviation * squash.deviation_penalty(variable)`.

    Attributes:
      quantizer: the kernel's; its grid is the regularizer's, and it turns the variable into weights.
      cosine: lambda of the absolute cosine regularization at full ramp.
      deviation: strength of the pull on the squashed variable's standard deviation.
      ramp: a variable from 0 to 1 that training raises late, so that weights choose their code before they are held.
    """

    def __init__(self, quantizer: KernelQuantizer, cosine: float = 0.0, deviation: float = 0.0) -> None:
        self.quantizer = quantizer
        self.cosine = cosine
        self.deviation = deviation
        self.ramp = tf.Variable(1.0, trainable=False, name="cosine_ramp")

    def __call__(self, variable: Any) -> Any:
        loss = tf.constant(0.0)
        if self.cosine:
            weights = self.quantizer.weights_of(variable)
            loss += self.cosine * self.ramp * cosine_regularization.penalty(weights, self.quantizer.q)
        if self.deviation:
            loss += self.deviation * squashing.deviation_penalty(variable)
        return loss

    def get_config(self) -> dict[str, Any]:
        return {"quantizer": self.quantizer.get_config(), "cosine": self.cosine, "deviation": self.deviation}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KernelRegularizer":
        return cls(KernelQuantizer.from_config(config["quantizer"]), config["cosine"], config["deviation"])
