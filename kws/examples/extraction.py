"""Features of a whole dataset: in parallel, with progress, from the cache where they are known."""

import concurrent.futures
import functools
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from kws.examples import feature_cache
from kws.frontend.arithmetic import INTEGER, Arithmetic
from kws.frontend.compiled import mfcc
from kws.frontend.config import FrontEndConfig, calibrate
from kws.stores.clip_store import Group
from kws_cli.worker_pool import processes_or_cores, start_workers

_CLIPS_PER_TASK = 128


def extract(
    samples: np.ndarray,
    config: FrontEndConfig,
    *,
    processes: int | None = None,
    label: str = "features",
    cache_dir: str | pathlib.Path | None = None,
    arithmetic: Arithmetic = INTEGER,
    stored: Group | None = None,
) -> np.ndarray:
    """The features of many clips; clips per second go to stderr.

    Args:
      samples: int16 [n, clip_samples].
      config: calibrated parameters.
      processes: worker processes; None for one per core.
      label: what the progress bar says.
      cache_dir: where features are kept; None for nowhere.
      arithmetic: what computes them.
      stored: where the samples are kept on disk, which worker processes then read; None where they are in memory.

    Returns:
      int8 (of another arithmetic, its dtype) [n, frames, coefficients, 1], the same for any number of processes.

    Raises:
      ValueError: wrong shape or dtype, or `config` isn't calibrated.
      ExampleError: the cache can't be written.
    """
    shape = (len(samples), *arithmetic.features(samples[:0], config).shape[1:])
    made: list[np.ndarray] = []

    def part(start: int) -> Callable[[], np.ndarray]:
        stop = min(start + _CLIPS_PER_TASK, len(samples))
        if stored is None:
            return functools.partial(np.asarray, samples[start:stop])
        return functools.partial(stored.store.read_clips, start, stop)

    def make() -> np.ndarray:
        started = time.perf_counter()
        made.append(_compute(part, shape, config, arithmetic, processes_or_cores(processes), label))
        seconds = time.perf_counter() - started
        rate = len(samples) / seconds
        print(f"{label}: {len(samples)} clips in {seconds:.1f} s, {rate:.0f} clips/s", file=sys.stderr)
        return made[0]

    if cache_dir is None:
        return make()
    name = feature_cache.key(samples, config, arithmetic, stored.sha256 if stored else None)
    result = feature_cache.kept_or_made(cache_dir, name, shape, arithmetic.dtype, make)
    if not made:
        print(f"{label}: {len(samples)} clips from the cache", file=sys.stderr)
    return result


def calibrate_on_clips(
    samples: np.ndarray, config: FrontEndConfig, *, clips: int = 2000, seed: int = 0, stored: Group | None = None
) -> FrontEndConfig:
    """`calibrate` on at most `clips` of the training clips, drawn with `seed`.

    Args:
      samples: int16 [n, clip_samples].
      stored: where they are kept on disk. Clips here and there of a mapped file would bring all their neighbours into
        memory; None where they are in memory.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(samples))[:clips])
    blocks = (chosen[start : start + _CLIPS_PER_TASK] for start in range(0, len(chosen), _CLIPS_PER_TASK))
    raw = [mfcc(samples[block] if stored is None else _read(stored, block), config) for block in blocks]
    return calibrate(np.concatenate([mfcc(samples[:0], config), *raw]), config)


def _read(stored: Group, numbers: np.ndarray) -> np.ndarray:
    """Clips by their numbers, int16 [n, clip_samples], from disk."""
    return np.concatenate([stored.store.read_clips(number, number + 1) for number in numbers.tolist()])


def _compute(
    part: Callable[[int], Callable[[], np.ndarray]],
    shape: tuple[int, ...],
    config: FrontEndConfig,
    arithmetic: Arithmetic,
    processes: int,
    label: str,
) -> np.ndarray:
    """Features of `shape`; `part` says how the clips of the task that begins with a number are read."""
    result: np.ndarray = np.empty(shape, arithmetic.dtype)
    starts = range(0, len(result), _CLIPS_PER_TASK)
    with tqdm(total=len(result), desc=label, unit="clip", leave=False, disable=None) as progress:
        if min(processes, len(starts)) <= 1:
            for start in starts:
                found = _features_of(part(start), config, arithmetic.features)
                result[start : start + len(found)] = found
                progress.update(len(found))
            return result
        pool = start_workers(processes)
        try:
            tasks = {pool.submit(_features_of, part(start), config, arithmetic.features): start for start in starts}
            for task in concurrent.futures.as_completed(tasks):
                found, start = task.result(), tasks[task]
                result[start : start + len(found)] = found
                progress.update(len(found))
        except BaseException:
            pool.shutdown(wait=False, kill_workers=True)
            raise
        pool.shutdown()
    return result


def _features_of(
    read: Callable[[], np.ndarray], config: FrontEndConfig, features: Callable[[np.ndarray, FrontEndConfig], np.ndarray]
) -> np.ndarray:
    return features(read(), config)
