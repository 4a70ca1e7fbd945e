"""Inputs for a random model: extremes, inputs chosen from weights' signs, hardly any codes, noise."""

import numpy as np

from export.model.integer_model import IntegerModel
from export.model.probes import probes

_SPARSE = 0.03


def draw(seed: int, model: IntegerModel, count: int) -> np.ndarray:
    """int8 [count, h, w, c], the same for the same seed: `probes`, of which every fifth one is 0 nearly everywhere."""
    codes = probes(seed, model, count)
    rng = np.random.default_rng([seed, 2])
    q = model.input_format
    for clip in range(4, count, 5):
        extremes = rng.choice([q.min_code, q.max_code], model.input_shape)
        codes[clip] = np.where(rng.random(model.input_shape) < _SPARSE, extremes, min(max(q.min_code, 0), q.max_code))
    return codes
