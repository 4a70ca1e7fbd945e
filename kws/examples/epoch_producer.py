"""Makes training epochs in worker processes, while the one before is trained on.

Runs on the same data share their epochs, which a folder can keep (`cache_dir`).
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from kws.examples import feature_cache
from kws.examples.epochs import EpochConfig, SilenceDraw, examples, plan, prepare
from kws.examples.example_error import ExampleError
from kws.stores.clip_store import Group
from kws.stores.code_identity import code_sha256
from kws.stores.digests import content_sha256, row_digests
from kws.stores.sample_store import SampleStore
from kws_cli import held_folder
from kws_cli.file_lock import FileLock
from kws_cli.worker_pool import processes_or_cores, start_workers

_EXAMPLES_PER_TASK = 64


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
    words: np.ndarray,
    noises: Sequence[np.ndarray],
    silence_draw: SilenceDraw | None,
    config: EpochConfig,
    seed: int,
    sha256: str | None = None,
) -> str:
    """A name for all that epochs depend on, the code that makes them included: 64 hexadecimal digits.

    Args:
      sha256: of the samples, as `content_sha256` of their rows; None where it is not known.
    """
    code = code_sha256([_work, config.arithmetic.features, *([silence_draw] if silence_draw else [])])
    lengths = [len(noise) for noise in noises]
    content = sha256 or content_sha256(row_digests(samples))
    digest = hashlib.sha256(repr([code, config, seed, samples.shape, lengths, content]).encode())
    for part in (np.asarray(words), *noises):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class _Pending:
    """An epoch that is made.

    Attributes:
      words: int64 [m], of its examples.
      tasks: of the workers.
      features: what they give, in one.
    """

    words: np.ndarray
    tasks: list[concurrent.futures.Future[np.ndarray]]
    features: concurrent.futures.Future[np.ndarray]

    def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()


class EpochProducer:
    """Makes epochs in worker processes; while one is trained on, the next is made.

    A context manager: leaving it, also by Ctrl-C, ends the workers and removes their files.
    """

    def __init__(
        self,
        samples: np.ndarray,
        words: np.ndarray,
        noises: Sequence[np.ndarray],
        silence_draw: SilenceDraw | None,
        config: EpochConfig,
        *,
        seed: int,
        epochs: int | None = None,
        processes: int | None = None,
        scratch_dir: str | None = None,
        cache_dir: str | pathlib.Path | None = None,
        stored: Group | None = None,
    ) -> None:
        """Args as for `epoch_examples`, and:

        Args:
          silence_draw: must be importable by its module and name, from a module without TensorFlow.
          epochs: number of epochs in all, so that none is made in vain; None if not known.
          processes: worker processes; None for one per core.
          scratch_dir: where clips in memory are copied to for the workers; None for the system's folder.
          cache_dir: where epochs are kept for other runs, some 490 bytes for an example (1960 where features are
            values); None to keep none. An epoch that several of them want is made by one.
          stored: where `samples` and `noises` are kept on disk, which the workers then read; None where they are in
            memory.

        Raises:
          ValueError: wrong shapes or dtypes, or silence without a function that draws it.
          ExampleError: the clips can't be written to `scratch_dir`.
        """
        if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] != config.frontend.clip_samples:
            raise ValueError(
                f"samples of {samples.dtype} {samples.shape}: expected int16 [n, {config.frontend.clip_samples}]"
            )
        if len(words) != len(samples):
            raise ValueError(f"{len(words)} words for {len(samples)} clips")
        if any(noise.dtype != np.int16 or noise.ndim != 1 or not len(noise) for noise in noises):
            raise ValueError("noises: expected int16 [any length above 0] each")
        if config.silence_word is not None and silence_draw is None:
            raise ValueError("silence_word is given, but no function that draws silence")
        self._words = np.array(words)
        self._silence_draw = silence_draw
        self._config = config
        self._seed = seed
        self._epochs = epochs
        self._cache_dir = cache_dir
        sha256 = stored.sha256 if stored and cache_dir else None
        self._key = _key(samples, words, noises, silence_draw, config, seed, sha256) if cache_dir else ""
        self._pending: dict[int, _Pending] = {}
        self._ends = contextlib.ExitStack()
        self._stored = stored
        self._store = stored.store if stored else self._copied(samples, noises, scratch_dir)
        prepare(config)
        self._pool = start_workers(processes_or_cores(processes), yielding=True)
        self._collector = concurrent.futures.ThreadPoolExecutor(1, "collector")

    def _copied(self, samples: np.ndarray, noises: Sequence[np.ndarray], scratch_dir: str | None) -> SampleStore:
        """The clips on disk until the producer is closed."""
        try:
            folder = self._ends.enter_context(held_folder.made("epochs-", scratch_dir))
            store = SampleStore(str(folder), samples.shape[1], tuple(len(noise) for noise in noises))
            store.write(samples, noises)
        except OSError as error:
            size = samples.nbytes / 1e6
            raise ExampleError(f"can't write {size:.0f} MB of clips to {error.filename}: {error.strerror}") from error
        return store

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
        self._collector.shutdown(wait=True, cancel_futures=True)
        self._ends.close()

    @functools.cached_property
    def examples_per_epoch(self) -> int:
        """Examples in an epoch, the same for all."""
        return len(plan(self._words, self._config, self._seed, 0)[0])

    def epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Epoch number `epoch`; the one after it is started in the background.

        Returns:
          features int8 [m, frames, coefficients, 1] and words int64 [m].
        """
        for stale in set(self._pending) - {epoch}:
            self._pending.pop(stale).cancel()
        kept = self._kept(epoch)
        if kept is None:
            self._start(epoch)
        if (self._epochs is None or epoch + 1 < self._epochs) and not self._is_kept(epoch + 1):
            self._start(epoch + 1)
        return self._awaited(epoch) if kept is None else kept

    def _awaited(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """An epoch that this or another process makes."""
        if epoch not in self._pending:
            kept = self._kept(epoch)
            if kept is not None:
                return kept
            lock = feature_cache.wait_for(str(self._cache_dir), self._name(epoch))
            kept = self._kept(epoch)
            if kept is not None:
                lock.remove()
                return kept
            self._submit(epoch, lock)  # the other one ended before it was done
        pending = self._pending.pop(epoch)
        return pending.features.result(), pending.words

    def first_examples(self, epoch: int, count: int) -> np.ndarray:
        """Features of the first `count` examples of an epoch, int8 [at most count, frames, coefficients, 1].

        For an epoch that nobody trains on: where it isn't kept, no more of it is made.
        """
        kept = self._kept(epoch)
        if kept is not None:
            return kept[0][:count]
        sources = plan(self._words, self._config, self._seed, epoch)[0]
        tasks = self._tasks(epoch, sources, min(count, len(sources)))
        return np.concatenate([task.result() for task in tasks])[:count]

    def _name(self, epoch: int) -> str:
        return f"epoch{epoch}-{self._key}"

    def _is_kept(self, epoch: int) -> bool:
        if not self._cache_dir:
            return False
        return feature_cache.path(self._cache_dir, self._name(epoch)).is_file()

    def _kept(self, epoch: int) -> tuple[np.ndarray, np.ndarray] | None:
        if not self._cache_dir:
            return None
        words = plan(self._words, self._config, self._seed, epoch)[1]
        frontend = self._config.frontend
        shape = (len(words), frontend.frames, frontend.coefficients, 1)
        features = feature_cache.read(self._cache_dir, self._name(epoch), shape, self._config.arithmetic.dtype)
        return None if features is None else (features, words)

    def _start(self, epoch: int) -> None:
        """Starts an epoch, unless it is started already, here or in another process that keeps epochs in the folder."""
        if epoch in self._pending:
            return
        if not self._cache_dir:
            self._submit(epoch, None)
            return
        lock = feature_cache.claim(self._cache_dir, self._name(epoch), wait=False)
        if lock and self._is_kept(epoch):
            lock.remove()  # it was finished a moment ago
        elif lock:
            self._submit(epoch, lock)

    def _submit(self, epoch: int, lock: FileLock | None) -> None:
        sources, words = plan(self._words, self._config, self._seed, epoch)
        tasks = self._tasks(epoch, sources, len(sources))
        self._pending[epoch] = _Pending(words, tasks, self._collector.submit(self._collect, epoch, tasks, lock))

    def _tasks(self, epoch: int, sources: np.ndarray, count: int) -> list[concurrent.futures.Future[np.ndarray]]:
        """What makes the first `count` examples, and what else is in the last one's task."""
        return [
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
            for first in range(0, count, _EXAMPLES_PER_TASK)
        ]

    def _collect(
        self, epoch: int, tasks: list[concurrent.futures.Future[np.ndarray]], lock: FileLock | None
    ) -> np.ndarray:
        """Waits for an epoch and keeps it, however long it takes until someone here asks for it."""
        try:
            features = np.concatenate([task.result() for task in tasks])
            if self._cache_dir:
                feature_cache.write(self._cache_dir, self._name(epoch), features)
            return features
        finally:
            if lock:
                lock.remove()
