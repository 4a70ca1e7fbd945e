"""Light worker processes: they import what their task needs and never the parent's main module (with TensorFlow)."""

import os
import signal

import loky
from loky.backend.context import get_context


def processes_or_cores(processes: int | None) -> int:
    """`processes`, or the number of cores this process may use where it is None.

    Raises:
      ValueError: less than one process.
    """
    if processes is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if processes < 1:
        raise ValueError(f"processes={processes}: at least one is needed")
    return processes


def start_workers(processes: int) -> loky.ProcessPoolExecutor:
    """A pool of `processes` workers that leave Ctrl-C to the parent, which shuts them down."""
    return loky.ProcessPoolExecutor(
        max_workers=processes, context=get_context("loky"), initializer=_leave_interrupts_to_parent
    )


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
