"""Light worker processes: they import what their task needs and never the parent's main module (with TensorFlow)."""

import contextlib
import multiprocessing.resource_tracker
import os
import signal
import threading
import time
from collections.abc import Iterator

import loky
import loky.backend.resource_tracker
from loky.backend.context import get_context

from kws_cli.cores import usable_cores

_LOOKED_AFTER_S = 1.0
_YIELDING = 10
"""Added to the nice value of workers that leave the cores to their parent."""


def processes_or_cores(processes: int | None) -> int:
    """`processes`, or the number of cores this process may use where it is None.

    Raises:
      ValueError: less than one process.
    """
    if processes is None:
        return usable_cores()
    if processes < 1:
        raise ValueError(f"processes={processes}: at least one is needed")
    return processes


def start_workers(processes: int, yielding: bool = False) -> loky.ProcessPoolExecutor:
    """A pool of `processes` workers that leave Ctrl-C to the parent, which shuts them down.

    They end by themselves, within two seconds, where the parent is killed.

    Args:
      yielding: whether they leave a core to the parent where there are too few for all.
    """
    pool = loky.ProcessPoolExecutor(
        max_workers=processes,
        context=get_context("loky"),
        initializer=_prepare,
        initargs=(os.getpid(), _YIELDING if yielding else 0),
    )
    if threading.current_thread() is not threading.main_thread():
        return pool
    with _interrupted_later(pool):  # the first task starts the workers
        pool.submit(_leave_interrupts_to_parent)
    return pool


@contextlib.contextmanager
def _interrupted_later(pool: loky.ProcessPoolExecutor) -> Iterator[None]:
    """Puts Ctrl-C off to the block's end, which then ends the pool; programs that are started in it get none.

    A worker that has half started would show a traceback, so it inherits that SIGINT is blocked. Where another thread
    takes the signal for the process, or this one when the block ends, it is noted.
    """
    # What starts these would end the blocking.
    multiprocessing.resource_tracker.ensure_running()
    loky.backend.resource_tracker.ensure_running()
    noted: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: noted.append(number))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, previous)
    if noted:
        pool.shutdown(wait=True, kill_workers=True)
        signal.raise_signal(signal.SIGINT)


def _prepare(parent: int, nice: int) -> None:
    """What a worker does first."""
    os.nice(nice)
    _leave_interrupts_to_parent()
    threading.Thread(target=_end_with, args=(parent,), name="end with parent", daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends this process once its parent is another: who has lost its own is given one by the system."""
    while os.getppid() == parent:
        time.sleep(_LOOKED_AFTER_S)
    os._exit(1)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
