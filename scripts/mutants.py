"""Changes the code that proofs rest on at random, one place at a time, and lists the changes that no test notices.

    python -m scripts.mutants --count=50 --seed=0
    python -m scripts.mutants --modules=quant/formats,export/plan/scale.py --json=-

Each mutant is written to a copy of the tree, where the fast tests of the module's room run until one fails: those in
the folder under tests/ that mirrors the module's, its own first. What is left over, the survivors, lacks a test or
changes nothing.

Cosmic Ray gives the changes (`scripts.mutations`). Its own command works through all of them, in the tree itself and
with one test command, so the sample, the copies and the runs are here.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import psutil
from absl import flags

from kws_cli import command
from kws_cli.command import UserError
from scripts import mutations, update_build
from scripts.mutations import Mutant

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = (
    "quant/qformat.py",
    "quant/formats",
    *(f"export/model/{name}.py" for name in ("accumulator", "integer_model", "lower", "probes")),
    *(f"export/model/{name}interpreter.py" for name in ("", "float_", "stream_")),
    "export/plan",
)
"""Where bounds, formats, integers and costs are defined."""
KILLED, TIMED_OUT, SURVIVED = "killed", "timed out", "survived"
_LOG = "pytest.log"
_LEAST_TIMEOUT_S = 60.0
_SLOWER = 5.0
"""A mutant's tests may take so many times as long as those of the code as it is, before they count as hanging."""


@dataclasses.dataclass(frozen=True)
class MutantsConfig:
    """Settings.

    Attributes:
      count: mutants.
      seed: of the sample.
      modules: files and folders of the project to change.
      workers: mutants tried at once, each in a copy of its own.
      timeout_s: limit on the tests of one mutant; None for a few times what they take on the code as it is.
    """

    count: int = 50
    seed: int = 0
    modules: tuple[str, ...] = MODULES
    workers: int = 2
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("count", "workers"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name}={getattr(self, name)}: give 1 or more")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise UserError(f"--timeout={self.timeout_s:g}: give a positive number of seconds")


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a mutant: `KILLED`, `TIMED_OUT` or `SURVIVED`."""

    mutant: Mutant
    outcome: str

    def row(self) -> dict[str, Any]:
        line, column = self.mutant.change.position
        return {
            "file": self.mutant.path,
            "line": line,
            "column": column,
            "operator": self.mutant.change.operator,
            "outcome": self.outcome,
            "diff": list(self.mutant.diff),
        }


def modules(root: pathlib.Path, chosen: Sequence[str]) -> dict[str, str]:
    """Path -> source of the modules in files and folders; raises `UserError` for one of `chosen` without any."""
    found: dict[str, str] = {}
    for name in chosen:
        paths = [root / name] if name.endswith(".py") else (root / name).rglob("*.py")
        sources = {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths if path.is_file()
        }
        if not sources:
            raise UserError(f"--modules={name} has no Python modules: name files or folders such as {MODULES[1]}")
        found |= sources
    return found


def tests_of(root: pathlib.Path, path: str) -> tuple[str, ...]:
    """The tests of a module's room: those in the deepest folder that mirrors one of the module's, its own first."""
    module = pathlib.PurePosixPath(path)
    for folder in module.parents:
        found = (root / update_build.TESTS / folder).glob("test_*.py")
        own = f"test_{module.stem}.py"
        if tests := sorted(found, key=lambda test: (test.name != own, test.name)):
            return tuple(test.relative_to(root).as_posix() for test in tests)
    raise UserError(f"--modules: {path} has no tests: no folder under {update_build.TESTS}/ mirrors its own")


def copy_tree(root: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies what git tracks, all that tests may look at."""
    rooms = (*update_build.ROOMS, update_build.TESTS, update_build.MODELS, "docs")
    house = [name for name in update_build.HOUSE_FILES if (root / name).is_file()]
    for path in [*update_build.files_of(root, *rooms), *house]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, folder / path)


def run_tests(folder: pathlib.Path, tests: Sequence[str], timeout_s: float | None) -> str:
    """Runs the fast ones of these tests in a copy until one fails, and says what became of the code there."""
    arguments = ["-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    # Modules change within a second and may keep their length, which a kept .pyc would not notice.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    pytest = [sys.executable, "-m", "pytest", *arguments]
    with (
        (folder / _LOG).open("w", encoding="utf-8") as log,
        subprocess.Popen(pytest, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            return SURVIVED if process.wait(timeout_s) == 0 else KILLED
        except subprocess.TimeoutExpired:
            return TIMED_OUT
        finally:
            _stop(process)


def _stop(process: subprocess.Popen) -> None:
    """Ends a process and all that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()


@contextlib.contextmanager
def _borrowed(copies: queue.Queue[pathlib.Path]) -> Iterator[pathlib.Path]:
    copy = copies.get()
    try:
        yield copy
    finally:
        copies.put(copy)


def _seconds(copies: queue.Queue[pathlib.Path], tests: Sequence[str]) -> float:
    """How long tests take on the code as it is; raises `UserError` where one fails."""
    with _borrowed(copies) as copy:
        start = time.monotonic()
        if run_tests(copy, tests, None) == SURVIVED:
            return time.monotonic() - start
        lines = (copy / _LOG).read_text(encoding="utf-8").splitlines() or ["no word from pytest"]
    reason = next((line for line in lines if line.startswith(("FAILED", "ERROR"))), lines[-1])
    raise UserError(f"tests fail as they are, mend them first: {reason}")


def _result(
    copies: queue.Queue[pathlib.Path], mutant: Mutant, source: str, tests: Sequence[str], limit_s: float
) -> Result:
    """Runs tests on a mutant of `source`, which its copy of the tree has again afterwards."""
    with _borrowed(copies) as copy:
        try:
            (copy / mutant.path).write_text(mutant.source, encoding="utf-8")
            return Result(mutant, run_tests(copy, tests, limit_s))
        finally:
            (copy / mutant.path).write_text(source, encoding="utf-8")


def try_mutants(root: pathlib.Path, config: MutantsConfig) -> Iterator[Result]:
    """The mutants of the sample, each as soon as it is known what became of it.

    Raises:
      UserError: a module that is not there or has no tests, or tests that fail without a mutant.
    """
    sources = modules(root, config.modules)
    sampled = mutations.sample(sources, config.count, config.seed)
    tests = {path: tests_of(root, path) for path in sorted({mutant.path for mutant in sampled})}
    rooms = sorted(set(tests.values()))
    copies: queue.Queue[pathlib.Path] = queue.Queue()
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as scratch,
        concurrent.futures.ThreadPoolExecutor(config.workers) as pool,
    ):
        for index in range(config.workers):
            copy_tree(root, pathlib.Path(scratch, str(index)))
            copies.put(pathlib.Path(scratch, str(index)))
        seconds = dict(zip(rooms, pool.map(lambda room: _seconds(copies, room), rooms), strict=True))
        limits = {room: config.timeout_s or max(_LEAST_TIMEOUT_S, _SLOWER * seconds[room]) for room in rooms}
        results = []
        for mutant in sampled:
            own = tests[mutant.path]
            results.append(pool.submit(_result, copies, mutant, sources[mutant.path], own, limits[own]))
        try:
            for result in concurrent.futures.as_completed(results):
                yield result.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def summary(results: Sequence[Result], seed: int) -> dict[str, Any]:
    """Numbers of each outcome, and all mutants in the order of files and lines."""
    counts = Counter(result.outcome for result in results)
    rows = sorted((result.row() for result in results), key=lambda row: (row["file"], row["line"], row["column"]))
    numbers = {outcome.replace(" ", "_"): counts[outcome] for outcome in (KILLED, TIMED_OUT, SURVIVED)}
    return {"seed": seed, "mutants": len(results), **numbers, "results": rows}


def report(result: dict[str, Any]) -> str:
    """The survivors with their places and diffs, and a line of numbers."""
    lines = []
    for row in result["results"]:
        if row["outcome"] == SURVIVED:
            lines += [f"{row['file']}:{row['line']}", *(f"    {line}" for line in row["diff"])]
    outcomes = f"{result['killed']} noticed by tests, {result['timed_out']} at their time limit"
    total = f"{result['mutants']} mutants with seed {result['seed']}"
    return "\n".join([*lines, f"{total}: {outcomes}, {result['survived']} survived"])


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_integer("count", MutantsConfig.count, "How many mutants.")
    flags.DEFINE_integer("seed", MutantsConfig.seed, "Seed of the sample.")
    flags.DEFINE_list("modules", list(MODULES), "Files and folders to change.")
    flags.DEFINE_integer("workers", MutantsConfig.workers, "How many mutants are tried at once.")
    flags.DEFINE_float("timeout", None, "Limit on one mutant's tests in seconds (default: a few times what they take).")
    command.define_json_flag()


def _work(values: Any) -> None:
    config = MutantsConfig(values.count, values.seed, tuple(values.modules), values.workers, values.timeout)
    results = []
    for result in try_mutants(ROOT, config):
        results.append(result)
        line, _ = result.mutant.change.position
        print(f"{len(results)}: {result.mutant.path}:{line} {result.outcome}", file=sys.stderr, flush=True)
    found = summary(results, config.seed)
    command.say(report(found), values.json)
    command.say_if_fewer("count", values.count, found["mutants"], "places to change", values.json)
    command.write_json(found, values.json)


def main() -> None:
    """Entry point of `python -m scripts.mutants`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
