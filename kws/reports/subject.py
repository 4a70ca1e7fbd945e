"""What a report is about: bundles, each with its run and what was measured of it."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TypeVar

from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from kws.reports import measured
from kws.reports.measured import Epoch, Result
from kws.reports.mistakes import Mistake
from kws.reports.report_error import ReportError
from kws.training import run_folder
from kws_cli import json_file
from microcontroller import boards as emulated

MOST = 8
"""Bundles side by side; a page with more can't be read."""
_Kind = TypeVar("_Kind", bound=Result)


@dataclasses.dataclass(frozen=True)
class Subject:
    """A bundle and what is known about it.

    Attributes:
      title: the folder's name.
      history: a row per epoch, of its run; empty without.
      results: measured of it, one of a kind; of what is counted on boards one of each.
      mistakes: clips that it gets wrong; None where none were heard.
    """

    title: str
    bundle: Bundle
    history: tuple[Epoch, ...] = ()
    results: tuple[Result, ...] = ()
    mistakes: tuple[Mistake, ...] | None = None

    def result(self, kind: type[_Kind]) -> _Kind | None:
        """What was measured of this kind, first; None where nothing was."""
        return next((result for result in self.results if isinstance(result, kind)), None)


Paths = Sequence[pathlib.Path]


def open_all(paths: Paths, runs: Paths, files: Paths) -> list[Subject]:
    """The bundles, with their runs in the same order, none or one each, and each result with the bundle it is of.

    Raises:
      ReportError: too many bundles, another number of runs, a result of none of the bundles, or of a board that
        is none, or two of a kind of one.
      BundleError, TrainingError: a folder that is no bundle, or no run.
    """
    if len(paths) > MOST:
        raise ReportError(f"bundle={_shown(paths)} names {len(paths)} bundles: give {MOST} at most")
    if runs and len(runs) != len(paths):
        raise ReportError(
            f"run_dir={_shown(runs)} names {len(runs)} runs for {len(paths)} bundles: give one each, in the same order"
        )
    opened = [bundles.load(path) for path in paths]
    titles = _titles(paths)
    histories = [_history(run) for run in runs] or [()] * len(paths)
    results = [(path, measured.read(path)) for path in files]
    for path, result in results:
        if not measured.models_of(result) & {bundle.model.sha256 for bundle in opened}:
            raise ReportError(f"measured={path} is of another model than {', '.join(titles)}: leave it out")
        board = getattr(result, "board", None)
        if board is not None and board not in emulated.names():
            known = ", ".join(emulated.names())
            raise ReportError(
                f"measured={path} is of board {board!r}, which is none of {known}: bench on one, or leave it out"
            )
    return [
        Subject(title, bundle, history, _of(bundle, results))
        for title, bundle, history in zip(titles, opened, histories, strict=True)
    ]


def _shown(paths: Paths) -> str:
    """As the flag has them."""
    return ",".join(map(str, paths))


def _titles(paths: Paths) -> list[str]:
    """The folders' names, with as much of their paths as tells them apart."""
    whole = [path.resolve().parts for path in paths]
    if twice := next((str(path) for path, parts in zip(paths, whole, strict=True) if whole.count(parts) > 1), None):
        raise ReportError(f"bundle={_shown(paths)} names {twice} twice: give each bundle once")
    count = 1
    while len({parts[-count:] for parts in whole}) < len(whole):
        count += 1
    return ["/".join(parts[-count:]) for parts in whole]


def _of(bundle: Bundle, results: Sequence[tuple[pathlib.Path, Result]]) -> tuple[Result, ...]:
    found: dict[tuple[type, str], Result] = {}
    for path, result in results:
        if bundle.model.sha256 in measured.models_of(result):
            board = getattr(result, "board", "")
            if (type(result), board) in found:
                command, where = measured.KINDS[type(result)][1], f" on {board}" if board else ""
                raise ReportError(f"measured={path} is a second result of {command}{where} of one model: leave one out")
            found[type(result), board] = result
    return tuple(found.values())


def _history(path: pathlib.Path) -> tuple[Epoch, ...]:
    folder, _ = run_folder.open_run(path)
    file = folder.file(run_folder.HISTORY)
    if not file.is_file():
        return ()
    try:
        return tuple(json_file.read(file, list[Epoch]))
    except ValueError as error:
        raise ReportError(f"{file} is damaged ({error}): leave run_dir={path} out, or train the run again") from error
