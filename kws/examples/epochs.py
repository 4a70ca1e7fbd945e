"""Training epochs: classes sampled, clips augmented, features computed, all afresh for every epoch.

An example depends on (seed, epoch, its index) alone, so an epoch is the same for any number of worker processes.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from kws.examples import compiled_augment
from kws.examples.augment import INT16_MAX, INT16_MIN, AugmentConfig, Steps, augment
from kws.examples.example_error import ExampleError
from kws.frontend import INTEGER, Arithmetic, FrontEndConfig

# draw(rng, noises) -> int16 [any length above 0]
SilenceDraw = Callable[[np.random.Generator, Sequence[np.ndarray]], np.ndarray]

_FROM_SILENCE = -1


@dataclasses.dataclass(frozen=True)
class EpochConfig:
    """What an epoch is made of.

    Attributes:
      frontend: calibrated front end.
      augment: ranges of the augmentation.
      classes: the class of each word; None where every word is a class.
      balanced: a class of one word that is larger than the median class gives a fresh random part of that size, one
        below it is repeated up to `most_repeats` times. In a class of several words, rare ones are repeated towards a
        third of that size each, and the class gives three times that size at most. If false, every clip is drawn once.
      most_repeats: how often a rare word may be repeated.
      silence_word: number of drawn silence among the words; None for an epoch without.
      silence_share: share of drawn silence in an epoch.
      negatives_word: number of the word that stands for seconds of other speech (`kws.datasets.negatives`), which an
        epoch has in the share `negatives_share`, each at most `most_repeats` times; None where there are none.
      neighbour_share: share of the clips beside which another word is heard, cut by the end of the second.
      neighbours: the clips that may be heard so; none for no neighbours.
      rounds: how often an epoch goes over the clips, each time with draws of its own.
      most: examples of an epoch at most, a random part of what it would have, another in each epoch; None for all.
      arithmetic: what computes features.
    """

    frontend: FrontEndConfig
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)
    classes: tuple[int, ...] | None = None
    balanced: bool = True
    most_repeats: int = 3
    silence_word: int | None = None
    silence_share: float = 0.1
    negatives_word: int | None = None
    negatives_share: float = 0.08
    neighbour_share: float = 0.25
    neighbours: tuple[int, ...] = ()
    rounds: int = 1
    most: int | None = None
    arithmetic: Arithmetic = INTEGER

    @property
    def without_word(self) -> tuple[int, ...]:
        """The numbers of the words that are none: drawn silence and negatives."""
        return tuple(word for word in (self.silence_word, self.negatives_word) if word is not None)

    def __post_init__(self) -> None:
        if not self.frontend.calibrated:
            raise ValueError("the front end isn't calibrated: call calibrate on training data first")
        if self.most_repeats < 1:
            raise ValueError(f"most_repeats={self.most_repeats}: expected 1 or more")
        for name in ("silence_share", "negatives_share", "neighbour_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected 0 to below 1")
        if self.rounds < 1:
            raise ValueError(f"rounds={self.rounds}: expected 1 or more")
        if self.most is not None and self.most < 1:
            raise ValueError(f"most={self.most}: expected 1 or more")


def plan(words: np.ndarray, config: EpochConfig, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """What an epoch consists of, in the order of training.

    Args:
      words: int [n], number of the word in each training clip.
      config: how to sample.
      seed: of the run, 0 or more.
      epoch: number of the epoch, 0 or more.

    Returns:
      sources: int64 [m], the clip each example is made from, -1 for drawn silence.
      words: int64 [m], the word of each, `silence_word` for drawn silence.

    Raises:
      ExampleError: no clips.
    """
    if len(words) == 0:
        raise ExampleError("there are no training clips to make an epoch from")
    rng = _generator(seed, epoch, 0)
    words = np.asarray(words)
    sources = np.concatenate([_round(words, config, rng) for _ in range(config.rounds)])
    if config.silence_word is not None:
        silences = round(len(sources) * config.silence_share / (1 - config.silence_share))
        sources = np.concatenate([sources, np.full(silences, _FROM_SILENCE)])
    sources = rng.permutation(sources)[: config.most].astype(np.int64)
    silence_word = -1 if config.silence_word is None else config.silence_word
    return sources, np.where(sources == _FROM_SILENCE, silence_word, words[sources]).astype(np.int64)


# Of the median class' size: what each word of a class of several is repeated towards, and what such a class gives.
_WORD_SHARE, CLASS_SHARE = 1 / 3, 3


def _round(words: np.ndarray, config: EpochConfig, rng: np.random.Generator) -> np.ndarray:
    return _balanced(words, config, rng) if config.balanced else np.arange(len(words))


def _balanced(words: np.ndarray, config: EpochConfig, rng: np.random.Generator) -> np.ndarray:
    chosen = _balanced_words(words, config, rng)
    if config.negatives_word is None:
        return chosen
    negatives = np.flatnonzero(words == config.negatives_word)
    aim = max(1, round(len(chosen) * config.negatives_share / (1 - config.negatives_share)))
    return np.concatenate([chosen, _repeated(negatives, aim, config.most_repeats, rng)[:aim]])


def _balanced_words(words: np.ndarray, config: EpochConfig, rng: np.random.Generator) -> np.ndarray:
    classes: dict[int, list[np.ndarray]] = {}
    for word in np.unique(words[words != config.negatives_word] if config.negatives_word is not None else words):
        classes.setdefault(config.classes[word] if config.classes else int(word), []).append(
            np.flatnonzero(words == word)
        )
    median = int(np.median([sum(map(len, members)) for members in classes.values()]))
    drawn = []
    for members in classes.values():
        several = len(members) > 1
        aim = max(1, round(median * _WORD_SHARE)) if several else median
        clips = np.concatenate([_repeated(clips, aim, config.most_repeats, rng) for clips in members])
        drawn.append(rng.permutation(clips)[: CLASS_SHARE * median] if several else clips[:median])
    return np.concatenate(drawn)


def _repeated(clips: np.ndarray, aim: int, most_repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Every clip once, and again in rounds up to `aim` clips."""
    repeats = min(most_repeats, -(-aim // len(clips)))
    return np.concatenate([rng.permutation(clips) for _ in range(repeats)])[: max(len(clips), aim)]


def _generator(seed: int, epoch: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, epoch, number]))


def prepare(config: EpochConfig) -> None:
    """Compiles what `examples` uses; called before worker processes start, so that not each of them does."""
    compiled_augment.steps()
    config.arithmetic.features(np.empty((0, config.frontend.clip_samples), np.int16), config.frontend)


def examples(
    clips: Callable[[int], np.ndarray],
    noises: Sequence[np.ndarray],
    silence_draw: SilenceDraw | None,
    sources: np.ndarray,
    first: int,
    config: EpochConfig,
    seed: int,
    epoch: int,
) -> np.ndarray:
    """Features of the examples `first`, `first + 1`, ... of an epoch.

    Args:
      clips: gives a training clip, int16 [clip_samples], by its number.
      noises: background recordings, int16 [any length].
      silence_draw: draws a clip of silence.
      sources: int64 [k], their part of `plan`'s sources.
      first: index of the first of them in the epoch.
      config, seed, epoch: as for `plan`.

    Returns:
      int8 (of another arithmetic, its dtype) [k, frames, coefficients, 1].
    """
    steps = compiled_augment.steps()
    samples = variants(clips, noises, silence_draw, sources, first, config, seed, epoch, steps)
    return config.arithmetic.features(samples, config.frontend)


def variants(
    clips: Callable[[int], np.ndarray],
    noises: Sequence[np.ndarray],
    silence_draw: SilenceDraw | None,
    sources: np.ndarray,
    first: int,
    config: EpochConfig,
    seed: int,
    epoch: int,
    steps: Steps,
) -> np.ndarray:
    """The samples of `examples`, int16 [k, clip_samples]: augmented clips and drawn silence; `steps` computes them."""
    samples = np.empty((len(sources), config.frontend.clip_samples), np.int16)
    for row, source in enumerate(sources):
        rng = _generator(seed, epoch, first + row + 1)
        if source == _FROM_SILENCE:
            if silence_draw is None:
                raise ValueError("silence_word is given, but no function that draws silence")
            samples[row] = _filled(silence_draw, rng, noises, samples.shape[1])
        else:
            samples[row] = augment(_heard(clips, int(source), rng, config), rng, noises, config.augment, steps)
    return samples


# How far from the clip's own beginning, or end, a neighbour begins, or ends, as a share of the clip.
_NEIGHBOUR_AWAY = (0.5, 0.9)


def _heard(
    clips: Callable[[int], np.ndarray], source: int, rng: np.random.Generator, config: EpochConfig
) -> np.ndarray:
    """A clip, int16 [clip_samples]; sometimes with a part of another word before or behind it."""
    clip = clips(source)
    if not config.neighbours or rng.uniform() >= config.neighbour_share:
        return clip
    away = int(rng.uniform(*_NEIGHBOUR_AWAY) * len(clip))
    other = clips(config.neighbours[int(rng.integers(len(config.neighbours)))]).astype(np.int32)
    both = clip.astype(np.int32)
    if rng.uniform() < 0.5:
        both[away:] += other[: len(both) - away]
    else:
        both[: len(both) - away] += other[away:]
    return np.clip(both, INT16_MIN, INT16_MAX).astype(np.int16)


def _filled(
    silence_draw: SilenceDraw, rng: np.random.Generator, noises: Sequence[np.ndarray], length: int
) -> np.ndarray:
    """Drawn silence of a clip's length: of a longer draw the start, of shorter ones several."""
    drawn = silence_draw(rng, noises)
    while len(drawn) < length:
        drawn = np.concatenate([drawn, silence_draw(rng, noises)])
    return drawn[:length]


def epoch_examples(
    samples: np.ndarray,
    words: np.ndarray,
    noises: Sequence[np.ndarray],
    silence_draw: SilenceDraw | None,
    config: EpochConfig,
    *,
    seed: int,
    epoch: int,
) -> tuple[np.ndarray, np.ndarray]:
    """One epoch, computed in this process: what `EpochProducer.epoch` gives.

    Args:
      samples: int16 [n, clip_samples], the training clips.
      words: int [n], as for `plan`.
      noises: background recordings, int16 [any length].
      silence_draw: draws a clip of silence; None if `config.silence_word` is None.
      config: what the epoch is made of.
      seed: of the run.
      epoch: number of the epoch.

    Returns:
      features int8 [m, frames, coefficients, 1] and words int64 [m].
    """
    sources, drawn = plan(words, config, seed, epoch)
    return examples(samples.__getitem__, noises, silence_draw, sources, 0, config, seed, epoch), drawn
