"""A cell of a sweep in shared storage: it runs in a folder of the machine's own and is sent away when it is finished.

    <scratch_dir>/kws-sweep-<hash of the URL and the user>/    laid out as a sweep's folder (`kws.sweeps.cell`)

Cells on a machine share its float models and features. A cell that was cut off goes on there, or begins anew elsewhere.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
from collections.abc import Callable

from kws.sweeps.cell import RESULT, Cell
from kws.sweeps.shared_storage import SharedStorage
from kws.sweeps.sweep_error import SweepError
from kws_cli import file_lock, held_folder


def folder(url: str, scratch_dir: str | None) -> pathlib.Path:
    """This machine's folder for a sweep; one for each user. `scratch_dir`: None for the system's."""
    name = hashlib.sha256(f"{os.getuid()} {url}".encode()).hexdigest()[:16]
    return pathlib.Path(scratch_dir or held_folder.system_folder()).absolute() / f"kws-sweep-{name}"


def run(cell: Cell, url: str, run_in: Callable[[Cell], str | None]) -> str | None:
    """Runs a cell on this machine and sends what it made; returns None, or why it failed.

    Args:
      run_in: runs the cell that it is given, whose folder is on this machine.
    """
    try:
        storage = SharedStorage(url)
        if storage.exists(f"{cell.folder}/{RESULT}"):
            return None  # by a machine that was lost before it could say so
        here = cell.on_this_machine
        here = here.within(folder(url, here.machine["scratch_dir"]))
        _prepare(here, storage)
        error = run_in(here)
        if here.log.is_file():
            storage.send(str(here.log.relative_to(here.sweep_dir)), pathlib.Path(here.sweep_dir))
        if error is None:
            storage.send_cell(here.folder, pathlib.Path(here.sweep_dir))
            _tidy(here)
        return error and error.replace(here.sweep_dir, url.rstrip("/"))
    except (OSError, SweepError) as error:
        return str(error)


def _prepare(cell: Cell, storage: SharedStorage) -> None:
    """Puts the job's file in place, and the float model that the cell needs."""
    try:
        cell.write()
    except SweepError:  # left by a sweep that was in the same storage before
        shutil.rmtree(cell.run_dir, ignore_errors=True)
        cell.path.unlink()
        cell.write()
    sweep_dir = pathlib.Path(cell.sweep_dir)
    if cell.float_run and pathlib.Path(cell.float_run).is_relative_to(sweep_dir):
        name = pathlib.Path(cell.float_run).relative_to(sweep_dir).as_posix()
        lock = file_lock.take(sweep_dir / f"{name.replace('/', '-')}.lock", needed=False)
        with lock or contextlib.nullcontext():  # one is always given, as waiting is allowed
            if storage.read(f"{name}/{RESULT}") != _content(sweep_dir / name / RESULT):
                storage.fetch_folder(name, sweep_dir)


def _content(path: pathlib.Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _tidy(cell: Cell) -> None:
    """Removes what was sent and no other cell needs."""
    if not cell.is_float:
        shutil.rmtree(cell.run_dir, ignore_errors=True)
