"""Runs cells, each in a fresh process: on this machine, or on a Ray cluster."""

import concurrent.futures
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

import kws
from kws.clusters import ray_cluster
from kws.sweeps import workspace
from kws.sweeps.cell import Cell
from kws.sweeps.sweep_error import SweepError

Outcomes = Generator[tuple[Cell, str | None], None, None]
# What Python runs for a cell, before the flags that name its job.
RUN_CELL = ("-m", "kws.sweeps.run_cell")
# How often a cell is begun again elsewhere after its machine was lost.
_LOST_MACHINES = 3
_SECONDS_BETWEEN_LOOKS = 0.2
_VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def run(
    cell: Cell,
    standard_input: int,
    url: str | None = None,
    program: tuple[str, ...] = RUN_CELL,
    watch: Callable[[Cell], None] | None = None,
) -> str | None:
    """Runs a cell to its end; returns None, or why it failed.

    Args:
      standard_input: a pipe's end for reading. The process stops, resumably, when the other end is closed.
      url: of the storage that the cell is sent to from this machine's own folder; None to run it in its folder.
      program: what Python runs.
      watch: is called from time to time with the cell that runs, in its folder on this machine; what it raises
        interrupts the cell.
    """
    run_in = functools.partial(_run_process, standard_input=standard_input, program=program, watch=watch)
    return workspace.run(cell, url, run_in) if url else run_in(cell)


def _run_process(
    cell: Cell, standard_input: int, program: tuple[str, ...], watch: Callable[[Cell], None] | None
) -> str | None:
    path = os.pathsep.join([str(pathlib.Path(kws.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    cell.log.parent.mkdir(parents=True, exist_ok=True)
    with cell.log.open("w", encoding="utf-8") as log:
        # A session of its own: Ctrl-C reaches the sweep alone, which then closes the pipe.
        process = subprocess.Popen(
            [sys.executable, *program, f"--job={cell.path}", f"--stop_with_sweep={os.getpid()}"],
            stdin=standard_input,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
            start_new_session=True,
        )
        _wait(process, cell, watch)
    if process.returncode == 0 and cell.result.is_file():
        return None
    lines = [
        line.strip() for line in cell.log.read_text(errors="replace", encoding="utf-8").splitlines() if line.strip()
    ]
    errors = [line for line in lines if re.match(r"error: |[\w.]*(Error|Exception)\b", line)]
    said = (errors or lines or ["no output"])[-1]
    return f"exit code {process.returncode}: {said.removeprefix('error: ')} (see {cell.log})"


def _wait(process: subprocess.Popen[bytes], cell: Cell, watch: Callable[[Cell], None] | None) -> None:
    try:
        while watch and process.poll() is None:
            watch(cell)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    except BaseException:
        process.send_signal(signal.SIGINT)
        raise
    finally:
        process.wait()


def run_local(
    cells: Iterable[Cell], parallel: int, started: Callable[[Cell], None], url: str | None = None
) -> Outcomes:
    """Yields each job when it has ended, with None or why it failed; `parallel` of them run at a time.

    When the caller stops, or this process dies, the running ones leave resumable runs.
    """
    reading, writing = os.pipe()

    def work(cell: Cell) -> str | None:
        started(cell)
        return run(cell, reading, url, RUN_CELL)

    pool = concurrent.futures.ThreadPoolExecutor(parallel)
    try:
        futures = {pool.submit(work, cell): cell for cell in cells}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
    finally:
        os.close(writing)
        pool.shutdown(wait=True, cancel_futures=True)
        os.close(reading)


def run_remote(
    cell: Cell,
    url: str | None,
    program: tuple[str, ...],
    gpus: float,
    watch: Callable[[Cell], None] | None = None,
) -> str | None:
    """`run`, in a process of Ray's that has so many GPUs."""
    # Ray sets it to the task's cores; a result must not depend on where it was computed.
    os.environ.pop("OMP_NUM_THREADS", None)
    if not gpus:
        os.environ[_VISIBLE_GPUS] = ""  # else the cells of a machine would all take its first GPU; Ray sets the others'
    reading, writing = os.pipe()
    try:
        return run(cell, reading, url, program, watch)
    finally:
        os.close(writing)
        os.close(reading)


class RayCluster:
    """A connection to a Ray cluster.

    Its machines see the sweep's folder under the same path, or send their cells to shared storage.
    """

    def __init__(self, address: str, cores: int, gpus: float = 0.0, url: str | None = None) -> None:
        """Args:
          address: as `ray.init` takes it: host:port, ray://host:port or auto.
          cores: of each cell.
          gpus: of each cell, which may be a part of one.
          url: as of `workers.run`.

        Raises:
          SweepError: no cluster answers, or none of its machines has so many cores or GPUs.
        """
        try:
            ray = self._ray = ray_cluster.connect(address)
        except ray_cluster.ClusterError as error:
            raise SweepError(f"ray_address={address}: {error}") from error
        self._arguments = (url, RUN_CELL, gpus)
        try:
            self._check_machines(cores, gpus)
        except SweepError:
            ray.shutdown()
            raise
        self._task = ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=_LOST_MACHINES)(run_remote)

    def _check_machines(self, cores: int, gpus: float) -> None:
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        most = max((machine.get("CPU", 0) for machine in machines), default=0)
        if most < cores:
            raise SweepError(f"processes={cores}: no machine of the Ray cluster has more than {most:.0f} cores")
        most = max((machine.get("GPU", 0) for machine in machines if machine.get("CPU", 0) >= cores), default=0)
        if most < gpus:
            raise SweepError(
                f"gpus_per_cell={gpus}: no machine of the Ray cluster has more than {most:g} GPUs beside {cores} cores"
            )

    def run(self, cells: Iterable[Cell]) -> Outcomes:
        """As `run_local`; the cluster decides how many run at a time."""
        running = {self._task.remote(cell, *self._arguments): cell for cell in cells}
        try:
            while running:
                (done,), _ = self._ray.wait(list(running), num_returns=1)
                cell = running.pop(done)
                yield cell, self._outcome(done)
        finally:
            for task in running:
                self._ray.cancel(task, force=True)

    def _outcome(self, task: Any) -> str | None:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            return f"lost on the cluster: {str(error).splitlines()[0]}"

    def close(self) -> None:
        self._ray.shutdown()
