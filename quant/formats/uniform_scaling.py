"""Uniform Q-formats: one format for all weights and one for all activations, so that every layer has the same shift.

ReLU commutes with a positive factor, so each layer's output may be scaled by a factor of its own: by alpha_l with
`W_l * alpha_l / alpha_(l-1)` and `b_l * alpha_l` the function is unchanged up to the scale of the logits. After
cross-layer equalization has made ranges within a layer alike, these factors trade the resolution of weights against
that of activations until one format serves all layers.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from quant.folding.layers import FoldedLayers, weighted_layers, with_weighted
from quant.formats import least_error
from quant.qformat import QFormat, activation_format, weight_format

_STEPS = 2.0 ** (np.arange(-16, 17) / 4)
_SWEEPS = 6
_SAMPLES = 20000


@dataclasses.dataclass(frozen=True)
class Uniform:
    """The scaled layers and the fraction bits of every weight; activations keep the input's fraction bits."""

    layers: FoldedLayers
    weight_fraction_bits: int


@dataclasses.dataclass(frozen=True)
class Scalable:
    """What the search for a layer's factor looks at.

    Attributes:
      kernel: real-valued weights, unscaled, in any order.
      seen: a sample of the layer's outputs, unscaled.
      weight_bits: width of the weights.
      output: the output's format.
    """

    kernel: np.ndarray
    seen: np.ndarray
    weight_bits: int
    output: QFormat

    def error(self, before: float, alpha: float, fraction_bits: int) -> float:
        """Relative error of weights scaled by `alpha / before` in this format, plus that of outputs scaled by `alpha`.

        Args:
          before: the factor of the layer before, 1 for the first.
          alpha: this layer's.
          fraction_bits: of the weights.
        """
        return self.weights_error(before, alpha, fraction_bits) + self.outputs_error(alpha)

    def weights_error(self, before: float, alpha: float, fraction_bits: int) -> float:
        """The weights' part of `error`."""
        return _relative_error(self.kernel * alpha / before, weight_format(self.weight_bits, fraction_bits))

    def outputs_error(self, alpha: float) -> float:
        """The outputs' part of `error`."""
        return _relative_error(self.seen * alpha, self.output)


def uniform(
    layers: FoldedLayers,
    outputs: Callable[[], Iterable[least_error.Tensors]],
    x: QFormat,
    weight_bits: dict[str, int],
    activation_bits: dict[str, int],
) -> Uniform:
    """Scales layers so that one weight format and `x`'s fraction bits fit them all with the least relative error.

    For every candidate of the weights' fraction bits, the factors alpha_l are searched one after the other, a few
    times over.

    Args:
      outputs: gives every layer's, float [n, ...] by name, observed on real inputs a few at a time.
      x: the input's format, whose fraction bits all activations take.
      weight_bits, activation_bits: width per layer name.
    """
    weighted = weighted_layers(layers)
    seen = samples([layer.name for layer in weighted], outputs)
    scalables = []
    for layer in weighted:
        format_ = activation_format(activation_bits[layer.name], x.fraction_bits, layer.relu)
        scalables.append(Scalable(layer.kernel.ravel(), seen[layer.name], weight_bits[layer.name], format_))
    fraction_bits, alphas = least_total(scalables)
    return Uniform(scaled(layers, alphas), fraction_bits)


def samples(names: Sequence[str], outputs: Callable[[], Iterable[least_error.Tensors]]) -> dict[str, np.ndarray]:
    """Up to `_SAMPLES` values of each layer's outputs, drawn at random without replacement."""
    sizes = dict.fromkeys(names, 0)
    for batch in outputs():
        for name in names:
            sizes[name] += batch[name].size
    rng = np.random.default_rng(0)
    drawn = {name: rng.choice(size, min(_SAMPLES, size), replace=False) for name, size in sizes.items()}
    seen = {name: np.empty(len(places), np.float32) for name, places in drawn.items()}
    begin = dict.fromkeys(names, 0)
    for batch in outputs():
        for name, places in drawn.items():
            values = batch[name].reshape(-1)
            here = (places >= begin[name]) & (places < begin[name] + values.size)
            seen[name][here] = values[places[here] - begin[name]]
            begin[name] += values.size
    return seen


def least_total(layers: Sequence[Scalable]) -> tuple[int, np.ndarray]:
    """Fraction bits of the weights, from the narrowest width - 2 to the widest + 3, and factors of least error."""
    widths = [layer.weight_bits for layer in layers]
    candidates = range(min(widths) - 2, max(widths) + 4)
    factors = [search(layers, fraction_bits) for fraction_bits in candidates]
    totals = [total_error(layers, alphas, f) for alphas, f in zip(factors, candidates, strict=True)]
    best = int(np.argmin(totals))
    return candidates[best], factors[best]


def total_error(layers: Sequence[Scalable], alphas: np.ndarray, fraction_bits: int) -> float:
    """Sum of the layers' errors.

    Args:
      alphas: float [layers], their factors.
    """
    return sum(_error(layers, index, alphas, fraction_bits) for index in range(len(layers)))


def search(layers: Sequence[Scalable], fraction_bits: int) -> np.ndarray:
    """The factors of least error at these fraction bits of the weights, float [layers].

    Each is tried at steps of a quarter octave around what it is, with those of the other layers as they are.
    """
    alphas = np.array([layer.output.max_value / max(np.quantile(np.abs(layer.seen), 0.999), 1e-9) for layer in layers])
    # The same factors come again and again.
    weights_error = functools.cache(lambda i, before, alpha: layers[i].weights_error(before, alpha, fraction_bits))
    outputs_error = functools.cache(lambda i, alpha: layers[i].outputs_error(alpha))

    def error(index: int, tried: np.ndarray) -> float:
        before = tried[index - 1] if index else 1.0
        return weights_error(index, before, tried[index]) + outputs_error(index, tried[index])

    for _ in range(_SWEEPS):
        for index in range(len(layers)):
            touched = range(index, min(index + 2, len(layers)))
            errors = []
            for step in _STEPS:
                tried = alphas.copy()
                tried[index] *= step
                errors.append(sum(error(i, tried) for i in touched))
            alphas[index] *= _STEPS[int(np.argmin(errors))]
    return alphas


def _error(layers: Sequence[Scalable], index: int, alphas: np.ndarray, fraction_bits: int) -> float:
    return layers[index].error(alphas[index - 1] if index else 1.0, alphas[index], fraction_bits)


def _relative_error(values: np.ndarray, q: QFormat) -> float:
    power = float(np.mean(np.square(values)))
    return least_error.squared_error(values, q) / power if power else 0.0


def scaled(layers: FoldedLayers, alphas: Sequence[float] | np.ndarray) -> FoldedLayers:
    """The layers with each output scaled by its factor, one for each layer with weights."""
    changed = []
    before = 1.0
    for layer, alpha in zip(weighted_layers(layers), alphas, strict=True):
        kernel = (layer.kernel * (alpha / before)).astype(np.float32)
        changed.append(dataclasses.replace(layer, kernel=kernel, bias=(layer.bias * alpha).astype(np.float32)))
        before = alpha
    return with_weighted(layers, changed)
