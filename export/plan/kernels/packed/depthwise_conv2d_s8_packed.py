"""Depthwise 3x3 convolution on int8: two output rows in one 32-bit multiplication where their sums fit 16 bits."""

import dataclasses
from collections.abc import Callable

import numpy as np

from export.model import accumulator
from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.packed import panels
from export.plan.layout import S8

_WORDS = 10
_BITS = 16


@dataclasses.dataclass(frozen=True)
class DepthwiseLoop:
    """One kind of inner loop.

    Attributes:
      macro: of its function.
      refusal: why it can't run a layer, beside its shape; empty where it can.
      begin: what a channel's sums begin with, from its biases int64 [channels].
      proof: what was proved of its sums.
      lanes: output rows in a word.
      pair_cost: instructions of a Cortex-M3 for two output rows.
      code_cost: the same for copying a code to the panel.
    """

    macro: str
    refusal: Callable[[Layer], str]
    begin: Callable[[np.ndarray], np.ndarray]
    proof: Callable[[Layer], str]
    lanes: int
    pair_cost: float
    code_cost: float


def _sums_refusal(layer: Layer) -> str:
    low, high = accumulator.bounds(layer)
    if low.min() < -(1 << (_BITS - 1)) or high.max() >= 1 << (_BITS - 1):
        return f"sums {low.min()} .. {high.max()} don't fit {_BITS} bits"
    return "" if layer.shift + _BITS <= 31 else f"shift {layer.shift} is more than {31 - _BITS}"


def _sums_proof(layer: Layer) -> str:
    low, high = accumulator.bounds(layer)
    return f"{low.min()} .. {high.max()} fits {_BITS} bits"


LANES = DepthwiseLoop(
    "FXP_DEPTHWISE_LOOP_S8_PACKED_LANES",
    _sums_refusal,
    lambda bias: bias + (bias << _BITS) + (1 << (_BITS - 1)),
    _sums_proof,
    lanes=2,
    pair_cost=46.0,
    code_cost=10.2,
)
ROWS = DepthwiseLoop(
    "FXP_DEPTHWISE_LOOP_S8_PACKED",
    lambda layer: "",
    lambda bias: bias,
    lambda layer: "",
    lanes=1,
    pair_cost=66.0,
    code_cost=6.8,
)
LOOPS = (LANES, ROWS)


def _scratch_bytes(layer: Layer, lanes: int) -> int:
    height, width = panels.padded(layer, layer.output_shape[0])
    return 4 * (height + (lanes - 1) * layer.stride[0]) * width


def kernel(loop: DepthwiseLoop) -> Kernel:
    """The kernel with one of `LOOPS`."""

    def refusal(layer: Layer) -> str:
        rows = layer.output_shape[0]
        short = "" if rows >= 2 else f"{rows} output rows, the loop takes two at once"
        return panels.refusal(layer) or short or loop.refusal(layer)

    def constants(layer: Layer) -> dict[str, Constant]:
        begins = loop.begin(panels.bias(layer))[:, np.newaxis]
        weights = layer.kernel.astype(np.int64).transpose(2, 0, 1).reshape(len(begins), -1)
        values = panels.words(np.concatenate([begins, weights], axis=1))
        return {"weights": Constant(values, "[channel]{begin, [row][column]}, int32")}

    def instructions(layer: Layer) -> float:
        height, width, channels = layer.output_shape
        return channels * width * (-(-height // 2) * loop.pair_cost + 30) + loop.code_cost * panels.copies(layer)

    return Kernel(
        "fxp_depthwise_conv2d_s8_packed",
        DEPTHWISE_CONV2D,
        S8,
        S8,
        args=lambda layer: panels.args(layer, (loop.lanes - 1) * layer.stride[0], _WORDS),
        constants=constants,
        instances=lambda layer: {
            "loop": Instance("packed", loop.macro, (layer.shift, *panels.saturation(layer))),
        },
        instructions=instructions,
        refusal=refusal,
        proof=loop.proof,
        in_place=panels.in_place,
        scratch_bytes=lambda layer: _scratch_bytes(layer, loop.lanes),
    )
