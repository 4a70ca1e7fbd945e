"""The folder of a sweep, as the process sees it that leads the sweep: on a path, or in shared storage."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from kws.sweeps import results
from kws.sweeps.cell import RESULT, Cell
from kws.sweeps.shared_storage import SharedStorage, is_url
from kws.sweeps.sweep_error import SweepError
from kws_cli import file_lock, held_folder


@dataclasses.dataclass(frozen=True)
class SweepFolder:
    """Where jobs and results are.

    Attributes:
      path: of the files.
      storage: of which `path` has a copy of jobs and results; None where `path` is the sweep's folder itself.
    """

    path: pathlib.Path
    storage: SharedStorage | None = None

    def write_job(self, cell: Cell) -> None:
        """Raises `SweepError` where the sweep has a cell of this name with other settings."""
        try:
            cell.write()
        except SweepError as error:
            raise SweepError(self.shown(str(error))) from error
        self._send(cell.path)

    def ended(self, cell: Cell) -> None:
        """Takes note of the result of a cell that has ended, if it has one."""
        if self.storage:
            self.storage.fetch([f"{cell.folder}/{RESULT}"], self.path)

    def write_results(self, order: list[str], left_out: dict[str, str], cells: Sequence[Cell]) -> list[dict[str, Any]]:
        """Writes what is finished, and which of `cells` is not, and returns the rows."""
        missing = [cell.title for cell in cells if not cell.result.is_file()]
        found = results.collect(self.path, order)
        results.write(self.path, found, left_out, missing)
        for name in (results.CSV, results.JSON):
            self._send(self.path / name)
        return found

    def shown(self, text: str) -> str:
        """`text` with the place that the user gave in the place of `path`."""
        return text.replace(str(self.path), self.storage.url.rstrip("/")) if self.storage else text

    def _send(self, path: pathlib.Path) -> None:
        if self.storage:
            self.storage.send(str(path.relative_to(self.path)), self.path)


@contextlib.contextmanager
def open_folder(sweep_dir: str | pathlib.Path) -> Iterator[SweepFolder]:
    """The sweep's folder, made where it is missing.

    One on a path is locked against a second sweep. Shared storage has no locks: two sweeps there do work twice, and
    write the same.

    Raises:
      SweepError: it can't be used, or is another sweep's.
    """
    if is_url(sweep_dir):
        storage = SharedStorage(str(sweep_dir))
        with held_folder.made("kws-sweep-") as copy:
            folder = SweepFolder(copy.resolve(), storage)
            storage.fetch(["jobs/*.json", f"float/*/{RESULT}", f"cells/*/{RESULT}"], folder.path)
            yield folder
        return
    path = pathlib.Path(sweep_dir).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = file_lock.take(path / ".lock", wait=False)
    except OSError as error:
        raise SweepError(f"can't write sweep_dir={sweep_dir}: {error.strerror}") from error
    if lock is None:
        raise SweepError(f"another sweep is running in sweep_dir={sweep_dir}: wait for it, or stop it")
    with lock:
        yield SweepFolder(path)
