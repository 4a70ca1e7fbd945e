"""Features of a whole dataset: in parallel, with progress, from the cache where they are known."""

import concurrent.futures
import pathlib
import sys
import time

import numpy as np
from tqdm import tqdm

from kws.examples import feature_cache
from kws.examples.worker_pool import processes_or_cores, start_workers
from kws.frontend.arithmetic import INTEGER, Arithmetic
from kws.frontend.cepstrum import mfcc
from kws.frontend.config import FrontEndConfig, calibrate

_CLIPS_PER_TASK = 128


def extract(
    samples: np.ndarray,
    config: FrontEndConfig,
    *,
    processes: int | None = None,
    label: str = "features",
    cache_dir: str | pathlib.Path | None = None,
    arithmetic: Arithmetic = INTEGER,
) -> np.ndarray:
    """The features of many clips; clips per second go to stderr.

    Args:
      samples: int16 [n, clip_samples].
      config: calibrated parameters.
      processes: worker processes; None for one per core.
      label: what the progress bar says.
      cache_dir: where features are kept; None for nowhere.
      arithmetic: what computes them.

    Returns:
      int8 (of another arithmetic, its dtype) [n, frames, coefficients, 1], the same for any number of processes.

    Raises:
      ValueError: wrong shape or dtype, or `config` isn't calibrated.
      ExampleError: the cache can't be written.
    """
    result = arithmetic.features(samples[:0], config)
    shape = (len(samples), *result.shape[1:])
    name = feature_cache.key(samples, config, arithmetic) if cache_dir is not None else ""
    cached = feature_cache.read(cache_dir, name, shape, arithmetic.dtype) if cache_dir is not None else None
    if cached is not None:
        print(f"{label}: {len(samples)} clips from the cache", file=sys.stderr)
        return cached
    started = time.perf_counter()
    result = _compute(samples, config, arithmetic, shape, processes_or_cores(processes), label)
    seconds = time.perf_counter() - started
    print(f"{label}: {len(samples)} clips in {seconds:.1f} s, {len(samples) / seconds:.0f} clips/s", file=sys.stderr)
    if cache_dir is not None:
        feature_cache.write(cache_dir, name, result)
    return result


def _compute(
    samples: np.ndarray,
    config: FrontEndConfig,
    arithmetic: Arithmetic,
    shape: tuple[int, ...],
    processes: int,
    label: str,
) -> np.ndarray:
    result: np.ndarray = np.empty(shape, arithmetic.dtype)
    starts = range(0, len(samples), _CLIPS_PER_TASK)
    with tqdm(total=len(samples), desc=label, unit="clip", leave=False, disable=None) as progress:
        if min(processes, len(starts)) <= 1:
            for start in starts:
                part = arithmetic.features(samples[start : start + _CLIPS_PER_TASK], config)
                result[start : start + len(part)] = part
                progress.update(len(part))
            return result
        pool = start_workers(processes)
        try:
            tasks = {
                pool.submit(arithmetic.features, samples[start : start + _CLIPS_PER_TASK], config): start
                for start in starts
            }
            for task in concurrent.futures.as_completed(tasks):
                part, start = task.result(), tasks[task]
                result[start : start + len(part)] = part
                progress.update(len(part))
        except BaseException:
            pool.shutdown(wait=False, kill_workers=True)
            raise
        pool.shutdown()
    return result


def calibrate_on_clips(
    samples: np.ndarray, config: FrontEndConfig, *, clips: int = 2000, seed: int = 0
) -> FrontEndConfig:
    """`calibrate` on at most `clips` of the training clips `samples` (int16 [n, clip_samples]), drawn with `seed`."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(samples))[:clips])
    return calibrate(mfcc(samples[chosen], config), config)
