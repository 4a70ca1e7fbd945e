"""How evenly weights use their codes: entropy, kurtosis and distance to the grid, per layer."""

import dataclasses
from typing import Any

import numpy as np

from quant.training import cosine_regularization, learned_thresholds, wrappers


def code_entropy(codes: np.ndarray) -> float:
    """Entropy in bits of the codes' frequencies; at most log2 of the number of codes."""
    _, counts = np.unique(codes, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def kurtosis(values: np.ndarray) -> float:
    """Fourth standardized moment: 3 for a Gaussian, 1.8 for a uniform distribution; 0 for a constant."""
    centred = np.asarray(values, np.float64) - np.mean(values)
    variance = np.mean(centred**2)
    return float(np.mean(centred**4) / variance**2) if variance else 0.0


@dataclasses.dataclass(frozen=True)
class CodeDistribution:
    """How a layer's weights use their codes.

    Attributes:
      code_entropy: in bits.
      kurtosis: of the real-valued weights.
      grid_distance: mean distance of the real-valued weights to their codes, in LSB.
      output_fraction_bits: of the layer's output, which move while formats are learned.
    """

    code_entropy: float
    kurtosis: float
    grid_distance: float
    output_fraction_bits: float


def describe(model: Any) -> dict[str, CodeDistribution]:
    """The distribution of every layer with weights, by its name.

    Args:
      model: a Keras model of `quant.fixed_point_model`.
    """
    weighted = filter(wrappers.has_weights, wrappers.wrapped_layers(model))
    return {wrapper.layer.name: _described(wrapper) for wrapper in weighted}


def _described(wrapper: Any) -> CodeDistribution:
    variables = wrappers.variables_of(wrapper)
    quantizer = wrapper.quantize_config.kernel
    weights = np.asarray(quantizer.weights_of(variables.kernel))
    codes = np.asarray(quantizer(variables.kernel)) / quantizer.q.lsb
    coarser = 0 if variables.octaves is None else learned_thresholds.rounded_octaves(variables.octaves)
    return CodeDistribution(
        code_entropy(codes),
        kurtosis(weights),
        cosine_regularization.mean_distance(weights, quantizer.q),
        float(wrapper.quantize_config.output.q.fraction_bits - coarser),
    )
