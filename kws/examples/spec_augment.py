"""SpecAugment: one mask in time and one in frequency per example, through tensorflow-io where there is one.

Tensorflow-io has no wheel for Python 3.13, and its operations do not load from TensorFlow 2.18 on. There the same few
operations of TensorFlow draw the same masks: a test compares the two to the bit, and others hold both to one hash.

Source: D. S. Park et al., "SpecAugment", Interspeech 2019.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

try:
    import tensorflow_io as tfio
except ImportError:
    tfio = None

_Mask = Callable[..., tf.Tensor]


@dataclasses.dataclass(frozen=True)
class SpecAugmentConfig:
    """Widths of the masks, each uniform from 0 up to its largest.

    Attributes:
      time_frames: widest mask in time, in frames.
      coefficients: widest mask in frequency, in coefficients.
    """

    time_frames: int = 8
    coefficients: int = 2

    def __post_init__(self) -> None:
        if self.time_frames < 0 or self.coefficients < 0:
            raise ValueError(f"time_frames={self.time_frames}, coefficients={self.coefficients}: expected 0 or more")


def mask(features: np.ndarray, seed: int, config: SpecAugmentConfig | None = None) -> np.ndarray:
    """Masks a random stretch of frames and of coefficients of each example with 0, the mean of every feature.

    The draws are stateful operations, so they run in a graph of their own, one example after the other:
    one seed gives one result, and TensorFlow's global seed is neither used nor changed.

    Args:
      features: float32 [n, frames, coefficients, 1].
      seed: a new one for every epoch, 0 .. 2**31 - 1.
      config: the widths; None for the light default.

    Returns:
      float32, same shape.

    Raises:
      ValueError: another shape or dtype.
    """
    if features.dtype != np.float32 or features.ndim != 4 or features.shape[3] != 1:
        raise ValueError(
            f"features of {features.dtype} {features.shape}: expected float32 [n, frames, coefficients, 1]"
        )
    widths = config or SpecAugmentConfig()

    time_mask, frequency_mask = _masks()

    def mask_one(example: tf.Tensor) -> tf.Tensor:
        # A width is drawn from 0 up to, and not including, the parameter.
        masked = time_mask(example[..., 0], param=widths.time_frames + 1)
        return frequency_mask(masked, param=widths.coefficients + 1)[..., tf.newaxis]

    graph = tf.Graph()
    with graph.as_default(), tf.device("/CPU:0"):
        tf.random.set_seed(seed)
        batch = tf.compat.v1.placeholder(tf.float32, (None, *features.shape[1:]))
        masked = tf.map_fn(mask_one, batch, parallel_iterations=1)
    with tf.compat.v1.Session(graph=graph, config=tf.compat.v1.ConfigProto(device_count={"GPU": 0})) as session:
        return session.run(masked, {batch: features})


def _masks() -> tuple[_Mask, _Mask]:
    """What masks frames, and what masks coefficients, of [frames, coefficients]."""
    if tfio is not None:
        return tfio.audio.time_mask, tfio.audio.freq_mask
    return functools.partial(_mask_stretch, axis=0), functools.partial(_mask_stretch, axis=1)


def _mask_stretch(example: tf.Tensor, param: int, axis: int) -> tf.Tensor:
    """Zero in a stretch along `axis`, of a width below `param`, at a random place.

    A draw's seed is the place of its operation in the graph: another operation before it would be another draw.
    """
    length = tf.shape(example)[axis]
    width = tf.random.uniform((), 0, param, tf.int32)
    start = tf.random.uniform((), 0, length - width, tf.int32)
    places = tf.reshape(tf.range(length), (-1, 1) if axis == 0 else (1, -1))
    inside = (places >= start) & (places < start + width)
    return tf.where(inside, tf.cast(0, example.dtype), example)
