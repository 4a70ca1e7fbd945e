"""Reads files in worker processes, ahead of whoever takes what is in them, in the files' order."""

import concurrent.futures
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from kws.datasets.recordings.cluster import by_cluster
from kws_cli.worker_pool import start_workers

_FILES_PER_TASK = 32
_TASKS_AHEAD = 3
# A worker starts in a second, in which one process reads more than so many.
_LEAST_FILES_OF_A_WORKER = 1024

Job = TypeVar("Job")
Value = TypeVar("Value")


def in_order(
    jobs: Sequence[Job], read: Callable[[Job], Value], processes: int, cluster: str | None = None
) -> Generator[Value, None, None]:
    """What `read` gives of each job, in their order; exceptions too come when it is their turn.

    Few jobs are read in this process, whatever there is beside it.

    Args:
      read: importable by its module and name, or a `functools.partial` of such a function.
      processes: that may read on this machine.
      cluster: address of a Ray cluster that reads instead of them; None for none.

    Raises:
      DatasetError: as `kws.datasets.recordings.cluster.by_cluster` does.
    """
    if cluster and len(jobs) >= _LEAST_FILES_OF_A_WORKER:
        yield from by_cluster(jobs, read, cluster)
        return
    processes = min(processes, len(jobs) // _LEAST_FILES_OF_A_WORKER)
    if processes > 1:
        yield from _by_workers(jobs, read, processes)
        return
    for job in jobs:
        yield read(job)


def _by_workers(jobs: Sequence[Job], read: Callable[[Job], Value], processes: int) -> Generator[Value, None, None]:
    pool = start_workers(processes)
    ahead: deque[concurrent.futures.Future[list[Value]]] = deque()
    try:
        for start in range(0, len(jobs), _FILES_PER_TASK):
            ahead.append(pool.submit(_read, read, jobs[start : start + _FILES_PER_TASK]))
            if len(ahead) > _TASKS_AHEAD * processes:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _read(read: Callable[[Job], Value], jobs: Sequence[Job]) -> list[Value]:
    return [read(job) for job in jobs]
