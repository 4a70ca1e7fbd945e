"""Training epochs: classes sampled, clips augmented, features computed, all afresh for every epoch.

An example depends on (seed, epoch, its index) alone, so an epoch is the same for any number of worker processes.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from cli.command import UserError
from kws.augment import AugmentConfig, augment
from kws.frontend import FrontEndConfig, features

# draw(rng, noises) -> int16 [clip_samples]
SilenceDraw = Callable[[np.random.Generator, Sequence[np.ndarray]], np.ndarray]

_FROM_SILENCE = -1


@dataclasses.dataclass(frozen=True)
class EpochConfig:
    """What an epoch is made of.

    Attributes:
      frontend: calibrated front end.
      augment: ranges of the augmentation.
      balanced: a class above the median size gives a fresh random part of that size, one below it is repeated up to
        `most_repeats` times; if false, every clip is drawn once.
      most_repeats: how often a rare class may be repeated.
      silence_label: label of drawn silence; None for an epoch without.
      silence_share: share of drawn silence in an epoch.
    """

    frontend: FrontEndConfig
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)
    balanced: bool = True
    most_repeats: int = 3
    silence_label: int | None = None
    silence_share: float = 0.08

    def __post_init__(self) -> None:
        if not self.frontend.calibrated:
            raise ValueError("the front end isn't calibrated: call calibrate on training data first")
        if self.most_repeats < 1:
            raise ValueError(f"most_repeats={self.most_repeats}: expected 1 or more")
        if not 0 <= self.silence_share < 1:
            raise ValueError(f"silence_share={self.silence_share}: expected 0 to below 1")


def plan(labels: np.ndarray, config: EpochConfig, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """What an epoch consists of, in the order of training.

    Args:
      labels: int [n], of the training clips.
      config: how to sample.
      seed: of the run, 0 or more.
      epoch: number of the epoch, 0 or more.

    Returns:
      sources: int64 [m], the clip each example is made from, -1 for drawn silence.
      labels: int64 [m].

    Raises:
      UserError: no clips.
    """
    if len(labels) == 0:
        raise UserError("there are no training clips to make an epoch from")
    rng = _generator(seed, epoch, 0)
    sources = _balanced(labels, config.most_repeats, rng) if config.balanced else np.arange(len(labels))
    if config.silence_label is not None:
        silences = round(len(sources) * config.silence_share / (1 - config.silence_share))
        sources = np.concatenate([sources, np.full(silences, _FROM_SILENCE)])
    sources = rng.permutation(sources).astype(np.int64)
    silence_label = -1 if config.silence_label is None else config.silence_label
    return sources, np.where(sources == _FROM_SILENCE, silence_label, np.asarray(labels)[sources]).astype(np.int64)


def _balanced(labels: np.ndarray, most_repeats: int, rng: np.random.Generator) -> np.ndarray:
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    target = int(np.median([len(clips) for clips in members]))
    drawn = []
    for clips in members:
        repeats = min(most_repeats, -(-target // len(clips)))
        wanted = min(target, repeats * len(clips))
        rounds = [rng.permutation(clips) for _ in range(repeats)]
        drawn.append(np.concatenate(rounds)[:wanted])
    return np.concatenate(drawn)


def _generator(seed: int, epoch: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, epoch, number]))


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
      int8 [k, frames, coefficients, 1].
    """
    samples = np.empty((len(sources), config.frontend.clip_samples), np.int16)
    for row, source in enumerate(sources):
        rng = _generator(seed, epoch, first + row + 1)
        if source == _FROM_SILENCE:
            if silence_draw is None:
                raise ValueError("silence_label is given, but no function that draws silence")
            samples[row] = silence_draw(rng, noises)
        else:
            samples[row] = augment(clips(int(source)), rng, noises, config.augment)
    return features(samples, config.frontend)


def epoch_examples(
    samples: np.ndarray,
    labels: np.ndarray,
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
      labels: int [n].
      noises: background recordings, int16 [any length].
      silence_draw: draws a clip of silence; None if `config.silence_label` is None.
      config: what the epoch is made of.
      seed: of the run.
      epoch: number of the epoch.

    Returns:
      features int8 [m, frames, coefficients, 1] and labels int64 [m].
    """
    sources, drawn = plan(labels, config, seed, epoch)
    return examples(samples.__getitem__, noises, silence_draw, sources, 0, config, seed, epoch), drawn
