"""The `_silence_` class: one second in which no word is spoken.

Speech Commands has no such clips: published test sets made them from quiet recordings, and a detector trained
on loud background noise alone fails on those. So every level and kind is drawn here: digital silence, dither,
quiet rooms, and recordings from near nothing to full level.
"""

from collections.abc import Sequence

import numpy as np

from kws.datasets import labels, noise
from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import CLIP_SAMPLES, SILENCE, SPLITS, UNKNOWN, DatasetConfig

# Share of each kind; the rest are excerpts of recordings.
_DIGITAL_SHARE = 0.08
_DITHER_SHARE = 0.04
_ROOM_SHARE = 0.28
_ROOM_RMS = (0.5, 200.0)
_QUIETEST_EXCERPT_RMS = 1.0
# Not the user's seed: validation and testing are the same clips in every run.
_FIXED_SEED = 20180409


def draw(rng: np.random.Generator, noises: Sequence[np.ndarray]) -> np.ndarray:
    """One clip of silence.

    Args:
      rng: gives every random choice.
      noises: background recordings, int16 [any length]; none is allowed, then rooms take their share.

    Returns:
      int16 [16000]: digital silence; dither of one LSB; a quiet room (noise of random slope with or without mains
      hum, RMS 0.5 to 200 LSB, log-uniform); or an excerpt of a recording, RMS from 1 LSB to its own, log-uniform.
    """
    kind = rng.uniform()
    if kind < _DIGITAL_SHARE:
        return np.zeros(CLIP_SAMPLES, np.int16)
    if kind < _DIGITAL_SHARE + _DITHER_SHARE:
        return rng.integers(-1, 2, CLIP_SAMPLES).astype(np.int16)
    if kind < _DIGITAL_SHARE + _DITHER_SHARE + _ROOM_SHARE or not noises:
        return noise.to_int16(_room(rng) * noise.log_uniform(rng, *_ROOM_RMS))
    excerpt = noise.excerpt(rng, noises)
    loudest = max(noise.rms(excerpt), _QUIETEST_EXCERPT_RMS)
    return noise.to_int16(noise.with_rms(excerpt, noise.log_uniform(rng, _QUIETEST_EXCERPT_RMS, loudest)))


def fixed_set(split: str, count: int, noises: Sequence[np.ndarray]) -> list[tuple[str, np.ndarray]]:
    """`count` (name, int16 [16000]) of silence for a split, the same in every run whatever the training's seed."""
    clips = []
    for index in range(count):
        rng = np.random.default_rng(np.random.SeedSequence([_FIXED_SEED, SPLITS.index(split), index]))
        clips.append((f"{SILENCE}/{split}_{index:05d}", draw(rng, noises)))
    return clips


def add_fixed_set(
    config: DatasetConfig, builder: DatasetBuilder, names: tuple[str, ...], noises: dict[str, tuple[np.ndarray, ...]]
) -> None:
    """Gives validation and testing their fixed `_silence_` clips unless the corpus brought its own."""
    keywords = tuple(name for name in names if name not in (SILENCE, UNKNOWN))
    for split in ("validation", "testing"):
        if builder.count(split, (SILENCE,)) == 0:
            count = labels.silence_count(config, builder.count(split, keywords))
            for name, samples in fixed_set(split, count, noises[split]):
                builder.add(split, name, samples, SILENCE, "")


def _room(rng: np.random.Generator) -> np.ndarray:
    room = noise.coloured(rng, CLIP_SAMPLES, rng.uniform(0.0, 2.0))
    if rng.uniform() < 0.4:
        room = room + noise.log_uniform(rng, 0.2, 3.0) * noise.hum(rng, CLIP_SAMPLES)
    return noise.with_rms(room, 1.0)
