"""Cross-layer equalization: moves scale between layers across each ReLU, so that channels share one Q-format well.

ReLU commutes with a positive factor: dividing output channel i of a layer by s_i and multiplying the next layer's
input channel i by s_i leaves the function unchanged. With r_i the channel's largest weight magnitude in either layer,
`s_i = sqrt(r_i(this) / r_i(next))` makes both equal. Source: Nagel et al., ICCV 2019, arXiv:1906.04721, section 4.1.

A channel that says nearly the same of every input has small weights and a bias. Weights alone would ask for so large a
scale that its constant decides the output's format for all channels, so that the bias counts, too.
"""

import dataclasses
import itertools

import numpy as np

from quant.folding.layers import (
    CONV2D,
    DENSE,
    DEPTHWISE_CONV2D,
    FoldedLayers,
    WeightedLayer,
    weighted_layers,
    with_weighted,
)

SWEEPS = 20
# A channel that is (nearly) dead on one side keeps its scale.
_SMALLEST_RANGE = 1e-6
# What a bias of 1 counts as: an output is a sum of many products, so that formats hold some times the largest weight.
_BIAS_SHARE = 1 / 8


def output_ranges(layer: WeightedLayer) -> np.ndarray:
    """Largest weight magnitude of each output channel, or an eighth of its bias' magnitude if that is more, [out]."""
    return np.maximum(_weight_ranges(layer), np.abs(layer.bias) * _BIAS_SHARE)


def _weight_ranges(layer: WeightedLayer) -> np.ndarray:
    return np.abs(layer.kernel).reshape(-1, layer.kernel.shape[-1]).max(axis=0)


def input_ranges(layer: WeightedLayer) -> np.ndarray:
    """Largest weight magnitude that each input channel meets, float [in]."""
    axes = {CONV2D: (0, 1, 3), DEPTHWISE_CONV2D: (0, 1), DENSE: (1,)}[layer.op]
    return np.abs(layer.kernel).max(axis=axes)


def equalize(layers: FoldedLayers, sweeps: int = SWEEPS) -> FoldedLayers:
    """The same function with scales balanced between every pair of weighted layers joined by a ReLU."""
    weighted = weighted_layers(layers)
    for _ in range(sweeps):
        for this, following in itertools.pairwise(range(len(weighted))):
            if weighted[this].relu:
                weighted[this], weighted[following] = _balance(weighted[this], weighted[following])
    return with_weighted(layers, weighted)


def _balance(this: WeightedLayer, following: WeightedLayer) -> tuple[WeightedLayer, WeightedLayer]:
    out, into = output_ranges(this), input_ranges(following)
    alive = (_weight_ranges(this) > _SMALLEST_RANGE) & (into > _SMALLEST_RANGE)
    scale = np.ones_like(out)
    scale[alive] = np.sqrt(out[alive] / into[alive])
    by_input = scale[:, None] if following.op in (CONV2D, DENSE) else scale
    return (
        dataclasses.replace(this, kernel=this.kernel / scale, bias=this.bias / scale),
        dataclasses.replace(following, kernel=following.kernel * by_input),
    )
