"""Negatives that espeak-ng speaks: a folder of recordings (`kws.datasets.negatives.folder`) without keywords.

One voice reads a few sentences or lists of words of its split in one room at one level, then the next one does. Beside
the speech there is noise: white, pink, brown, hum and babble. No voice, word of its own or stretch of noise is in two
splits. A folder is made once for a set of keywords, and kept where decoded clips are kept.
"""

import atexit
import contextlib
import functools
import hashlib
import json
import pathlib
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
import soundfile
from tqdm import tqdm

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE, SPLITS
from kws.datasets.negatives import texts
from kws.datasets.synthetic import espeak, voices
from kws.datasets.synthetic.utterance import resample
from kws.datasets.word_folders import as_said
from kws.stores import cache_dir
from kws.stores.code_identity import code_sha256
from kws.stores.store_error import StoreError
from kws_cli import atomic, file_lock, held_folder

MINUTES = {"training": 18.0, "validation": 15.0, "testing": 20.0}
NOISE_MINUTES = 1.0
_LIBRARIES = ("numpy", "espeakng-loader")
_SEED = 5_000_003
_INVENTED = 1200
_FOLDER = "negatives"
_TEXTS_OF_A_VOICE = (3, 8)
_RATES, _PITCHES, _PITCH_RANGES = (120, 210), (25, 75), (30, 70)
_PAUSE_SECONDS = (0.2, 0.9)
_PEAK_DB = (-24.0, -3.0)
_NOISE_DB = (20.0, 45.0)
_NOISE_RMS = 1500.0


def folder(keywords: Sequence[str], cache: str | None) -> pathlib.Path:
    """The folder of negatives for these keywords, made where there is none.

    Args:
      cache: the folder for caches, as `DatasetConfig.cache_dir`; where none is kept or it can't be written, the folder
        is temporary and goes with this process.
    """
    wanted, name = tuple(sorted(set(keywords))), identity(keywords)
    if cache != "":
        with contextlib.suppress(OSError, StoreError):
            return _kept(cache_dir.of_clips(cache).parent / _FOLDER / name, wanted)
    return _temporary(wanted)


def identity(keywords: Sequence[str]) -> str:
    """The name of what is spoken for these keywords, 16 hexadecimal digits: of another text or voice it is another."""
    code = code_sha256([folder, texts.says], _LIBRARIES)
    return hashlib.sha256(json.dumps([sorted(set(keywords)), code]).encode()).hexdigest()[:16]


def _kept(place: pathlib.Path, keywords: tuple[str, ...]) -> pathlib.Path:
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = file_lock.take(place.with_suffix(".lock"), needed=False)
        with lock or contextlib.nullcontext():
            if not place.is_dir():
                with atomic.writing(place) as fresh:
                    _make(fresh, keywords)
    return place


@functools.cache
def _temporary(keywords: tuple[str, ...]) -> pathlib.Path:
    place = _OF_THIS_PROCESS.enter_context(held_folder.made("negatives-")) / "spoken"
    _make(place, keywords)
    return place


_OF_THIS_PROCESS = contextlib.ExitStack()
atexit.register(_OF_THIS_PROCESS.close)


def _make(place: pathlib.Path, keywords: tuple[str, ...]) -> None:
    minutes = sum(MINUTES.values())
    print(
        f"negatives: espeak-ng speaks {minutes:.0f} minutes of other words and sentences, without "
        f"{', '.join(keywords)}: half a minute on a free core, once, kept for other runs (--negatives=DIR takes your "
        "own recordings, --negatives=none leaves them out)",
        file=sys.stderr,
    )
    started = time.monotonic()
    place.mkdir()
    with tqdm(total=round(60 * minutes), desc="speak", unit="s", file=sys.stderr, disable=None) as progress:
        for split, length in MINUTES.items():
            samples = speech(split, keywords, length * 60, progress)
            soundfile.write(place / f"speech_{split}.wav", samples, SAMPLE_RATE, subtype="PCM_16")
            quiet = noises(split, samples)
            soundfile.write(place / f"noise_{split}.wav", quiet, SAMPLE_RATE, subtype="PCM_16")
    print(f"negatives: spoken in {time.monotonic() - started:.0f} s", file=sys.stderr)


def speech(split: str, keywords: Sequence[str], seconds: float, progress: tqdm | None = None) -> np.ndarray:
    """Some `seconds` of a split's voices, none of which says a keyword: int16 [n]; the same at every call."""
    rng = np.random.default_rng(np.random.SeedSequence([_SEED, SPLITS.index(split)]))
    spoken = texts.endless(split, keywords, rng, unlike(texts.invented(split, _INVENTED), keywords))
    parts, length = [], 0
    while length < seconds * SAMPLE_RATE:
        parts.append(_passage(split, spoken, rng))
        length += len(parts[-1])
        if progress is not None:
            progress.update(len(parts[-1]) // SAMPLE_RATE)
    return np.concatenate(parts)


def unlike(words: Sequence[str], keywords: Sequence[str]) -> list[str]:
    """Those of `words` that don't sound as if they said a keyword, in any accent: "dore" says "door"."""
    said = [False] * len(words)
    for accent in voices.ACCENTS:
        sounds = espeak.phonemes(words, accent)
        wanted = [sound for sound in espeak.phonemes([as_said(keyword) for keyword in keywords], accent) if sound]
        said = [one or any(sound in own for sound in wanted) for one, own in zip(said, sounds, strict=True)]
    return [word for word, one in zip(words, said, strict=True) if not one]


def noises(split: str, spoken: np.ndarray) -> np.ndarray:
    """A minute of noises at several levels, int16 [n].

    Args:
      spoken: int16, speech that the babble is made of.
    """
    rng = np.random.default_rng(np.random.SeedSequence([_SEED, 1, SPLITS.index(split)]))
    count = round(NOISE_MINUTES * 60 * SAMPLE_RATE / 5)
    clips = spoken[: len(spoken) // CLIP_SAMPLES * CLIP_SAMPLES].reshape(-1, CLIP_SAMPLES)
    loud = clips[np.array([noise.rms(clip) > 1 for clip in clips])]
    kinds = [noise.coloured(rng, count, slope) for slope in noise.COLOURS.values()]
    kinds += [noise.hum(rng, count) + 0.05 * noise.coloured(rng, count, 1.0), noise.babble(rng, loud, count)]
    return np.concatenate([noise.to_int16(noise.with_rms(kind, _NOISE_RMS)) for kind in kinds])


def _passage(split: str, spoken: Iterator[str], rng: np.random.Generator) -> np.ndarray:
    """What one voice says in one room: int16 [n]."""
    variants = voices.VARIANTS[split]
    voice = f"{voices.ACCENTS[rng.integers(len(voices.ACCENTS))]}+{variants[rng.integers(len(variants))]}"
    rate, pitch = int(rng.integers(*_RATES)), int(rng.integers(*_PITCHES))
    parts = []
    for _ in range(rng.integers(*_TEXTS_OF_A_VOICE)):
        seed, span = int(rng.integers(1, 2**31 - 1)), int(rng.integers(*_PITCH_RANGES))
        raw = espeak.speak(next(spoken), voice, rate=rate, pitch=pitch, pitch_range=span, seed=seed)
        parts += [resample(raw.astype(np.float64)), np.zeros(round(rng.uniform(*_PAUSE_SECONDS) * SAMPLE_RATE))]
    sound = _in_a_room(np.concatenate(parts), rng)
    sound *= noise.INT16_MAX * 10 ** (rng.uniform(*_PEAK_DB) / 20) / max(np.max(np.abs(sound)), 1e-9)
    background = noise.coloured(rng, len(sound), rng.uniform(0.0, 2.0))
    return noise.to_int16(sound + noise.with_rms(background, noise.rms(sound) * 10 ** (-rng.uniform(*_NOISE_DB) / 20)))


def _in_a_room(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float64 [n] coloured by a microphone (a spectral tilt of -3 to 3 dB per octave) and a small room's echo."""
    size = 1 << (len(samples) + SAMPLE_RATE).bit_length()
    spectrum = np.fft.rfft(samples, size)
    frequencies = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    octaves = np.log2(np.maximum(frequencies, 100.0) / 1000.0)
    spectrum *= np.where(frequencies < 60.0, 0.0, 10 ** (rng.uniform(-3, 3) * octaves / 20))
    tail = rng.standard_normal(round(rng.uniform(0.1, 0.4) * SAMPLE_RATE))
    tail *= 10 ** (-3 * np.arange(len(tail)) / len(tail))
    tail *= 10 ** (-rng.uniform(6, 25) / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return np.fft.irfft(spectrum * np.fft.rfft(tail, size), size)[: len(samples)]
