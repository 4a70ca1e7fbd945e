"""The plan of a model's C: which engine kernel runs each layer, and how its weights are laid out for it.

This is the one place where kernels and layouts are chosen. A profile names a set of choices; a kernel's C file
documents the layout that the function here produces.
"""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np

from export import accumulator
from export.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer

PORTABLE = "portable"
PROFILES = (PORTABLE,)
ALIGNMENT = 16
"""Bytes; FXP_ALIGNMENT of fxp_engine.h, which the generated C asserts to be the same."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An engine function.

    Attributes:
      function: its C name; its argument struct is named after it.
      layout: the order of the weights, outermost first, as the C file draws it; empty without weights.
      pack: from a layer to its weights in that order, int8 [n].
    """

    function: str
    layout: str
    pack: Callable[[Layer], np.ndarray]

    @property
    def args_type(self) -> str:
        """The C type of its arguments."""
        return self.function.removesuffix("_s8") + "_args"


@dataclasses.dataclass(frozen=True)
class Step:
    """One call of the static schedule.

    Attributes:
      layer: what is computed.
      kernel: what computes it.
      weights: int8 [n] in the kernel's layout.
      bias: int32 [channels] with the rounding half, 2**(shift - 1), added.
      output_offset: bytes from the arena's start to the output; None for the last layer, which writes to the caller.
    """

    layer: Layer
    kernel: Kernel
    weights: np.ndarray
    bias: np.ndarray
    output_offset: int | None


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps in order of execution, and the bytes of the arena they share."""

    steps: tuple[Step, ...]
    arena_bytes: int


def _axes(*order: int) -> Callable[[Layer], np.ndarray]:
    return lambda layer: np.ascontiguousarray(layer.kernel.transpose(order)).ravel()


_AVERAGE_POOL = Kernel("fxp_average_pool_s8", "", lambda layer: np.zeros(0, np.int8))
_CONV2D = Kernel("fxp_conv2d_s8", "[output channel][row][column][input channel]", _axes(3, 0, 1, 2))
_POINTWISE = Kernel("fxp_pointwise_conv2d_s8", "[output channel][input channel]", _axes(3, 0, 1, 2))
_DEPTHWISE = Kernel("fxp_depthwise_conv2d_s8", "[channel][row][column]", _axes(2, 0, 1))
_DENSE = Kernel("fxp_dense_s8", "[output][input]", _axes(1, 0))


def plan(model: IntegerModel, profile: str = PORTABLE) -> Plan:
    """Chooses kernels and layouts, and places the activations.

    Raises:
      ValueError: an unknown profile, or a layer whose accumulators are not proved to fit.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r}: expected one of {PROFILES}")
    accumulator.prove(model)
    arena_bytes, offsets = place([int(np.prod(layer.output_shape)) for layer in model.layers[:-1]])
    steps = []
    for layer, offset in zip(model.layers, [*offsets, None], strict=True):
        kernel = choose(layer, profile)
        half = (1 << layer.shift) >> 1
        steps.append(Step(layer, kernel, kernel.pack(layer), (layer.bias + half).astype(np.int32), offset))
    return Plan(tuple(steps), arena_bytes)


def choose(layer: Layer, profile: str) -> Kernel:
    """The kernel that runs `layer`."""
    del profile  # there is one so far
    pointwise = layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.padding == ((0, 0), (0, 0))
    return {
        CONV2D: _POINTWISE if pointwise else _CONV2D,
        DEPTHWISE_CONV2D: _DEPTHWISE,
        AVERAGE_POOL: _AVERAGE_POOL,
        DENSE: _DENSE,
    }[layer.op]


def place(sizes: list[int]) -> tuple[int, list[int]]:
    """Places a chain of tensors, of which each is alive together with the next one only.

    They start at the two ends of the arena in turns, which reaches the lower bound: the largest sum of two
    neighbours (in aligned sizes).

    Args:
      sizes: bytes of each tensor, in order.

    Returns:
      The arena's bytes, at least `ALIGNMENT` so that it can be declared, and each tensor's offset.
    """
    aligned = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    pairs = [a + b for a, b in itertools.pairwise(aligned)]
    total = max([ALIGNMENT, *aligned, *pairs])
    return total, [total - size if i % 2 else 0 for i, size in enumerate(aligned)]
