"""tfmot `Quantizer`s in fixed point.

Each documents its forward pass, its pseudo-gradient and its precision, and serializes through `get_config`.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from quant import qformat
from quant.optimization_toolkit import tfmot
from quant.qformat import QFormat
from quant.training import bounded_kernels, squashing

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
        return qformat.fake_quantize_sums(inputs, self.q)

    def get_config(self) -> dict[str, Any]:
        q = self.q
        return {"bits": q.bits, "fraction_bits": q.fraction_bits, "signed": q.signed, "symmetric": q.symmetric}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FixedPointQuantizer":
        return cls(QFormat(**config))


class KernelQuantizer(FixedPointQuantizer):
    """Rounds a kernel, squashed before that or not, bounded for its accumulator or not.

    Forward: `w = s * tanh(P)` if squashed, else P; then rounding to the Q-format, within the bound if there is one.
    Pseudo-gradient: straight through rounding and bound inside the representable range, times tanh's own slope.
    Precision: the Q-format's bits.

    Attributes:
      squashed: whether the variable is P of `quant.training.squashing`.
      code_sum: largest sum of |code| of an output channel (see `quant.formats.accumulator_bound`), None without bound.
    """

    def __init__(self, q: QFormat, squashed: bool = False, code_sum: int | None = None) -> None:
        super().__init__(q)
        self.squashed = squashed
        self.code_sum = code_sum

    def weights_of(self, variable: Any) -> Any:
        """The real-valued weights before rounding, of the trained variable."""
        return squashing.squash(variable, squashing.scale(self.q)) if self.squashed else variable

    def variable_of(self, weights: np.ndarray) -> np.ndarray:
        """The trained variable that gives these weights."""
        return squashing.unsquash(weights, self.q) if self.squashed else weights

    def __call__(self, inputs: Any, training: Any = None, weights: Any = None, **kwargs: Any) -> Any:
        real = self.weights_of(inputs)
        if self.code_sum is None:
            return qformat.fake_quantize(real, self.q)
        return bounded_kernels.bounded_fake_quantize(real, self.q, self.code_sum)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "squashed": self.squashed, "code_sum": self.code_sum}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KernelQuantizer":
        own = {name: config[name] for name in ("squashed", "code_sum")}
        return cls(QFormat(**{name: value for name, value in config.items() if name not in own}), **own)


class BiasQuantizer(tfmot.quantization.keras.quantizers.Quantizer):
    """Rounds biases to the accumulator's grid 2**-f, f = f_w + f_x, where they are added as int32.

    Forward: `floor(b * 2**f + 1/2) * 2**-f`, clipped to the largest code if there is one (float32 holds codes up to
    2**24 exactly; a bias beyond that would be far outside any useful accumulator, and export refuses it).
    Pseudo-gradient: 1.
    Precision: 32.

    Attributes:
      fraction_bits: f.
      largest_code: of either sign (see `quant.formats.accumulator_bound`); None without a bound.
    """

    precision = BIAS_BITS

    def __init__(self, fraction_bits: int, largest_code: int | None = None) -> None:
        self.fraction_bits = fraction_bits
        self.largest_code = largest_code

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        return {}

    def __call__(self, inputs: Any, training: Any = None, weights: Any = None, **kwargs: Any) -> Any:
        return tf.grad_pass_through(self._round)(inputs)

    def _round(self, bias: Any) -> Any:
        scale = 2.0**self.fraction_bits
        codes = tf.floor(bias * scale + 0.5)
        if self.largest_code is not None:
            codes = qformat.clipped(codes, -self.largest_code, self.largest_code)
        return codes / scale

    def get_config(self) -> dict[str, Any]:
        return {"fraction_bits": self.fraction_bits, "largest_code": self.largest_code}
