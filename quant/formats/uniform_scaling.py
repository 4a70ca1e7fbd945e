"""Uniform Q-formats: one format for all weights and one for all activations, so that every layer has the same shift.

ReLU commutes with a positive factor, so each layer's output may be scaled by a factor of its own: by alpha_l with
`W_l * alpha_l / alpha_(l-1)` and `b_l * alpha_l` the function is unchanged up to the scale of the logits. After
cross-layer equalization has made ranges within a layer alike, these factors trade the resolution of weights against
that of activations until one format serves all layers.
"""

import dataclasses

import numpy as np

from quant.folding.layers import AVERAGE_POOL, FoldedLayer
from quant.formats import least_error
from quant.qformat import QFormat, activation_format, weight_format

_STEPS = 2.0 ** (np.arange(-16, 17) / 4)
_SWEEPS = 6
_SAMPLES = 20000


@dataclasses.dataclass(frozen=True)
class Uniform:
    """The scaled layers and the fraction bits of every weight; activations keep the input's fraction bits."""

    layers: tuple[FoldedLayer, ...]
    weight_fraction_bits: int


def uniform(
    layers: tuple[FoldedLayer, ...],
    outputs: list[np.ndarray],
    x: QFormat,
    weight_bits: dict[str, int],
    activation_bits: dict[str, int],
) -> Uniform:
    """Scales layers so that one weight format and `x`'s fraction bits fit them all with the least relative error.

    For every candidate of the weights' fraction bits, the factors alpha_l are searched one after the other, a few
    times over.

    Args:
      outputs: float [n, ...] of each layer, observed on real inputs.
      x: the input's format, whose fraction bits all activations take.
      weight_bits, activation_bits: width per layer name.
    """
    rng = np.random.default_rng(0)
    weighted = [i for i, layer in enumerate(layers) if layer.op != AVERAGE_POOL]
    kernels = [layers[i].kernel.ravel() for i in weighted]
    seen = [rng.choice(outputs[i].ravel(), min(_SAMPLES, outputs[i].size), replace=False) for i in weighted]
    outs = [activation_format(activation_bits[layers[i].name], x.fraction_bits, layers[i].relu) for i in weighted]
    widths = [weight_bits[layers[i].name] for i in weighted]

    def error(index: int, alphas: np.ndarray, fraction_bits: int) -> float:
        before = alphas[index - 1] if index else 1.0
        scaled = kernels[index] * alphas[index] / before
        weights = weight_format(widths[index], fraction_bits)
        return _relative_error(scaled, weights) + _relative_error(seen[index] * alphas[index], outs[index])

    best: tuple[float, int, np.ndarray] | None = None
    for fraction_bits in range(min(widths) - 2, max(widths) + 4):
        alphas = np.array(
            [o.max_value / max(np.quantile(np.abs(s), 0.999), 1e-9) for o, s in zip(outs, seen, strict=True)]
        )
        for _ in range(_SWEEPS):
            for index in range(len(weighted)):
                touched = [index, index + 1] if index + 1 < len(weighted) else [index]
                errors = []
                for step in _STEPS:
                    tried = alphas.copy()
                    tried[index] *= step
                    errors.append(sum(error(i, tried, fraction_bits) for i in touched))
                alphas[index] *= _STEPS[int(np.argmin(errors))]
        total = sum(error(i, alphas, fraction_bits) for i in range(len(weighted)))
        if best is None or total < best[0]:
            best = (total, fraction_bits, alphas)
    _, fraction_bits, alphas = best
    return Uniform(_scaled(layers, weighted, alphas), fraction_bits)


def _relative_error(values: np.ndarray, q: QFormat) -> float:
    power = float(np.mean(np.square(values)))
    return least_error.squared_error(values, q) / power if power else 0.0


def _scaled(layers: tuple[FoldedLayer, ...], weighted: list[int], alphas: np.ndarray) -> tuple[FoldedLayer, ...]:
    scaled = list(layers)
    before = 1.0
    for index, alpha in zip(weighted, alphas, strict=True):
        layer = layers[index]
        kernel = (layer.kernel * (alpha / before)).astype(np.float32)
        scaled[index] = dataclasses.replace(layer, kernel=kernel, bias=(layer.bias * alpha).astype(np.float32))
        before = alpha
    return tuple(scaled)
