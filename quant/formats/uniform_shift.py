"""One shift: formats may differ by layer, but every layer of the network requantizes by the same right shift.

With `g` the codes per unit of a layer's output and `h` those per unit of its weights, a layer's shift is k where

    h = 2**k * g / g_before

so that outputs alone are free: once k and every g are chosen, so are the weights' formats. ReLU commutes with a
positive factor, so that g need not be a power of two: a layer's output is scaled by `alpha`, between half an octave
less and half an octave more, and `g = alpha * 2**f_y`; its weights are scaled by `alpha / alpha_before`. The network's
input and the logits keep their scale: their g are powers of two. A mean over N positions has no weights; its shift is
k where its fraction bits are those of its input plus `pool_shift(N) - k`.

The error is the sum of the tensors' relative ones, weights and outputs alike, and it depends on neighbours alone: the
least one is found exactly, among steps of a quarter octave, by dynamic programming along the chain for each k.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from quant.folding.layers import FoldedLayers, PoolingLayer
from quant.formats import least_error, uniform_scaling
from quant.qformat import MAX_BITS, QFormat, activation_format, weight_format

STEPS_PER_OCTAVE = 4
"""Scales are tried at these steps; an index i stands for 2**(i / STEPS_PER_OCTAVE) codes per unit."""
LARGEST_SHIFT = 20
# How far around the scale that just avoids saturation the search goes, in octaves.
_FINER, _COARSER = 6, 2


@dataclasses.dataclass(frozen=True)
class Errors:
    """Relative squared errors of one tensor at every scale that is tried.

    Attributes:
      first: index of the coarsest scale.
      at: float [n], the errors from there on.
    """

    first: int
    at: np.ndarray

    @property
    def indices(self) -> np.ndarray:
        """Of the scales, int [n]."""
        return self.first + np.arange(len(self.at))

    def of(self, indices: np.ndarray) -> np.ndarray:
        """The errors at these indices, infinite at those that are not tried."""
        places = np.asarray(indices) - self.first
        inside = (places >= 0) & (places < len(self.at))
        return np.where(inside, self.at[np.clip(places, 0, len(self.at) - 1)], np.inf)


@dataclasses.dataclass(frozen=True)
class Link:
    """A layer of the chain, as the search sees it.

    Attributes:
      outputs: errors of the layer's outputs.
      weights: errors of its weights; None for pooling.
      pool_octaves: pooling's own shift, by which its sum is a mean; 0 for a layer with weights.
      keeps_scale: whether its g is a power of two (the logits).
    """

    outputs: Errors
    weights: Errors | None
    pool_octaves: int = 0
    keeps_scale: bool = False

    def costs(self, before: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
        """The layer's errors for every scale of its input.

        Args:
          before: int [m], indices of the scales of its input.
          shift: k.

        Returns:
          Indices int [n] of its outputs' scales, and errors float [m, n], infinite where a scale can't be.
        """
        if self.weights is None:
            after = before + STEPS_PER_OCTAVE * (self.pool_octaves - shift)
            return after, np.where(np.eye(len(before), dtype=bool), self.outputs.of(after), np.inf)
        after = self.outputs.indices
        if self.keeps_scale:
            after = after[after % STEPS_PER_OCTAVE == 0]
        scales = after[None, :] - before[:, None] + STEPS_PER_OCTAVE * shift
        return after, self.weights.of(scales) + self.outputs.of(after)


@dataclasses.dataclass(frozen=True)
class OneShift:
    """What was found.

    Attributes:
      layers: scaled.
      shift: k, of every layer.
      fraction_bits: of each layer's output, in order; the weights' follow from them.
      error: the sum of the relative errors.
    """

    layers: FoldedLayers
    shift: int
    fraction_bits: tuple[int, ...]
    error: float


def one_shift(
    layers: FoldedLayers,
    outputs: Callable[[], Iterable[least_error.Tensors]],
    x: QFormat,
    weight_bits: Mapping[str, int],
    activation_bits: Mapping[str, int],
) -> OneShift:
    """Scales layers and chooses formats so that all layers have one shift, with the least total relative error.

    Args:
      outputs: gives every layer's, float [n, ...] by name, observed on real inputs a few at a time.
      x: the input's format.
      weight_bits, activation_bits: width per layer name; pooling has 8 bits.

    Raises:
      ValueError: no shift of 0 to `LARGEST_SHIFT` serves all layers.
    """
    chain = links(layers, outputs, x, weight_bits, activation_bits)
    found = [(*path(chain, STEPS_PER_OCTAVE * x.fraction_bits, shift), shift) for shift in range(LARGEST_SHIFT + 1)]
    error, indices, shift = min(found, key=lambda each: each[0])
    if not np.isfinite(error):
        raise ValueError(f"no shift of 0 to {LARGEST_SHIFT} serves all layers: choose qformat=per_layer")
    fraction_bits, alphas = _split(layers, indices, shift)
    return OneShift(uniform_scaling.scaled(layers, alphas), shift, fraction_bits, error)


def links(
    layers: FoldedLayers,
    outputs: Callable[[], Iterable[least_error.Tensors]],
    x: QFormat,
    weight_bits: Mapping[str, int],
    activation_bits: Mapping[str, int],
) -> list[Link]:
    """The chain that `path` goes along; arguments are `one_shift`'s."""
    seen = uniform_scaling.samples([layer.name for layer in layers], outputs)
    chain = []
    signed = x.signed
    for layer in layers:
        if isinstance(layer, PoolingLayer):
            q = activation_format(MAX_BITS, 0, relu=not signed)
            chain.append(Link(errors(seen[layer.name], q), None, layer.shift))
        else:
            q = activation_format(activation_bits[layer.name], 0, layer.relu)
            weights = errors(layer.kernel, weight_format(weight_bits[layer.name], 0))
            chain.append(Link(errors(seen[layer.name], q), weights, keeps_scale=layer is layers[-1]))
        signed = q.signed
    return chain


def errors(values: np.ndarray, q: QFormat) -> Errors:
    """The errors of quantizing real `values` (any shape), relative to their power, around the scale that just fits.

    Args:
      q: the format; its fraction bits don't matter.
    """
    peak = float(np.abs(values).max(initial=0.0))
    power = float(np.mean(np.square(values, dtype=np.float64))) if values.size else 0.0
    fits = int(np.floor(STEPS_PER_OCTAVE * np.log2(q.max_code / peak))) if peak else STEPS_PER_OCTAVE * (q.bits - 1)
    first = fits - STEPS_PER_OCTAVE * _COARSER
    indices = first + np.arange(STEPS_PER_OCTAVE * (_FINER + _COARSER) + 1)
    if not power:
        return Errors(first, np.zeros(len(indices)))
    return Errors(first, np.array([_squared_error(values, q, index) / power for index in indices.tolist()]))


def _squared_error(values: np.ndarray, q: QFormat, index: int) -> float:
    scale = 2.0 ** (index / STEPS_PER_OCTAVE)
    return least_error.squared_error(values * scale, dataclasses.replace(q, fraction_bits=0)) / scale**2


def path(chain: Sequence[Link], start: int, shift: int) -> tuple[float, list[int]]:
    """The least total error with this shift, and the index of every layer's output's scale.

    Args:
      start: index of the input's scale.

    Returns:
      An infinite error, and no indices, where no choice is possible.
    """
    indices, total = np.array([start]), np.zeros(1)
    steps: list[tuple[np.ndarray, np.ndarray]] = []
    for link in chain:
        after, costs = link.costs(indices, shift)
        totals = total[:, None] + costs
        steps.append((after, np.argmin(totals, axis=0)))
        indices, total = after, np.min(totals, axis=0, initial=np.inf)
    best = int(np.argmin(total))
    if not np.isfinite(total[best]):
        return float("inf"), []
    found = []
    place = best
    for after, came_from in reversed(steps):
        found.append(int(after[place]))
        place = int(came_from[place])
    return float(total[best]), found[::-1]


def _split(layers: FoldedLayers, indices: Sequence[int], shift: int) -> tuple[tuple[int, ...], list[float]]:
    """Fraction bits of every layer's output and the factor of every layer with weights, from scales."""
    fraction_bits: list[int] = []
    alphas = []
    for layer, index in zip(layers, indices, strict=True):
        if isinstance(layer, PoolingLayer):
            fraction_bits.append(fraction_bits[-1] + layer.shift - shift)
        else:
            fraction_bits.append(int(np.floor(index / STEPS_PER_OCTAVE + 0.5)))
            alphas.append(2.0 ** (index / STEPS_PER_OCTAVE - fraction_bits[-1]))
    return tuple(fraction_bits), alphas
