"""Light worker processes: they import what their task needs and never the parent's main module (with TensorFlow)."""

import signal
import threading

import loky
from loky.backend.context import get_context

from cli.cores import usable_cores


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


def start_workers(processes: int) -> loky.ProcessPoolExecutor:
    """A pool of `processes` workers that leave Ctrl-C to the parent, which shuts them down."""
    pool = loky.ProcessPoolExecutor(
        max_workers=processes, context=get_context("loky"), initializer=_leave_interrupts_to_parent
    )
    if threading.current_thread() is not threading.main_thread():
        return pool
    # The first task starts the workers, which inherit what the signal does: no traceback from a half-started one.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pool.submit(_leave_interrupts_to_parent)
    finally:
        signal.signal(signal.SIGINT, previous)
    return pool


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
