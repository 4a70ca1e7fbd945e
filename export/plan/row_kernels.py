"""Which kernel computes a layer's rows one by one, or a few of them: for streams, and for networks of little memory."""

import dataclasses
from collections.abc import Sequence

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Kernel
from export.plan.kernels import profiles
from export.plan.kernels.dsp import average_pool_s16_dsp, dense_s16_to_s8_dsp
from export.plan.kernels.stream.channel_rows import CHANNEL_ROWS, POSITION_PAIRS
from export.plan.layout import S8, S16, ActivationLayout
from export.plan.schedule import Profile, candidates, conversion_cost

LAYOUTS = (S8, S16, CHANNEL_ROWS, POSITION_PAIRS)
"""In which rows follow each other, so that some can be kept and others added."""

POOL = dataclasses.replace(
    average_pool_s16_dsp.KERNEL,
    args=lambda layer: average_pool_s16_dsp.KERNEL.args(layer) | {"positions": 1},
    instructions=lambda layer: 11.0 * layer.input_shape[2],
    cycles=None,
)
"""Pooling of running sums: they are one position's codes."""


def choose(
    layers: Sequence[Layer], profile: Profile, labels: int, times: Sequence[int] | None = None, keeping: bool = False
) -> list[Kernel]:
    """One kernel per layer, among those on `LAYOUTS`, at the least cost, conversions of new rows included.

    Args:
      layers: as a kernel sees them in one call.
      labels: of the model.
      times: that each layer is called; None for once.
      keeping: whether a kernel may keep what it needs of earlier rows.

    Raises:
      NoKernelError: none runs a layer.
    """
    best: dict[str, tuple[float, list[Kernel]]] = {S8.name: (0.0, [])}
    layouts = {layout.name: layout for layout in LAYOUTS}
    for layer, count in zip(layers, times or [1] * len(layers), strict=True):
        following: dict[str, tuple[float, list[Kernel]]] = {}
        codes = layer.output_shape[0] * layer.stride[0] * layer.input_shape[1] * layer.input_shape[2]
        for kernel in runners(layer, profile, keeping):
            price = profile.cost(kernel, layer)
            for name, (cost, path) in best.items():
                total = cost + count * (price + conversion_cost(layouts[name], kernel.input_layout, codes))
                known = following.get(kernel.output_layout.name)
                if known is None or total < known[0]:
                    following[kernel.output_layout.name] = (total, [*path, kernel])
        best = following
    ends = [(cost + conversion_cost(layouts[name], S8, labels), path) for name, (cost, path) in best.items()]
    return min(ends, key=lambda end: end[0])[1]


def runners(layer: Layer, profile: Profile, keeping: bool = False) -> list[Kernel]:
    """Those that can run a layer as a call sees it; `keeping` as of `choose`. Raises `NoKernelError` where none can."""
    with_rows = profiles.STREAM if any(kernel.input_layout == S16 for kernel in profile.kernels) else ()
    own = dict.fromkeys((*with_rows, *profile.kernels, dense_s16_to_s8_dsp.KERNEL))
    kernels = [kernel for kernel in own if kernel.op != AVERAGE_POOL and _by_rows(kernel, keeping)]
    return candidates(layer, [POOL] if layer.op == AVERAGE_POOL else kernels)


def _by_rows(kernel: Kernel, keeping: bool) -> bool:
    return kernel.input_layout in LAYOUTS and kernel.output_layout in LAYOUTS and (keeping or kernel.kept_bytes is None)


def conversions(before: ActivationLayout, after: ActivationLayout) -> list[tuple[str, ActivationLayout]]:
    """Engine functions from one of `LAYOUTS` to another, one of which is int8."""
    if before == after:
        return []
    return [(before.unpack, S8)] if after == S8 else [(after.pack, after)]
