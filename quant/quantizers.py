"""tfmot `Quantizer`s in fixed point.

Each documents its forward pass, its pseudo-gradient and its precision, and serializes through `get_config`.
"""

from typing import Any

import tensorflow as tf
import tensorflow_model_optimization as tfmot

from quant import qformat
from quant.qformat import QFormat

BIAS_BITS = 32


class FixedPointQuantizer(tfmot.quantization.keras.quantizers.Quantizer):
    """Rounds a tensor of any shape to a Q-format fixed before training.

    Forward: `clip(floor(x * 2**f + 1/2), min_code, max_code) * 2**-f`.
    Pseudo-gradient: 1 inside the representable range, 0 where the value saturates.
    Precision: the Q-format's bits.
    """

    def __init__(self, q: QFormat) -> None:
        self.q = q

    @property
    def precision(self) -> int:
        return self.q.bits

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: Any = None, weights: Any = None, **kwargs: Any) -> Any:
        return qformat.fake_quantize(inputs, self.q)

    def get_config(self) -> dict[str, Any]:
        q = self.q
        return {"bits": q.bits, "fraction_bits": q.fraction_bits, "signed": q.signed, "symmetric": q.symmetric}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FixedPointQuantizer":
        return cls(QFormat(**config))


class BiasQuantizer(tfmot.quantization.keras.quantizers.Quantizer):
    """Rounds biases to the accumulator's grid 2**-f, f = f_w + f_x, where they are added as int32.

    Forward: `floor(b * 2**f + 1/2) * 2**-f` (float32 holds codes up to 2**24 exactly; a bias beyond that
    would be far outside any useful accumulator, and export refuses it).
    Pseudo-gradient: 1.
    Precision: 32.
    """

    precision = BIAS_BITS

    def __init__(self, fraction_bits: int) -> None:
        self.fraction_bits = fraction_bits

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: Any = None, weights: Any = None, **kwargs: Any) -> Any:
        scale = 2.0**self.fraction_bits
        return tf.grad_pass_through(lambda b: tf.floor(b * scale + 0.5) / scale)(inputs)

    def get_config(self) -> dict[str, Any]:
        return {"fraction_bits": self.fraction_bits}
