"""Runs cells, each in a fresh process: on this machine, or on a Ray cluster."""

import concurrent.futures
import logging
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from typing import Any

import kws
from kws.sweeps.cell import Cell
from kws.sweeps.sweep_error import SweepError

Outcomes = Generator[tuple[Cell, str | None], None, None]


def run(cell: Cell, standard_input: int) -> str | None:
    """Runs a job's process to its end; returns None, or why it failed.

    Args:
      standard_input: a pipe's end for reading. The process stops, resumably, when the other end is closed.
    """
    path = os.pathsep.join([str(pathlib.Path(kws.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    cell.log.parent.mkdir(parents=True, exist_ok=True)
    with cell.log.open("w", encoding="utf-8") as log:
        # A session of its own: Ctrl-C reaches the sweep alone, which then closes the pipe.
        process = subprocess.run(
            [sys.executable, "-m", "kws.sweeps.run_cell", f"--job={cell.path}", "--stop_with_sweep"],
            stdin=standard_input,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
            start_new_session=True,
            check=False,
        )
    if process.returncode == 0 and cell.result.is_file():
        return None
    lines = [
        line.strip() for line in cell.log.read_text(errors="replace", encoding="utf-8").splitlines() if line.strip()
    ]
    errors = [line for line in lines if re.match(r"error: |[\w.]*(Error|Exception)\b", line)]
    said = (errors or lines or ["no output"])[-1]
    return f"exit code {process.returncode}: {said.removeprefix('error: ')} (see {cell.log})"


def run_local(cells: Iterable[Cell], parallel: int, started: Callable[[Cell], None]) -> Outcomes:
    """Yields each job when it has ended, with None or why it failed; `parallel` of them run at a time.

    When the caller stops, or this process dies, the running ones leave resumable runs.
    """
    reading, writing = os.pipe()

    def work(cell: Cell) -> str | None:
        started(cell)
        return run(cell, reading)

    pool = concurrent.futures.ThreadPoolExecutor(parallel)
    try:
        futures = {pool.submit(work, cell): cell for cell in cells}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
    finally:
        os.close(writing)
        pool.shutdown(wait=True, cancel_futures=True)
        os.close(reading)


def _run_remote(cell: Cell) -> str | None:
    # Ray sets it to the task's cores; a result must not depend on where it was computed.
    os.environ.pop("OMP_NUM_THREADS", None)
    reading, writing = os.pipe()
    try:
        return run(cell, reading)
    finally:
        os.close(writing)
        os.close(reading)


class RayCluster:
    """A connection to a Ray cluster whose machines all see the sweep's folder and data under the same paths."""

    def __init__(self, address: str, cores: int) -> None:
        """Args:
          address: as `ray.init` takes it: host:port, ray://host:port or auto.
          cores: of each cell.

        Raises:
          SweepError: no cluster answers, or none of its machines has so many cores.
        """
        import ray

        self._ray: Any = ray  # its types are not whole
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise SweepError(f"no Ray cluster answers at ray_address={address}: {error}") from error
        most = max((node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]), default=0)
        if most < cores:
            ray.shutdown()
            raise SweepError(f"processes={cores}: no machine of the Ray cluster has more than {most:.0f} cores")
        self._task = ray.remote(num_cpus=cores, max_retries=0)(_run_remote)

    def run(self, cells: Iterable[Cell]) -> Outcomes:
        """As `run_local`; the cluster decides how many run at a time."""
        running = {self._task.remote(cell): cell for cell in cells}
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
