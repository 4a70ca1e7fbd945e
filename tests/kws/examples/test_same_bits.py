"""Epochs and features are, to the bit, those of stored hashes that NumPy's definition gave: by C and without it.

What a machine's own libraries may round differently (BLAS' order of a sum, an FFT, a logarithm) decides some bits:
`PLATFORM` holds what they gave where the hashes were made, and elsewhere the hashes say nothing.
"""

import dataclasses
import functools
import hashlib
import pathlib

import numpy as np
import pytest
import scipy.fft

from kws.datasets import silence
from kws.examples import augment, compiled_augment
from kws.examples.augment import AugmentConfig
from kws.examples.epochs import EpochConfig, epoch_examples
from kws.frontend import INTEGER, FrontEndConfig, compiled

OFFSETS = (140202579, 32386971, 2353237, 3342140, -3620080, -370949, -670475, 52316, -633177, 122887)
FRONTEND = FrontEndConfig(offsets=OFFSETS, shifts=(22, 20, 20, 19, 19, 19, 19, 18, 18, 18))
WORDS = np.repeat([0, 1, 2, 3], [14, 9, 6, 3])
PLATFORM = "c64178828e9b603cef8945bf1ac0cefa5033e65f422df253118433421b5134e2"
# Ranges of which there are hashes from before rooms.
DRY = AugmentConfig(room_probability=0.0, gain_db=(-12.0, 4.0))
# (seed, epoch, recordings of noise) -> SHA-256 of the epoch's features and words, as `DRY` gives them.
EPOCHS = {
    (0, 0, 4): "f54a2013d29371b18e9c172d9b2357ed52b3155884f3db835427cb9f90651c27",
    (0, 1, 4): "2ade3cbd43935d08e5fe9483fb96ce5af5ac05a683dc36c2635719b34bd912de",
    (1, 0, 4): "4c26912b2e2e6e2efe494b4c940505b736e701da2110c74045c7d77e7b4b8b81",
    (1, 0, 0): "d885a5a33cb4c97605a4d438fc1615a87560e7283a7c6d3b2bd3375cfc05c98e",
    (20231, 7, 1): "f128bd8d8189fe11c9569bc6967cc92d660be937d0e76df2b9678cb8570e94a7",
    (3, 2, 2): "092e474eb4f99d661af59140d36884d31f9b614110e6ab5a90f26e0485ca7ba2",
}
IN_ROOMS = "8b71d1f1aec3ccf047bb3971a9cd4c7b27206779f0ad34a3e2cfc0b74fdc0d11"
VARIANTS = {
    "rooms": "44aa9d1a1488667e4822b5ec9dc8b4002f85e1172f9419414be817099f1052e4",
    "dry": "bc81f757ff0c793491384f94dfba893c6c80b30270adbee95a3a21c595bbdf6b",
    "always_noisy": "ade07a65717749d4cb2581f895dd348f67fe1c3abf4fc01d3fba9226de650464",
    "never_noisy": "34f245e3fea68c8319ba18ea25a233ac8446112b49426ec025d48751244273af",
    "widest": "524f03ac356ed17bcfd202cbceabacd6bf37e7426198ce84c5808232a2505b45",
    "still": "537265dcc179eb217936617deabf4d55a82276af1dcd452443ae2b6b70929bfc",
}
# Integers alone: the same wherever the front end computes at all.
SECONDS = "ed33f4a466251782f92152e8a2826dd1e731a55375c07f5f1d28b4478fb62bf3"
LONGER = "c3652bad5f40e4a7a5d703b571aa641561e3929159675a84ef4420b2b7f9c629"


def sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def material() -> tuple[np.ndarray, list[np.ndarray]]:
    """Clips int16 [32, 16000], silent, loud, saturated and of the level of speech, and four recordings of noise."""
    rng = np.random.default_rng(13)
    level = np.geomspace(1, 32767, len(WORDS)).astype(int)[:, None]
    clips = rng.integers(-level, level + 1, (len(WORDS), 16000)).astype(np.int16)
    clips[0], clips[1, ::40], clips[2] = 0, 32767, -32768
    clips[3:12] = np.sin(np.arange(16000) ** 1.2 / np.arange(9, 18)[:, None] / 3) * 9000
    noises = [rng.integers(-level, level + 1, length) for level, length in ((500, 40000), (9, 16000), (8000, 700))]
    return clips, [noise.astype(np.int16) for noise in (*noises, np.zeros(16001))]


def platform() -> str:
    """What NumPy's libraries give here for such sums, FFTs and random numbers as decide an example's bits."""
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((64, 16000), dtype=np.float32)
    powers = np.array([np.vdot(row, row) for row in signal])
    spectra = np.fft.irfft(rng.standard_normal((64, 8001)) + 1j * rng.standard_normal((64, 8001)), 16000)
    curves = [function(np.linspace(0.1, 30, 1000)) for function in (np.sin, np.exp, np.log, np.sqrt)]
    rooms = scipy.fft.irfft(scipy.fft.rfft(signal, 20480) * scipy.fft.rfft(signal[:, :4480], 20480), 20480)
    slopes = np.arange(1, 8002, dtype=float) ** -rng.uniform(0, 1)
    return sha256(signal, powers, spectra, rooms, np.mean(np.square(spectra), 1), slopes, *curves)


@pytest.fixture(scope="module")
def same_platform() -> None:
    if (found := platform()) != PLATFORM:
        pytest.skip(f"NumPy's libraries round differently here ({found[:12]}) than where the hashes were stored")


@pytest.fixture(params=["by C", "without a compiler"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """What computes examples, as on first use in a process; C is there where it should be."""
    if request.param == "without a compiler":
        monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(compiled, "_library", functools.cache(compiled._library.__wrapped__))
    monkeypatch.setattr(compiled_augment, "steps", functools.cache(compiled_augment.steps.__wrapped__))
    by_c = compiled._library(compiled._without_calibration(FRONTEND)), compiled_augment.steps()
    assert (by_c == (None, augment.NUMPY)) == (request.param == "without a compiler")


@pytest.mark.usefixtures("same_platform", "backend")
@pytest.mark.parametrize("key", EPOCHS)
def test_epochs_are_the_stored_ones(key: tuple[int, int, int]) -> None:
    seed, epoch, recordings = key
    clips, noises = material()
    config = EpochConfig(FRONTEND, DRY, silence_word=4, silence_share=0.2)
    made = epoch_examples(clips, WORDS, noises[:recordings], silence.draw, config, seed=seed, epoch=epoch)
    assert sha256(*made) == EPOCHS[key]


@pytest.mark.usefixtures("same_platform", "backend")
def test_epochs_in_rooms_are_the_stored_ones() -> None:
    clips, noises = material()
    config = EpochConfig(FRONTEND, silence_word=4, silence_share=0.2)
    assert sha256(*epoch_examples(clips, WORDS, noises, silence.draw, config, seed=0, epoch=0)) == IN_ROOMS


@pytest.mark.usefixtures("same_platform", "backend")
@pytest.mark.parametrize("name", VARIANTS)
def test_augmented_clips_are_the_stored_ones(name: str) -> None:
    assert sha256(variants(name)) == VARIANTS[name]


CONFIGS = {
    "rooms": AugmentConfig(room_probability=0.5),
    "dry": DRY,
    "always_noisy": dataclasses.replace(DRY, noise_probability=1.0, snr_db=(-40.0, 60.0)),
    "never_noisy": dataclasses.replace(DRY, noise_probability=0.0),
    "widest": AugmentConfig((0.25, 4.0), 40000, 0.0, 0.5, (-80.0, 80.0), (-90.0, 90.0)),
    "still": AugmentConfig((1.0, 1.0), 0, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0)),
}


def variants(name: str) -> np.ndarray:
    """Variants of every clip, with recordings and without, and of other lengths."""
    clips, noises = material()
    steps = compiled_augment.steps()
    made = []
    for index, clip in enumerate(clips):
        for recordings, length in ((4, 16000), (3, 16000), (0, 16000), (4, 1), (4, 2), (0, 777)):
            rng = np.random.default_rng([index, length, recordings])
            made.append(augment.augment(clip[:length], rng, noises[:recordings], CONFIGS[name], steps))
    return np.concatenate(made)


@pytest.mark.usefixtures("backend")
def test_features_are_the_stored_ones() -> None:
    clips, noises = material()
    assert sha256(INTEGER.features(clips, FRONTEND)) == SECONDS
    assert sha256(INTEGER.features(noises[0][None], dataclasses.replace(FRONTEND, clip_samples=40000))) == LONGER
