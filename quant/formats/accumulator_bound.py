"""What a declared accumulator width leaves for a layer's codes, so that no input can make a sum leave it.

Per output channel, with x_max the largest input code and A the declared width:

    sum|w_code| * x_max + |bias_code| + half <= 2**(A - 1) - 1

A share of the range is set aside for the bias, which is clipped to it; the rest bounds the L1 norm of the channel's
codes. Source: Colbert et al., "A2Q: Accumulator-Aware Quantization with Guaranteed Overflow Avoidance", ICCV 2023.
"""

import dataclasses

import numpy as np

from quant.qformat import QFormat

# Share of the accumulator's range that belongs to the bias.
BIAS_SHARE = 0.125


@dataclasses.dataclass(frozen=True)
class AccumulatorBound:
    """What a declared width leaves for one layer.

    Attributes:
      bits: A, the declared width.
      code_sum: largest allowed sum of |w_code| of an output channel.
      bias_code: largest allowed |bias_code|.
    """

    bits: int
    code_sum: int
    bias_code: int


def bound(bits: int, x: QFormat, shift: int) -> AccumulatorBound:
    """The bound of a layer with input format `x` and this requantization shift.

    Raises:
      ValueError: the width can't hold even one product of the smallest weight.
    """
    limit = 2 ** (bits - 1) - 1
    bias_code = int(limit * BIAS_SHARE)
    half = (1 << shift) >> 1
    peak = max(abs(x.min_code), x.max_code)
    code_sum = (limit - bias_code - half) // peak
    if code_sum < 1:
        raise ValueError(f"accumulator_bits={bits} can't hold one product with inputs of {x}: declare more bits")
    return AccumulatorBound(bits, code_sum, bias_code)


def fraction_bits_within(kernel: np.ndarray, q: QFormat, code_sum: int) -> int:
    """The finest fraction bits, at most `q`'s, at which nine tenths of the channels keep the bound unscaled.

    Args:
      kernel: float [..., out], also for depthwise ([kh, kw, channels]).
    """
    lengths = np.abs(np.clip(kernel, q.min_value, q.max_value)).reshape(-1, kernel.shape[-1]).sum(axis=0)
    typical = float(np.quantile(lengths, 0.9))
    if typical == 0.0:
        return q.fraction_bits
    return min(q.fraction_bits, int(np.floor(np.log2(code_sum / typical))))
