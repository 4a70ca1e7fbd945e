"""Augmentation by C (`augment.c`) where there is a compiler: the bits of NumPy's, several times as fast."""

import ctypes
import functools
import pathlib

import numpy as np

from export.host.library import COUNT, POINTER, HostLibrary, LibraryDefinition
from export.host.stand_in import stand_in
from kws.examples import augment
from microcontroller.c_sources import CSources

_DOUBLE, _FLOAT = ctypes.c_double, ctypes.c_float
_FOLDER = pathlib.Path(__file__).parent
# Around a clip, for the taps beyond its ends; ZEROS of the C.
_ZEROS = 4


class CAugment(HostLibrary):
    """`augment.warp` and `augment.mix` by C."""

    definition = LibraryDefinition(
        lambda: CSources((), (), (), _FOLDER),
        "augment.c",
        (),
        "kws_augment_",
        {
            "warp": (None, POINTER, COUNT, _DOUBLE, _DOUBLE, POINTER),
            "mix": (None, POINTER, POINTER, COUNT, _FLOAT, _FLOAT, POINTER),
        },
        remedy="report this with the compiler's version",
    )

    def warp(self, samples: np.ndarray, speed: float, shift: float) -> np.ndarray:
        """As `augment.warp`: int16 [n] to float32 [n]."""
        padded = np.zeros(len(samples) + 2 * _ZEROS, np.int16)
        padded[_ZEROS : _ZEROS + len(samples)] = samples
        speech = np.empty(len(samples), np.float32)
        self._call("warp", padded, len(samples), speed, shift, speech)
        return speech

    def mix(self, speech: np.ndarray, noise: np.ndarray | None, noise_level: float, gain: float) -> np.ndarray:
        """As `augment.mix`: float32 [n], contiguous, to int16 [n]."""
        samples = np.empty(len(speech), np.int16)
        self._call("mix", speech, noise, len(speech), noise_level, gain, samples)
        return samples


@functools.cache
def steps() -> augment.Steps:
    """By C, or by NumPy where there is no compiler, which a line on stderr says."""
    library = stand_in("augmentation", functools.partial(CAugment.build, _FOLDER), _is_equal)
    return augment.NUMPY if library is None else augment.Steps(library.warp, library.mix)


def _is_equal(library: CAugment) -> bool:
    """Whether both give the same bits: clips of several levels and lengths, in and out of range, halves to round."""
    rng = np.random.default_rng(0)
    return all(_is_equal_on(library, rng, length, level) for length in (1, 43, 1003) for level in (1, 2000, 32767))


def _is_equal_on(library: CAugment, rng: np.random.Generator, length: int, level: int) -> bool:
    clip = rng.integers(-level - 1, level + 1, length).astype(np.int16)
    noise = rng.standard_normal(length, dtype=np.float32) * np.float32(level)
    for speed, shift in (
        (1.0, 0.0),
        (1.0, 7.0),
        (0.25, 0.3),
        (1.17, -12.7),
        (4.0, 2.0 * length),
        (0.86, rng.uniform()),
    ):
        speech = augment.warp(clip, speed, shift)
        if speech.tobytes() != library.warp(clip, speed, shift).tobytes():
            return False
        for added, gain in ((None, 0.5), (noise, 0.3), (noise, 8.1), (None, 1e4)):
            mixing = (speech, added, rng.uniform(0, 4), gain)
            if not np.array_equal(augment.mix(*mixing), library.mix(*mixing)):
                return False
    return True
