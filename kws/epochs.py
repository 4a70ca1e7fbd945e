"""Training epochs: classes sampled, clips augmented, features computed, all afresh for every epoch.

An example depends on (seed, epoch, its index) alone, so an epoch is the same for any number of worker processes.
Runs of one seed share their epochs, which a folder can keep (`cache_dir`).
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
import inspect
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from cli.command import UserError
from kws import augment as augmentation
from kws import feature_cache
from kws.augment import AugmentConfig, augment
from kws.frontend import FrontEndConfig, features
from kws.sample_store import SampleStore
from kws.worker_pool import processes_or_cores, start_workers

# draw(rng, noises) -> int16 [clip_samples]
SilenceDraw = Callable[[np.random.Generator, Sequence[np.ndarray]], np.ndarray]

_FROM_SILENCE = -1
_EXAMPLES_PER_TASK = 64


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


@functools.lru_cache(maxsize=1)
def _opened(store: SampleStore) -> tuple[Callable[[int], np.ndarray], list[np.ndarray]]:
    """What a worker reads once, whatever the number of its tasks."""
    return store.open_clips(), store.read_noises()


def _work(
    store: SampleStore,
    silence_draw: SilenceDraw | None,
    sources: np.ndarray,
    first: int,
    config: EpochConfig,
    seed: int,
    epoch: int,
) -> np.ndarray:
    clips, noises = _opened(store)
    return examples(clips, noises, silence_draw, sources, first, config, seed, epoch)


def _key(
    samples: np.ndarray,
    labels: np.ndarray,
    noises: Sequence[np.ndarray],
    silence_draw: SilenceDraw | None,
    config: EpochConfig,
    seed: int,
) -> str:
    """A name for all that epochs depend on, the code that makes them included: 64 hexadecimal digits."""
    modules = [sys.modules[__name__], augmentation, *([inspect.getmodule(silence_draw)] if silence_draw else [])]
    digest = hashlib.sha256(repr([feature_cache.ARITHMETIC_VERSION, config, seed, samples.shape]).encode())
    for part in (*(inspect.getsource(module).encode() for module in modules), samples, np.asarray(labels), *noises):
        digest.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return digest.hexdigest()


class EpochProducer:
    """Makes epochs in worker processes; while one is trained on, the next is made.

    A context manager: leaving it, also by Ctrl-C, ends the workers and removes their files.
    """

    def __init__(
        self,
        samples: np.ndarray,
        labels: np.ndarray,
        noises: Sequence[np.ndarray],
        silence_draw: SilenceDraw | None,
        config: EpochConfig,
        *,
        seed: int,
        epochs: int | None = None,
        processes: int | None = None,
        scratch_dir: str | None = None,
        cache_dir: str | pathlib.Path | None = None,
    ) -> None:
        """Args as for `epoch_examples`, and:

        Args:
          silence_draw: must be importable by its module and name, from a module without TensorFlow.
          epochs: number of epochs in all, so that none is made in vain; None if not known.
          processes: worker processes; None for one per core.
          scratch_dir: where the clips are copied to for the workers; None for the system's folder.
          cache_dir: where epochs are kept for other runs, some 490 bytes for an example; None to keep none.

        Raises:
          ValueError: wrong shapes or dtypes, or silence without a function that draws it.
          UserError: the clips can't be written to `scratch_dir`.
        """
        if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] != config.frontend.clip_samples:
            raise ValueError(
                f"samples of {samples.dtype} {samples.shape}: expected int16 [n, {config.frontend.clip_samples}]"
            )
        if len(labels) != len(samples):
            raise ValueError(f"{len(labels)} labels for {len(samples)} clips")
        if any(noise.dtype != np.int16 or noise.ndim != 1 or not len(noise) for noise in noises):
            raise ValueError("noises: expected int16 [any length above 0] each")
        if config.silence_label is not None and silence_draw is None:
            raise ValueError("silence_label is given, but no function that draws silence")
        self._labels = np.array(labels)
        self._silence_draw = silence_draw
        self._config = config
        self._seed = seed
        self._epochs = epochs
        self._cache_dir = cache_dir
        self._key = _key(samples, labels, noises, silence_draw, config, seed) if cache_dir else ""
        self._pending: dict[int, tuple[np.ndarray, list[concurrent.futures.Future[np.ndarray]]]] = {}
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="epochs-", dir=scratch_dir)
            self._store = SampleStore(self._folder.name, samples.shape[1], tuple(len(noise) for noise in noises))
            self._store.write(samples, noises)
        except OSError as error:
            size = samples.nbytes / 1e6
            raise UserError(f"can't write {size:.0f} MB of clips to {error.filename}: {error.strerror}") from error
        self._pool = start_workers(processes_or_cores(processes))

    def __enter__(self) -> "EpochProducer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workers and removes their files."""
        self._pending.clear()
        self._pool.shutdown(wait=True, kill_workers=True)
        self._folder.cleanup()

    @functools.cached_property
    def examples_per_epoch(self) -> int:
        """Examples in an epoch, the same for all."""
        return len(plan(self._labels, self._config, self._seed, 0)[0])

    def epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Epoch number `epoch`; the one after it is started in the background.

        Returns:
          features int8 [m, frames, coefficients, 1] and labels int64 [m].
        """
        for stale in set(self._pending) - {epoch}:
            for task in self._pending.pop(stale)[1]:
                task.cancel()
        kept = self._kept(epoch)
        if kept is None:
            self._start(epoch)
        labels, tasks = self._pending.pop(epoch, (None, []))
        if (self._epochs is None or epoch + 1 < self._epochs) and not self._is_kept(epoch + 1):
            self._start(epoch + 1)
        if kept is not None:
            return kept
        features = np.concatenate([task.result() for task in tasks])
        if self._cache_dir:
            feature_cache.write(self._cache_dir, self._name(epoch), features)
        return features, labels

    def _name(self, epoch: int) -> str:
        return f"epoch{epoch}-{self._key}"

    def _is_kept(self, epoch: int) -> bool:
        return bool(self._cache_dir) and feature_cache.path(self._cache_dir, self._name(epoch)).is_file()

    def _kept(self, epoch: int) -> tuple[np.ndarray, np.ndarray] | None:
        if not self._cache_dir:
            return None
        labels = plan(self._labels, self._config, self._seed, epoch)[1]
        frontend = self._config.frontend
        shape = (len(labels), frontend.frames, frontend.coefficients, 1)
        features = feature_cache.read(self._cache_dir, self._name(epoch), shape)
        return None if features is None else (features, labels)

    def _start(self, epoch: int) -> None:
        if epoch in self._pending:
            return
        sources, labels = plan(self._labels, self._config, self._seed, epoch)
        tasks = [
            self._pool.submit(
                _work,
                self._store,
                self._silence_draw,
                sources[first : first + _EXAMPLES_PER_TASK],
                first,
                self._config,
                self._seed,
                epoch,
            )
            for first in range(0, len(sources), _EXAMPLES_PER_TASK)
        ]
        self._pending[epoch] = labels, tasks
