"""The MFCC in TensorFlow's float32, for a device that computes features itself; no training uses it (docs/frontend.md).

Windows, triangles and cosines are those of `float_mfcc`; spectrum, logarithm and sums are float32. How far it is from
the integers `python -m kws.experiments.graph_frontend` measures.
"""

from typing import TYPE_CHECKING

import numpy as np

from export.frontend.cepstrum import check_calibrated
from export.model.frontend_config import INPUT_FORMAT, FrontEndConfig
from kws.frontend import float_mfcc

if TYPE_CHECKING:
    import tensorflow as tf


def graph_features(samples: "tf.Tensor", config: FrontEndConfig) -> "tf.Tensor":
    """The values that the codes of `features` round and saturate, within float32's precision.

    Args:
      samples: int16 [n, clip_samples].

    Returns:
      float32 [n, frames, coefficients, 1], of which code = 32 * value.

    Raises:
      ValueError: `config` isn't calibrated.
    """
    import tensorflow as tf

    check_calibrated(config)
    windows = tf.signal.frame(tf.cast(samples, tf.float32), config.window_samples, config.hop_samples)
    windows *= tf.constant(float_mfcc.window(config), tf.float32)
    # The spectrum of a longer window at the FFT's frequencies is that of the window folded to the FFT's length.
    folds = -(-config.window_samples // config.fft_length)
    padding = folds * config.fft_length - config.window_samples
    windows = tf.pad(windows, ((0, 0), (0, 0), (0, padding)))
    folded = tf.reduce_sum(tf.reshape(windows, (-1, config.frames, folds, config.fft_length)), 2)
    power = tf.square(tf.abs(tf.signal.rfft(folded)))
    energies = tf.tensordot(power, tf.constant(float_mfcc.filters(config), tf.float32), 1)
    logs = tf.math.log(energies * 2.0**-config.floor_bits + 1.0) / np.log(2.0).astype(np.float32)
    # Offset and scale in logarithms to base 2: the integers' unit, 2**-22 of one, would take float32's precision.
    offsets = np.array(config.offsets, np.float64) * 2.0**-22
    scales = 2.0 ** (22 - np.array(config.shifts, np.float64) - INPUT_FORMAT.fraction_bits)
    values = tf.tensordot(logs, tf.constant(float_mfcc.dct(config), tf.float32), 1) - offsets.astype(np.float32)
    return (values * scales.astype(np.float32))[..., tf.newaxis]
