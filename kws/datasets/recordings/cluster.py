"""Reads files on the machines of a Ray cluster, ahead of whoever takes what is in them, in the files' order."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from kws.clusters import ray_cluster
from kws.datasets.dataset_error import DatasetError

# 4 MB of clips of a second: tasks that are short beside what a machine takes to fail, and long beside what Ray does.
_FILES_PER_TASK = 128
_TASKS_AHEAD = 3
# How often a part is read again elsewhere after its machine was lost.
_LOST_MACHINES = 3

Job = TypeVar("Job")
Value = TypeVar("Value")


def by_cluster(jobs: Sequence[Job], read: Callable[[Job], Value], address: str) -> Generator[Value, None, None]:
    """What `read` gives of each job, in their order, on as many cores as the cluster has.

    Its machines see the files under the same paths. What a machine that is lost was reading is read by another.

    Args:
      read: importable by its module and name on every machine, or a `functools.partial` of such a function.
      address: as `ray.init` takes it: host:port, ray://host:port or auto.

    Raises:
      DatasetError: Ray is not installed, no cluster answers, it has no cores, or it loses a part too often.
    """
    ray = _connected(address)
    part = ray.remote(num_cpus=1, max_retries=_LOST_MACHINES)(_read)
    ahead: deque[Any] = deque()
    try:
        cores = _cores(ray, address)
        for start in range(0, len(jobs), _FILES_PER_TASK):
            ahead.append(part.remote(read, jobs[start : start + _FILES_PER_TASK]))
            if len(ahead) > _TASKS_AHEAD * cores:
                yield from _result(ray, ahead.popleft(), address)
        while ahead:
            yield from _result(ray, ahead.popleft(), address)
    finally:
        for left in ahead:
            ray.cancel(left, force=True)
        ray.shutdown()


def _connected(address: str) -> Any:
    try:
        return ray_cluster.connect(address)
    except ray_cluster.ClusterError as error:
        raise DatasetError(f"reading_cluster={address}: {error}") from error


def _cores(ray: Any, address: str) -> int:
    cores = int(ray.cluster_resources().get("CPU", 0))
    if cores < 1:
        raise DatasetError(f"reading_cluster={address}: no machine of the Ray cluster has a core to read on")
    return cores


def _result(ray: Any, part: Any, address: str) -> list[Any]:
    """Of a part that was read; what `read` raised is raised here."""
    try:
        found: list[Any] = ray.get(part)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise DatasetError(
            f"reading_cluster={address}: files could not be read on the cluster ({str(error).splitlines()[0]})"
        ) from error
    return found


def _read(read: Callable[[Job], Value], jobs: Sequence[Job]) -> list[Value]:
    return [read(job) for job in jobs]
