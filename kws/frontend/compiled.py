"""The features by C where there is a compiler: the integers of `cepstrum`, the definition, many times as fast.

The C is the front end's own (`microcontroller/frontend`), on many frames at a time. It is compiled once, kept for the
user's next processes, and compared with the definition in every process that uses it.
"""

import dataclasses
import functools

import numpy as np

from export.frontend import cepstrum
from export.host.mfcc import CMfcc
from export.host.stand_in import stand_in
from export.model.frontend_config import FrontEndConfig

_SAMPLE_FRAMES = 5


def mfcc(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """`cepstrum.mfcc`: int16 [n, clip_samples] to int32 [n, frames, coefficients] in Q22. Raises as it does."""
    cepstrum.check_samples(samples, config)
    library = _library(_without_calibration(config))
    return cepstrum.mfcc(samples, config) if library is None else library.mfcc(samples)


def features(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """`cepstrum.features`: int16 [n, clip_samples] to int8 [n, frames, coefficients, 1] in s8.f5. Raises as it does."""
    return cepstrum.codes(mfcc(samples, config), config)[..., np.newaxis]


def _without_calibration(config: FrontEndConfig) -> FrontEndConfig:
    """What the C is made of: for clips of any length and codes of any format."""
    length = config.window_samples + (_SAMPLE_FRAMES - 1) * config.hop_samples
    return dataclasses.replace(config, clip_samples=length, offsets=(), shifts=())


@functools.lru_cache(maxsize=8)
def _library(config: FrontEndConfig) -> CMfcc | None:
    sample = _sample(config.clip_samples)

    def is_equal(library: CMfcc) -> bool:
        return np.array_equal(library.mfcc(sample), cepstrum.mfcc(sample, config))

    return stand_in("the front end", functools.partial(CMfcc.of_config, config), is_equal)


def _sample(length: int) -> np.ndarray:
    """int16 [20, length]: silence, both ends of full scale, squares between them, a click, and noise of every level."""
    rng = np.random.default_rng(0)
    time = np.arange(length)
    levels = (1, 30, 1000, 32767)
    clips = [np.full(length, level) for level in (0, 1, -32768, 32767)]
    clips += [np.where(time // half % 2 == 0, 32767, -32768) for half in (1, 8, 80, 400)]
    clips += [np.where(time == length // 2, 32767, 0), np.rint(32767 * np.sin(time**2 * 1e-4))]
    clips += [rng.integers(-level - 1, level + 1, length) for level in levels]
    clips += [rng.choice([-level - 1, level], length) for level in levels]
    clips += [rng.integers(-level, level + 1, length) * (time > length // 3) for level in (300, 10000)]
    return np.stack(clips).astype(np.int16)
