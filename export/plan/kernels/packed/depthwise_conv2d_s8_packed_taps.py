"""Depthwise 3x3 convolution on int8 whose sums are narrow: a code times three weights adds to three output rows."""

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.packed import panels
from export.plan.layout import S8

_WORDS = 5
_LANE_BITS = (10, 11)


def _least(layer: Layer) -> np.ndarray:
    """The magnitude of the least that a row of weights adds to a sum, int64 [rows, channels]."""
    return -np.minimum(layer.kernel.astype(np.int64), 0).sum(axis=1) * layer.input_format.max_code


def _spans(layer: Layer) -> np.ndarray:
    """From the least to the greatest that a row of weights adds to a sum, int64 [rows, channels]."""
    return np.abs(layer.kernel.astype(np.int64)).sum(axis=1) * layer.input_format.max_code


def _fits(layer: Layer, bits: int) -> bool:
    spans = _spans(layer)
    return bool(spans.sum(axis=0).max() < 1 << bits and spans[0].max() < 1 << (32 - 2 * bits))


def lane_bits(layer: Layer) -> int:
    """Bits of the two lower lanes; 0 where no width holds what all lanes may come to."""
    return next((bits for bits in _LANE_BITS if _fits(layer, bits)), 0)


def refusal(layer: Layer) -> str:
    """Why the loop can't run a layer; empty where the proof allows it."""
    if reason := panels.refusal(layer):
        return reason
    if layer.stride != (1, 1):
        return f"stride {layer.stride}, not 1"
    if layer.input_format.min_code < 0:
        return f"input {layer.input_format}, not unsigned"
    if not lane_bits(layer):
        spans = _spans(layer)
        return f"sums span {spans.sum(axis=0).max()}, those of the first row {spans[0].max()}: no three lanes hold them"
    return ""


def _proof(layer: Layer) -> str:
    bits, spans = lane_bits(layer), _spans(layer)
    return f"{spans.sum(axis=0).max()} fits {bits} bits, {spans[0].max()} of the first row {32 - 2 * bits}"


def _constants(layer: Layer) -> dict[str, Constant]:
    bits, kernel, least = lane_bits(layer), layer.kernel.astype(np.int64), _least(layer)
    columns = kernel[2] + (kernel[1] << bits) + (kernel[0] << 2 * bits)
    begin = least[2] + (least[1] << bits) + (least[0] << 2 * bits)
    bias = panels.bias(layer) - least.sum(axis=0)
    values = panels.words(np.stack([*columns, begin, bias], axis=1))
    return {"weights": Constant(values, f"[channel]{{[column] of rows 2, 1, 0 by 2^{bits}, begin, bias}}")}


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    return channels * width * (15 * height + 45) + 1.6 * panels.copies(layer)


def _scratch_bytes(layer: Layer) -> int:
    height, width = panels.padded(layer, layer.output_shape[0])
    return 4 * height * width


KERNEL = Kernel(
    "fxp_depthwise_conv2d_s8_packed_taps",
    DEPTHWISE_CONV2D,
    S8,
    S8,
    args=lambda layer: panels.args(layer, 0, _WORDS),
    constants=_constants,
    instances=lambda layer: {
        "loop": Instance(
            "packed",
            "FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS",
            (lane_bits(layer), layer.shift, *panels.saturation(layer)),
        ),
    },
    instructions=_instructions,
    refusal=refusal,
    proof=_proof,
    in_place=panels.in_place,
    scratch_bytes=_scratch_bytes,
)
