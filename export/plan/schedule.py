"""Chooses a kernel for every layer: the cheapest path through kernels and the layouts between them."""

import dataclasses
from collections.abc import Sequence

from export.model.integer_model import IntegerModel, Layer
from export.plan.kernel import Kernel
from export.plan.layout import S8, ActivationLayout

CYCLES_PER_INSTRUCTION = 1.4
"""Of the portable kernels, on a Cortex-M4."""


@dataclasses.dataclass(frozen=True)
class _Path:
    cost: float
    kernels: tuple[Kernel, ...]


class NoKernelError(ValueError):
    """No kernel of a profile runs a layer; the message names layer, shapes and every kernel's reason."""


def candidates(layer: Layer, kernels: Sequence[Kernel]) -> list[Kernel]:
    """Those of `kernels` that can run `layer`.

    Raises:
      NoKernelError: none can; it names layer, shapes and every kernel's reason.
    """
    takers, reasons = [], []
    for kernel in kernels:
        if kernel.op == layer.op:
            reason = kernel.refusal(layer)
            takers += [] if reason else [kernel]
            reasons.append(f"{kernel.function}: {reason}")
    if not takers:
        shapes = " to ".join("x".join(map(str, shape)) for shape in (layer.input_shape, layer.output_shape))
        why = "; ".join(reasons) or "no kernel for this op"
        raise NoKernelError(f"layer {layer.name} ({layer.op}, {shapes}): no kernel runs it ({why})")
    return takers


def conversion_cost(before: ActivationLayout, after: ActivationLayout, codes: int) -> float:
    """Instructions between two layouts, by way of int8 where they are both others; infinite where there is no way."""
    if before == after:
        return 0.0
    if (before != S8 and not before.unpack) or (after != S8 and not after.pack):
        return float("inf")
    return codes * (before.unpack_cost + after.pack_cost)


def cycles_of(kernel: Kernel, layer: Layer) -> float:
    """Of a Cortex-M4, per inference: the kernel's estimate, or by its instructions where it has none."""
    return kernel.cycles(layer) if kernel.cycles else CYCLES_PER_INSTRUCTION * kernel.instructions(layer)


@dataclasses.dataclass(frozen=True)
class Profile:
    """What to choose from, and what for.

    Attributes:
      kernels: in order of preference among equals.
      byte_price: instructions per inference that a byte of constants is worth.
      by_cycles: whether a kernel costs its estimated cycles, or its instructions.
      by_rows: whether the network is computed row by row where that takes less memory.
    """

    kernels: tuple[Kernel, ...]
    byte_price: float = 0.0
    by_cycles: bool = False
    by_rows: bool = False

    def cost(self, kernel: Kernel, layer: Layer) -> float:
        own = cycles_of(kernel, layer) if self.by_cycles else kernel.instructions(layer)
        if not self.byte_price:
            return own
        constants = sum(constant.values.nbytes for constant in kernel.constants(layer).values())
        return own + self.byte_price * constants


def choose(model: IntegerModel, profile: Profile) -> tuple[Kernel, ...]:
    """One kernel per layer, at the least cost, conversions between layouts included.

    Raises:
      ValueError: a layer that no kernel runs.
    """
    best: dict[str, tuple[ActivationLayout, _Path]] = {S8.name: (S8, _Path(0.0, ()))}
    for index, layer in enumerate(model.layers):
        height, width, channels = layer.input_shape
        following: dict[str, tuple[ActivationLayout, _Path]] = {}
        kernels = profile.kernels if index else [kernel for kernel in profile.kernels if not kernel.aligned]
        for kernel in candidates(layer, kernels):
            own = profile.cost(kernel, layer)
            paths = [
                _Path(
                    path.cost + conversion_cost(layout, kernel.input_layout, height * width * channels) + own,
                    (*path.kernels, kernel),
                )
                for layout, path in best.values()
            ]
            cheapest = min(paths, key=lambda path: path.cost)
            known = following.get(kernel.output_layout.name)
            if known is None or cheapest.cost < known[1].cost:
                following[kernel.output_layout.name] = (kernel.output_layout, cheapest)
        best = following
    codes = len(model.labels)
    paths = [_Path(path.cost + conversion_cost(layout, S8, codes), path.kernels) for layout, path in best.values()]
    return min(paths, key=lambda path: path.cost).kernels
