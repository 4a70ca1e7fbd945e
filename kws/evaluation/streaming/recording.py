"""Long recordings composed of a split's clips and noises: words at known times, to the bit the same for a seed."""

import dataclasses
import math
from typing import Any

import numpy as np
from tqdm import tqdm

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE, SPLITS, Clips, Dataset
from kws.evaluation.evaluation_error import EvaluationError

TOLERANCE_SECONDS = 1.0
SCENE_SECONDS = 60
# Keeps this stream of random numbers apart from others of the same seed.
_DOMAIN = 0x57AE
_FADE_SAMPLES = SAMPLE_RATE // 100
_MOST_HOURS = 24.0


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a recording is made; every figure depends on all of it.

    A recording is a row of scenes of a minute each. A scene has one background, a random stretch of one of the split's
    noises, at one of `snr_db`; the ratios take turns in a shuffled order. In it words are spoken one after the other
    with a pause before each: a keyword with probability `keyword_share`, else another word, every clip of the split
    once before any is heard again. A clip's level is the reference (the median RMS of the split's words) plus
    a draw from `gain_db`; the noise's is the reference minus the scene's `snr_db`. Without other words in the dataset
    only keywords are spoken.

    Attributes:
      split: the split whose clips and noises are used.
      hours: of sound, in whole minutes.
      seed: of every draw.
      snr_db: the scenes' ratios of words to noise.
      pause_seconds: shortest and longest pause before a word.
      gain_db: lowest and highest level of a word, relative to the reference.
      keyword_share: of the words.

    Raises:
      EvaluationError: hours or seed out of range.
    """

    split: str = "testing"
    hours: float = 2.0
    seed: int = 0
    snr_db: tuple[float, ...] = (30.0, 20.0, 10.0, 5.0, 0.0)
    pause_seconds: tuple[float, float] = (0.5, 3.5)
    gain_db: tuple[float, float] = (-6.0, 6.0)
    keyword_share: float = 0.5

    def __post_init__(self) -> None:
        if not SCENE_SECONDS / 3600 <= self.hours <= _MOST_HOURS:
            raise EvaluationError(
                f"hours={self.hours}: give {SCENE_SECONDS / 3600:.3f} (a minute) to {_MOST_HOURS:.0f}"
            )
        if self.seed < 0:
            raise EvaluationError(f"seed={self.seed} is negative: give 0 or more")

    @property
    def scenes(self) -> int:
        return round(self.hours * 3600 / SCENE_SECONDS)

    def to_json(self) -> dict[str, Any]:
        fields = dataclasses.asdict(self) | {"scene_seconds": SCENE_SECONDS}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


@dataclasses.dataclass(frozen=True)
class Recording:
    """A recording and the words in it.

    Attributes:
      samples: int16 [n] at 16 kHz.
      starts: int64 [words], the first sample of each word's clip, rising.
      labels: int64 [words], index into the dataset's labels.
      snr_db: float [words], of the scene around each word.
      names: of the words' clips.
      clip_samples: length of a clip.
    """

    samples: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    snr_db: np.ndarray
    names: tuple[str, ...]
    clip_samples: int = CLIP_SAMPLES

    @property
    def reach_samples(self) -> int:
        """From a clip's start, how long its word may be detected: until a second after its end."""
        return self.clip_samples + round(TOLERANCE_SECONDS * SAMPLE_RATE)

    @property
    def hours(self) -> float:
        return len(self.samples) / SAMPLE_RATE / 3600


def compose(dataset: Dataset, recipe: Recipe) -> Recording:
    """Composes a recording, with progress on stderr.

    Raises:
      EvaluationError: the split has no keywords or no noises.
    """
    clips, noises = dataset.splits[recipe.split], dataset.noises[recipe.split]
    indices, keyword = spoken(dataset.labels, clips)
    if not keyword.any():
        raise EvaluationError(f"the {recipe.split} split has no keywords: give a dataset that has some")
    if not noises:
        raise EvaluationError(
            f"the {recipe.split} split has no background noise: put recordings into _background_noise_"
        )
    rng = np.random.default_rng(np.random.SeedSequence([_DOMAIN, recipe.seed, SPLITS.index(recipe.split)]))
    keywords, others = _Turns(rng, indices[keyword]), _Turns(rng, indices[~keyword])
    ratios = _Turns(rng, np.array(recipe.snr_db))
    levels = np.array([noise.rms(clips.samples[clip]) for clip in indices])
    reference = float(np.median(levels[levels > 0]))
    scene_samples, clip_samples = SCENE_SECONDS * SAMPLE_RATE, clips.samples.shape[1]
    samples = np.empty(recipe.scenes * scene_samples, np.int16)
    words: list[tuple[int, int, float]] = []
    for scene in tqdm(range(recipe.scenes), desc=f"{recipe.split} recording", unit="min", leave=False, disable=None):
        snr_db = float(ratios.draw())
        background = noise.excerpt(rng, noises, scene_samples)
        sound = noise.with_rms(background, reference * 10 ** (-snr_db / 20))
        position = _pause(rng, recipe)
        while position + clip_samples <= scene_samples:
            wanted = keywords if len(others) == 0 or rng.uniform() < recipe.keyword_share else others
            clip = int(wanted.draw())
            level = reference * 10 ** (rng.uniform(*recipe.gain_db) / 20)
            sound[position : position + clip_samples] += fade(
                noise.with_rms(clips.samples[clip].astype(np.float64), level)
            )
            words.append((scene * scene_samples + position, clip, snr_db))
            position += clip_samples + _pause(rng, recipe)
        samples[scene * scene_samples : (scene + 1) * scene_samples] = noise.to_int16(sound)
    chosen = np.array([clip for _, clip, _ in words], np.int64)
    return Recording(
        samples,
        np.array([start for start, _, _ in words], np.int64),
        clips.labels[chosen],
        np.array([snr_db for _, _, snr_db in words]),
        tuple(clips.names[clip] for clip in chosen),
        clip_samples,
    )


class _Turns:
    """Draws from `values` in a shuffled order, every one once before any comes again."""

    def __init__(self, rng: np.random.Generator, values: np.ndarray) -> None:
        self._rng, self._values = rng, values
        self._left: list[Any] = []

    def __len__(self) -> int:
        return len(self._values)

    def draw(self) -> Any:
        if not self._left:
            self._left = self._rng.permutation(self._values).tolist()
        return self._left.pop()


def spoken(labels: tuple[str, ...], clips: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Indices int64 [n] of the clips in which a word is heard, and which of them are keywords, bool [n]."""
    silence = np.array([name == "_silence_" for name in labels])
    special = np.array([name.startswith("_") for name in labels])
    loud = clips.samples.any(axis=1)
    indices = np.flatnonzero(~silence[clips.labels] & loud)
    return indices, ~special[clips.labels[indices]]


def _pause(rng: np.random.Generator, recipe: Recipe) -> int:
    return math.floor(rng.uniform(*recipe.pause_seconds) * SAMPLE_RATE)


def fade(clip: np.ndarray) -> np.ndarray:
    """10 ms of fading in and out, so that a clip's own noise does not begin with a click; float64 [16000]."""
    ramp = np.arange(1, _FADE_SAMPLES + 1) / (_FADE_SAMPLES + 1)
    clip[:_FADE_SAMPLES] *= ramp
    clip[-_FADE_SAMPLES:] *= ramp[::-1]
    return clip
