"""A run: models drawn from a seed, batch by batch, every failure shrunk and written down."""

import dataclasses
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator

from tqdm import tqdm

from export.fuzzing import case as cases
from export.fuzzing import failure_file, journal, refusals, shrinking
from export.fuzzing.case import Case
from export.fuzzing.fuzz_error import FuzzError
from export.fuzzing.journal import Journal
from export.fuzzing.tally import Check, Failure, Tally
from export.plan.kernel import Kernel

_FAILURES = "failures"


@dataclasses.dataclass(frozen=True)
class FuzzConfig:
    """What is run.

    Attributes:
      models: how many.
      seed: of all of them.
      seconds: after so many no batch is begun; None for no limit.
      batch: models at a time.
      folder: keeps what was done, from which a run goes on, and failures; None keeps failures alone, in the folder of
        temporary files.
    """

    models: int = 1000
    seed: int = 0
    seconds: float | None = None
    batch: int = 24
    folder: pathlib.Path | None = None

    def __post_init__(self) -> None:
        if self.models < 1:
            raise FuzzError(f"models={self.models}: give 1 or more")
        if self.seed < 0:
            raise FuzzError(f"seed={self.seed}: give 0 or more")
        if self.batch < 1:
            raise FuzzError(f"batch={self.batch}: give 1 or more")
        if self.seconds is not None and not self.seconds > 0:
            raise FuzzError(f"seconds={self.seconds:g}: give more than 0")


@dataclasses.dataclass
class Campaign:
    """A run, as far as it got.

    Attributes:
      config: what was asked for.
      journal: batches that are done.
      files: failures, each with the smallest model that still fails.
      words: what each of them is, in one line.
    """

    config: FuzzConfig
    journal: Journal
    files: list[pathlib.Path] = dataclasses.field(default_factory=list)
    words: list[str] = dataclasses.field(default_factory=list)

    def run(self, name: str, check: Check, kernels: tuple[Kernel, ...]) -> None:
        """Compares all batches that are not done yet.

        Args:
          name: of the progress bar.
          kernels: whose refusals are counted.
        """
        end = None if self.config.seconds is None else time.monotonic() + self.config.seconds
        with tqdm(total=self.config.models, desc=name, unit="model", file=sys.stderr, disable=None) as progress:
            progress.update(self.journal.total.models)
            for first, count in self._left():
                if end is not None and time.monotonic() > end:
                    return
                tally = Tally(models=count)
                batch = [cases.drawn(self.config.seed, first + i) for i in range(count)]
                found = check(batch, tally) + [failure for one in batch for failure in _refused(one, kernels, tally)]
                tally.failures = len(found)
                for failure in found:
                    self._keep(check, failure)
                self.journal.add(first, tally)
                progress.update(count)

    def _left(self) -> Iterator[tuple[int, int]]:
        for first in range(0, self.config.models, self.config.batch):
            count = min(self.config.batch, self.config.models - first)
            done = self.journal.batches.get(first)
            if done is None or done.models < count:
                yield first, count

    def _keep(self, check: Check, failure: Failure) -> None:
        folder = self.config.folder or pathlib.Path(tempfile.gettempdir()) / "fxp-fuzz-failures"
        tqdm.write(f"{failure.case.name}, {failure.check}: {failure.reason}", file=sys.stderr)
        smallest = shrinking.smallest(failure, check)
        self.files.append(failure_file.write(folder / _FAILURES, smallest))
        self.words.append(f"{smallest.case.name}, {smallest.check}: {smallest.reason}")


def _refused(case: Case, kernels: tuple[Kernel, ...], tally: Tally) -> list[Failure]:
    """Counts what kernels refuse; one that raises instead is a failure."""
    try:
        tally.refusals.update(refusals.of_kernels(case.model, kernels))
    except Exception as error:  # the very point: a kernel says why it can't, it does not raise
        return [Failure("refusals", f"{type(error).__name__}: {error}"[:300], case)]
    return []


def begun(config: FuzzConfig, what: str) -> Campaign:
    """A run that goes on where one of the same seed and batch stopped. Raises `FuzzError`."""
    run = f"{what}, seed {config.seed}, batches of {config.batch}"
    return Campaign(config, journal.opened(config.folder, run))
