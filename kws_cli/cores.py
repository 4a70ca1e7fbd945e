"""How many cores this process may use: those of its affinity, or fewer where a control group limits their time.

A batch system or a container gives a job a few cores of a large machine, in one of these two ways. Source of the files:
Linux' Documentation/admin-guide/cgroup-v2.rst ("cpu.max") and Documentation/scheduler/sched-bwc.rst (version 1).
"""

import math
import os
import pathlib
from collections.abc import Iterator

_MOUNTS = pathlib.Path("sys/fs/cgroup")
_LIMIT = "cpu.max"
_QUOTA, _PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"


def usable_cores(root: str | pathlib.Path = "/") -> int:
    """The number of cores that this process may use, at least 1; a part of a core counts as one.

    Args:
      root: folder of `proc` and `sys`.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [math.ceil(limit) for limit in _limits(pathlib.Path(root))]
    return max(1, min([affinity, *limits]))


def _limits(root: pathlib.Path) -> Iterator[float]:
    """Cores' worth of time that the control groups around this process leave it, those without a limit left out."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for mount in _mounts(controllers):
            for folder in _upwards(root / _MOUNTS / mount, path):
                limit = _limit(folder)
                if limit is not None:
                    yield limit


def _mounts(controllers: str) -> tuple[str, ...]:
    """Where a hierarchy may be mounted. Version 2 names no controllers, and stands apart where there are both."""
    if not controllers:
        return ("", "unified")
    return (controllers, "cpu") if "cpu" in controllers.split(",") else ()


def _upwards(mount: pathlib.Path, path: str) -> Iterator[pathlib.Path]:
    """A control group's folder and those around it; a container sees its own as the mount, whatever it is called."""
    parts = [part for part in pathlib.PurePosixPath(path).parts if part not in ("/", "..")]
    for count in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:count])


def _limit(folder: pathlib.Path) -> float | None:
    parts = _read(folder / _LIMIT).split() or [*_read(folder / _QUOTA).split(), *_read(folder / _PERIOD).split()]
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        return None  # "max", -1, or no such file: no limit
    quota, period = map(int, parts)
    return quota / period


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
