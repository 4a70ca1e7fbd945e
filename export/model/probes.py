"""Input codes that are likely to tell two implementations apart: extremes, bounds of the first layer, noise."""

import numpy as np

from export.model import random_model
from export.model.integer_model import CONV2D, DENSE, IntegerModel, Layer

_SPECIALS = 4


def probes(seed: int, model: IntegerModel, count: int) -> np.ndarray:
    """Inputs int8 [count, h, w, c], the same for the same seed.

    First all-minimum, all-maximum, zeros and a checkerboard; then, for up to half of them, inputs that drive one
    channel of the first layer to its largest and smallest sum; then noise of every amplitude.
    """
    rng = np.random.default_rng([seed, 1])
    out = random_model.codes(seed, model, count)
    layer = model.layers[0]
    channels = layer.output_shape[2]
    bounds = min(max(count - _SPECIALS, 0) // 2, 2 * channels)
    for i in range(bounds):
        out[_SPECIALS + i] = extreme_input(layer, i // 2 % channels, 1 if i % 2 == 0 else -1, rng)
    q = model.input_format
    for i in range(_SPECIALS + bounds, count):
        amplitude = np.exp2(rng.uniform(0, q.bits))
        low, high = max(q.min_code, -int(amplitude)), min(q.max_code, int(amplitude))
        out[i] = rng.integers(low, high + 1, model.input_shape, dtype=np.int8)
    return out


def extreme_input(layer: Layer, channel: int, sign: int, rng: np.random.Generator) -> np.ndarray:
    """An input int8 [h, w, c] that makes the middle output of `channel` as large (sign 1) or small (-1) as can be.

    Codes which that output does not see are noise.
    """
    q = layer.input_format
    codes = rng.integers(q.min_code, q.max_code + 1, layer.input_shape, dtype=np.int8)
    if layer.op == DENSE:
        weights, channels = layer.kernel[None, None, :, channel], slice(None)
    elif layer.op == CONV2D:
        weights, channels = layer.kernel[..., channel], slice(None)
    else:
        weights, channels = layer.kernel[:, :, channel, None], slice(channel, channel + 1)
    (top, _), (left, _) = layer.padding
    row = layer.output_shape[0] // 2 * layer.stride[0] - top
    column = layer.output_shape[1] // 2 * layer.stride[1] - left
    for i, j in np.ndindex(*layer.kernel_size):
        if 0 <= row + i < layer.input_shape[0] and 0 <= column + j < layer.input_shape[1]:
            codes[row + i, column + j, channels] = np.where(sign * weights[i, j] >= 0, q.max_code, q.min_code)
    return codes
