"""Kernels for Armv7E-M's DSP extension on int16 activations: two products per instruction."""

import numpy as np

from export.integer_model import CONV2D, Layer
from export.kernel_plan import scale
from export.kernel_plan.kernel import Constant, Instance, Kernel
from export.kernel_plan.layout import S16, padded
from export.kernel_plan.portable import not_pointwise

STEP = 4
"""Products per position and output channel in one step of the pair kernel; a step's code takes 40 bytes."""
MAX_STEPS = 128
_CONV_ORDER = [0, 2, 1, 3]
"""Codes of a step after SXTB16 of four bytes: bytes 0 and 2, then 1 and 3."""
_STREAM = "[output channel pair]{2 biases, [step]{2 channels' products 0 and 1, 2 channels' products 2 and 3}}"


def _words(codes: np.ndarray) -> np.ndarray:
    """Little-endian words, uint32 [..., n / 2], of codes that fit int16, [..., n]."""
    halves = codes.astype(np.int64) & 0xFFFF
    return (halves[..., 0::2] | halves[..., 1::2] << 16).astype(np.uint32)


def pair_stream(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Weights in the order in which FXP_PAIR_PRODUCTS walks them.

    Args:
      weights: [output channels, products], both multiples of 4; codes fit int16.
      bias: [output channels], int32 codes.

    Returns:
      uint32 [words].
    """
    channels, products = weights.shape
    words = _words(weights).reshape(channels // 2, 2, products // STEP, 2)
    steps = words.transpose(0, 2, 3, 1).reshape(channels // 2, -1)
    biases = (bias & 0xFFFFFFFF).astype(np.uint32).reshape(-1, 2)
    return np.concatenate([biases, steps], axis=1).ravel()


def _pair_instance(layer: Layer, steps: int) -> Instance:
    shift = scale.scaled(layer).shift
    saturate, bits = scale.saturation(layer)
    name = f"pair_products_{steps}_{shift}_{saturate}{bits}"
    return Instance(name, "fxp_pair_products.h", "FXP_PAIR_PRODUCTS", (steps, shift, saturate, bits))


def _padded_matrix(weights: np.ndarray, bias: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Zero rows and columns up to whole blocks: weights [outputs, products], bias [outputs]."""
    outputs = padded(len(bias))
    matrix = np.zeros((outputs, depth), np.int64)
    matrix[: weights.shape[0], : weights.shape[1]] = weights
    return matrix, np.concatenate([bias, np.zeros(outputs - len(bias), np.int64)])


def _pair_refusal(layer: Layer, steps: int) -> str:
    if steps > MAX_STEPS:
        return f"{steps * STEP} products per output, the unrolled loop takes {MAX_STEPS * STEP}"
    return scale.refusal(layer) or scale.saturation_refusal(layer)


def _pair_instructions(layer: Layer, steps: int, per_position: float) -> float:
    height, width, channels = layer.output_shape
    pairs = -(-height * width // 2)
    return pairs * (padded(channels) // 2 * (10 * steps + 14) + 2 * per_position)


def _pointwise_steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def _pointwise_refusal(layer: Layer) -> str:
    return not_pointwise(layer) or _pair_refusal(layer, _pointwise_steps(layer))


def _pointwise_constants(layer: Layer) -> dict[str, Constant]:
    scaled = scale.scaled(layer)
    weights, bias = _padded_matrix(scaled.weights[0, 0].T, scaled.bias, padded(layer.input_shape[2]))
    return {"weights": Constant(pair_stream(weights, bias), _STREAM)}


def _pointwise_args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    return dict(
        positions=height * width,
        input_words=padded(layer.input_shape[2]) // 2,
        output_words=padded(channels) // 2,
        weights_words=padded(channels) // 2 * (2 + 4 * _pointwise_steps(layer)),
    )


POINTWISE = Kernel(
    "fxp_pointwise_conv2d_s16",
    CONV2D,
    S16,
    S16,
    args=_pointwise_args,
    constants=_pointwise_constants,
    instances=lambda layer: {"products": _pair_instance(layer, _pointwise_steps(layer))},
    instructions=lambda layer: _pair_instructions(layer, _pointwise_steps(layer), 40),
    refusal=_pointwise_refusal,
    in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
    scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]),
)

FAST_KERNELS = (POINTWISE,)
