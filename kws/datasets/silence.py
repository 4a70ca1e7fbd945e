"""The `_silence_` class: a clip in which no word is spoken.

Speech Commands has no such clips: published test sets made them from recordings of noise, whose RMS reaches 10,000,
and a microphone in a quiet room gives next to nothing. So every kind is drawn at every level, whatever the level of the
recording that it comes from: digital silence, dither, quiet rooms, hiss of any colour, and recordings.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from kws.datasets import labels, noise
from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.negatives import textures

# Share of each kind; the rest are excerpts of recordings.
_DIGITAL_SHARE = 0.08
_DITHER_SHARE = 0.04
_ROOM_SHARE = 0.2
_HISS_SHARE = 0.12
_ROOM_RMS = (0.5, 200.0)
_HISS_RMS = (200.0, 10_000.0)
_EXCERPT_RMS = (1.0, 10_000.0)
# Of training's clips alone.
_TEXTURE_SHARE = 0.4
# Not the user's seed: validation and testing are the same clips in every run.
_FIXED_SEED = 20180409


def draw(rng: np.random.Generator, noises: Sequence[np.ndarray]) -> np.ndarray:
    """One clip of silence.

    Args:
      rng: gives every random choice.
      noises: background recordings, int16 [any length]; none is allowed, then rooms take their share.

    Returns:
      int16 [16000]: digital silence; dither of one LSB; a quiet room (noise of random slope with or without mains
      hum, RMS 0.5 to 200 LSB); noise of random slope, RMS 200 to 10,000; or an excerpt of a recording, RMS 1 to 10,000
      before what exceeds int16 is clipped. Levels are log-uniform.
    """
    kind = rng.uniform()
    if kind < _DIGITAL_SHARE:
        return np.zeros(CLIP_SAMPLES, np.int16)
    if kind < _DIGITAL_SHARE + _DITHER_SHARE:
        return rng.integers(-1, 2, CLIP_SAMPLES).astype(np.int16)
    if kind < _DIGITAL_SHARE + _DITHER_SHARE + _HISS_SHARE:
        hiss = noise.coloured(rng, CLIP_SAMPLES, rng.uniform(0.0, 2.0))
        return noise.to_int16(hiss * noise.log_uniform(rng, *_HISS_RMS))
    if kind < _DIGITAL_SHARE + _DITHER_SHARE + _HISS_SHARE + _ROOM_SHARE or not noises:
        return noise.to_int16(_room(rng) * noise.log_uniform(rng, *_ROOM_RMS))
    excerpt = noise.excerpt(rng, noises)
    return noise.to_int16(noise.with_rms(excerpt, noise.log_uniform(rng, *_EXCERPT_RMS)))


def draw_for_training(rng: np.random.Generator, noises: Sequence[np.ndarray]) -> np.ndarray:
    """One clip of silence, int16 [16000], as of `draw`, or of a texture, RMS 1 to 10,000: what a network is measured on
    and what it is switched on for are other sounds than those that it was trained on."""
    if rng.uniform() >= _TEXTURE_SHARE:
        return draw(rng, noises)
    return noise.to_int16(textures.texture(rng, CLIP_SAMPLES) * noise.log_uniform(rng, *_EXCERPT_RMS))


def filled(draws: Callable[[], np.ndarray], clip_samples: int) -> np.ndarray:
    """A clip of this length of what is drawn: a part of it, or several draws one behind the other."""
    parts = [draws()]
    while sum(map(len, parts)) < clip_samples:
        parts.append(draws())
    return (parts[0] if len(parts) == 1 else np.concatenate(parts))[:clip_samples]


def fixed_set(
    split: str, count: int, noises: Sequence[np.ndarray], clip_samples: int = CLIP_SAMPLES
) -> list[tuple[str, np.ndarray]]:
    """`count` (name, int16 [clip_samples]) of silence for a split, the same ones whatever the training's seed."""
    clips = []
    for index in range(count):
        rng = np.random.default_rng(np.random.SeedSequence([_FIXED_SEED, SPLITS.index(split), index]))
        samples = filled(functools.partial(draw, rng, noises), clip_samples)
        clips.append((f"{SILENCE}/{split}_{index:05d}", samples))
    return clips


def add_fixed_set(
    config: DatasetConfig, builder: DatasetBuilder, names: tuple[str, ...], noises: dict[str, tuple[np.ndarray, ...]]
) -> None:
    """Gives validation and testing their fixed `_silence_` clips unless the corpus brought its own.

    Args:
      noises: of the splits that are collected; one of which there are none gets no clips.
    """
    keywords = tuple(name for name in names if name not in (SILENCE, UNKNOWN))
    for split in ("validation", "testing"):
        if noises.get(split) and builder.count(split, (SILENCE,)) == 0:
            count = labels.silence_count(config, builder.count(split, keywords))
            for name, samples in fixed_set(split, count, noises[split], config.clip_samples):
                builder.add(split, name, samples, SILENCE, "")


def _room(rng: np.random.Generator) -> np.ndarray:
    room = noise.coloured(rng, CLIP_SAMPLES, rng.uniform(0.0, 2.0))
    if rng.uniform() < 0.4:
        room = room + noise.log_uniform(rng, 0.2, 3.0) * noise.hum(rng, CLIP_SAMPLES)
    return noise.with_rms(room, 1.0)
