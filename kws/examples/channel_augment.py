"""Other microphones and rooms: a constant added to every cepstral coefficient of an example.

A filter multiplies the spectrum, so it adds to the log spectrum and to its cosine transform, alike in every frame. That
is what cepstral mean normalization takes off (B. S. Atal, 1974); here the network learns not to depend on it.
"""

import numpy as np

DEVIATION = 0.4


def recolour(features: np.ndarray, seed: int, deviation: float = DEVIATION) -> np.ndarray:
    """Adds to each coefficient of each example a constant of its own.

    Args:
      features: float32 [n, frames, coefficients, 1].
      seed: a new one for every epoch, 0 or more.
      deviation: standard deviation of the constants, in units of the features; 0 changes nothing.

    Returns:
      float32, same shape.

    Raises:
      ValueError: another shape or dtype, or a negative deviation.
    """
    if features.dtype != np.float32 or features.ndim != 4 or features.shape[3] != 1:
        raise ValueError(
            f"features of {features.dtype} {features.shape}: expected float32 [n, frames, coefficients, 1]"
        )
    if deviation < 0:
        raise ValueError(f"deviation={deviation}: expected 0 or more")
    n, _, coefficients, _ = features.shape
    constants = np.random.default_rng(seed).standard_normal((n, 1, coefficients, 1), np.float32)
    return features + constants * np.float32(deviation)
