"""Which boards a bundle fits, and how much of each it takes."""

import dataclasses
import functools
import pathlib
import tomllib
from collections.abc import Sequence

from kws.reports import core_code
from kws.reports.core_code import Code
from kws.reports.subject import Subject
from microcontroller.streaming import clock

_FILE = pathlib.Path(__file__).with_name("boards.toml")
_KILOBYTE = 1024


@dataclasses.dataclass(frozen=True)
class BoardToBuy:
    """A board, as its maker describes it.

    Attributes:
      core: a compiler's -mcpu, or the architecture.
      source: what the figures were compared with.
    """

    name: str
    core: str
    clock_mhz: int
    ram_kb: int
    flash_kb: int
    source: str


@dataclasses.dataclass(frozen=True)
class Fit:
    """Shares, 0 to 1 and above where it doesn't fit.

    Attributes:
      code: that was judged: the one that the board's core has anyway, or one of less memory where that doesn't fit.
      milliseconds: of an inference; None where no code of its core was counted.
      listening: of the clock, to listen without end; None where that was not counted.
      at_least: whether these two are a cycle an instruction, as no cycles of the core are estimated; else they are of
        estimated cycles, listening with the margin of `microcontroller.streaming.clock`.
    """

    board: BoardToBuy
    code: Code
    ram: float
    flash: float
    milliseconds: float | None
    listening: float | None
    at_least: bool

    @property
    def fits(self) -> bool:
        """By all that is known of it."""
        return self.ram <= 1 and self.flash <= 1 and (self.listening or 0) <= 1

    @property
    def answer(self) -> str:
        """In words."""
        if not self.fits:
            return "no"
        return "in memory" if self.milliseconds is None or self.at_least else "yes"


@functools.cache
def boards_to_buy() -> tuple[BoardToBuy, ...]:
    """The boards of boards.toml."""
    fields = tomllib.loads(_FILE.read_text(encoding="utf-8"))["board"]
    return tuple(BoardToBuy(**each) for each in fields)


def fits(subject: Subject, boards: Sequence[BoardToBuy] | None = None) -> list[Fit]:
    """Every board's, by the code of its own core.

    Args:
      boards: None for `boards_to_buy`.
    """
    of_core = functools.cache(lambda core: core_code.of_core(subject, core))
    return [_best(board, of_core(board.core)) for board in (boards_to_buy() if boards is None else boards)]


def _best(board: BoardToBuy, codes: Sequence[Code]) -> Fit:
    """Of the first code that fits into memory, or of the one that takes least."""
    found = [_fit(board, code) for code in codes]
    return next((fit for fit in found if fit.ram <= 1 and fit.flash <= 1), min(found, key=lambda fit: fit.ram))


def _fit(board: BoardToBuy, code: Code) -> Fit:
    shares = code.ram_bytes / board.ram_kb / _KILOBYTE, code.flash_bytes / board.flash_kb / _KILOBYTE
    bench, streaming = code.bench, code.streaming
    cycles = bench.estimated_cycles if bench else None
    milliseconds = listening = None
    if bench:
        milliseconds = (cycles or bench.instructions_per_inference) / board.clock_mhz / 1e3
    if streaming:
        ratio = (1 + clock.MARGIN) * cycles / bench.instructions_per_inference if bench and cycles else 1
        listening = ratio * streaming.instructions_per_second_of_audio["total"] / board.clock_mhz / 1e6
    return Fit(board, code, *shares, milliseconds, listening, cycles is None)
