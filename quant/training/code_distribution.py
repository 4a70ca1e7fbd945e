"""How evenly weights use their codes: entropy, kurtosis and distance to the grid, per layer."""

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


def describe(model: Any) -> dict[str, dict[str, float]]:
    """Per layer with weights: `code_entropy`, `kurtosis` of the real weights, `grid_distance` in LSB.

    And `output_fraction_bits`, which move while formats are learned.

    Args:
      model: a Keras model of `quant.fixed_point_model`.
    """
    found = {}
    for wrapper in wrappers.wrapped_layers(model):
        variables = wrappers.variables_of(wrapper)
        if not variables:
            continue
        quantizer = wrapper.quantize_config.kernel
        weights = np.asarray(quantizer.weights_of(variables["kernel"]))
        octaves = learned_thresholds.learned_variable(wrapper)
        codes = np.asarray(quantizer(variables["kernel"])) / quantizer.q.lsb
        found[wrapper.layer.name] = {
            "code_entropy": code_entropy(codes),
            "kurtosis": kurtosis(weights),
            "grid_distance": cosine_regularization.mean_distance(weights, quantizer.q),
            "output_fraction_bits": float(
                wrapper.quantize_config.output.q.fraction_bits
                - (0 if octaves is None else learned_thresholds.rounded_octaves(octaves))
            ),
        }
    return found
