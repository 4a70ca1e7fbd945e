"""Q-formats, and the one definition of rounding and saturation (NumPy and TensorFlow).

A tensor has b bits, f of them (any integer, also negative or above b) fraction bits:
`value = code * 2**-f`. No other scale exists anywhere in the project.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

MIN_BITS = 2
MAX_BITS = 8


@dataclasses.dataclass(frozen=True)
class QFormat:
    """A fixed-point number format.

    Attributes:
      bits: width of a code, 2..8.
      fraction_bits: f in `value = code * 2**-f`.
      signed: two's complement if true, else 0 .. 2**bits - 1.
      symmetric: a signed format without its most negative code (weights).

    Raises:
      ValueError: bits outside 2..8, or symmetric without signed.
    """

    bits: int
    fraction_bits: int
    signed: bool = True
    symmetric: bool = False

    def __post_init__(self) -> None:
        if not MIN_BITS <= self.bits <= MAX_BITS:
            raise ValueError(f"bits={self.bits}: a Q-format here has {MIN_BITS} to {MAX_BITS} bits")
        if self.symmetric and not self.signed:
            raise ValueError("an unsigned Q-format can't be symmetric")
        if not self.signed and self.bits == MAX_BITS:
            raise ValueError("bits=8 unsigned: codes are stored as int8, so unsigned formats have at most 7 bits")

    @property
    def max_code(self) -> int:
        return 2 ** (self.bits - 1) - 1 if self.signed else 2**self.bits - 1

    @property
    def min_code(self) -> int:
        if not self.signed:
            return 0
        return -self.max_code if self.symmetric else -self.max_code - 1

    @property
    def lsb(self) -> float:
        """The value of code 1, a power of two."""
        return 2.0**-self.fraction_bits

    @property
    def max_value(self) -> float:
        return self.max_code * self.lsb

    @property
    def min_value(self) -> float:
        return self.min_code * self.lsb

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}.f{self.fraction_bits}"


def weight_format(bits: int, fraction_bits: int) -> QFormat:
    """Weights: signed and symmetric, |code| <= 2**(bits - 1) - 1."""
    return QFormat(bits, fraction_bits, signed=True, symmetric=True)


def activation_format(bits: int, fraction_bits: int, relu: bool) -> QFormat:
    """Activations: signed without ReLU; after ReLU unsigned, 0 .. 2**bits - 1 for bits <= 7.

    8-bit activations after ReLU are 0 .. 127, an int8 tensor with a spare sign: the codes of 7 unsigned bits.
    """
    if not relu:
        return QFormat(bits, fraction_bits, signed=True)
    return QFormat(min(bits, MAX_BITS - 1), fraction_bits, signed=False)


def round_half_up_shift(accumulator: np.ndarray, shift: int) -> np.ndarray:
    """`(acc + 2**(shift - 1)) >> shift`, the single rounding of the fixed-point contract.

    Args:
      accumulator: integers of any shape, of a dtype wide enough for the sum.
      shift: >= 0; 0 returns the accumulator itself.
    """
    if shift < 0:
        raise ValueError(f"shift={shift}: requantization only shifts right; lower the output's fraction bits")
    if shift == 0:
        return accumulator
    return (accumulator + (1 << (shift - 1))) >> shift


def requantize_single(accumulator: np.ndarray, shift: int, output: QFormat) -> np.ndarray:
    """One shift with round half up, then saturation to `output`'s codes; int8 of the same shape."""
    rounded = round_half_up_shift(accumulator.astype(np.int64), shift)
    return np.clip(rounded, output.min_code, output.max_code).astype(np.int8)


def requantize_double(accumulator: np.ndarray, shift: int, output: QFormat) -> np.ndarray:
    """TensorFlow Lite Micro's requantization by 2**-shift, which rounds twice; int8 of the same shape.

    The multiplier is 2**30 in Q31 with a right shift of shift - 1: a saturating rounding doubling high multiply
    (half up, for either sign) halves the accumulator, then a rounding division by a power of two
    (half away from zero) does the rest. Source: gemmlowp's fixedpoint.h, as used by TFLM's kernels.
    """
    acc = accumulator.astype(np.int64)
    if shift < 0:
        raise ValueError(f"shift={shift}: requantization only shifts right; lower the output's fraction bits")
    if shift == 0:
        rounded = acc
    else:
        halved = (acc + 1) >> 1
        exponent = shift - 1
        mask = (1 << exponent) - 1
        threshold = (mask >> 1) + (halved < 0)
        rounded = (halved >> exponent) + ((halved & mask) > threshold)
    return np.clip(rounded, output.min_code, output.max_code).astype(np.int8)


def quantize(values: np.ndarray, q: QFormat) -> np.ndarray:
    """Codes of real values: round half up, saturate. int64 of the same shape."""
    scaled = np.asarray(values, np.float64) * 2.0**q.fraction_bits
    return np.clip(np.floor(scaled + 0.5), q.min_code, q.max_code).astype(np.int64)


def dequantize(codes: np.ndarray, q: QFormat) -> np.ndarray:
    """`code * 2**-f` as float32 (exact: codes have at most 8 bits)."""
    return np.asarray(codes, np.float32) * np.float32(q.lsb)


def fake_quantize(values: Any, q: QFormat) -> Any:
    """The values on `q`'s grid nearest to `values` (round half up, saturate), as a TensorFlow tensor.

    Forward: `clip(floor(x * 2**f + 1/2), min, max) * 2**-f`, the same integers as `quantize`.
    Pseudo-gradient: straight through inside the representable range (half an LSB beyond the outer codes
    included), zero where the value saturates.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def straight_through(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        codes = clipped(tf.floor(x * 2.0**q.fraction_bits + 0.5), q.min_code, q.max_code)

        def gradient(upstream: Any) -> Any:
            return passed_within(upstream, x, (q.min_code - 0.5) * q.lsb, (q.max_code + 0.5) * q.lsb)

        return codes * q.lsb, gradient

    return straight_through(values)


def clipped(values: Any, lowest: float, highest: float) -> Any:
    """`tf.clip_by_value` in one operation: kernels are so small that training them costs operations, not arithmetic."""
    import tensorflow as tf

    return tf.raw_ops.ClipByValue(t=values, clip_value_min=float(lowest), clip_value_max=float(highest))


def passed_within(upstream: Any, values: Any, lowest: float, highest: float) -> Any:
    """The gradient `upstream` where `lowest <= values <= highest`, else zero, in one pass over memory.

    Args:
      upstream, values: float32 of one shape.
    """
    import tensorflow as tf

    # It is the gradient of another quantizer, which looks at these bounds and at nothing else.
    return tf.raw_ops.QuantizeAndDequantizeV4Grad(
        gradients=upstream, input=values, input_min=float(lowest), input_max=float(highest)
    )[0]


def fake_quantize_sums(values: Any, q: QFormat) -> Any:
    """`fake_quantize` in one pass over memory, for what an accumulator holds: values on a grid finer than `q`'s.

    It is TensorFlow's own fake quantization, whose `floor((x - min) / lsb + 1/2) * lsb + min` is exact where `x - min`
    is: for saturated values on a grid of at most 2**24 points in `q`'s range. A real-valued weight lies on no grid and
    may be off by one code at a tie.

    Forward: `fake_quantize`'s.
    Pseudo-gradient: straight through from the smallest to the largest value of `q`, zero outside.

    Args:
      values: float32 of any shape.
    """
    import tensorflow as tf

    return tf.quantization.fake_quant_with_min_max_args(values, q.min_value, q.max_value, q.bits, q.symmetric)
