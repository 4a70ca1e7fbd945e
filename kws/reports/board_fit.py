"""Which boards a bundle fits, and how much of each it takes."""

import dataclasses
import functools
import pathlib
import tomllib

from kws.reports.measured import Bench, Streaming
from microcontroller import boards as emulated
from microcontroller.streaming import clock

_FILE = pathlib.Path(__file__).with_name("boards.toml")
_KILOBYTE = 1024
# Cores that run the code made for another one, instruction for instruction.
_RUNS_CODE_OF = {"cortex-m0plus": ("cortex-m0",), "cortex-m7": ("cortex-m4",), "cortex-m33": ("cortex-m4",)}


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
      milliseconds: estimated, of an inference; None where no cycles of its core's code were estimated.
      listening: of the clock, with the margin of `microcontroller.streaming.clock`, to listen without end; None where
        that was not measured.
      counted_on: the core whose code was counted.
    """

    board: BoardToBuy
    ram: float
    flash: float
    milliseconds: float | None
    listening: float | None
    counted_on: str | None

    @property
    def fits(self) -> bool:
        """By all that is known of it."""
        return self.ram <= 1 and self.flash <= 1 and (self.listening or 0) <= 1

    @property
    def answer(self) -> str:
        """In words."""
        if not self.fits:
            return "no"
        return "in memory" if self.milliseconds is None else "yes"


@functools.cache
def boards_to_buy() -> tuple[BoardToBuy, ...]:
    """The boards of boards.toml."""
    fields = tomllib.loads(_FILE.read_text(encoding="utf-8"))["board"]
    return tuple(BoardToBuy(**each) for each in fields)


def cycles_per_instruction(bench: Bench | None) -> float | None:
    """Of the network's inference, as they were estimated; None where they were not."""
    if bench is None or bench.estimated_cycles is None:
        return None
    return bench.estimated_cycles / bench.instructions_per_inference


def fits(ram_bytes: int, flash_bytes: int, bench: Bench | None, streaming: Streaming | None) -> list[Fit]:
    """Every board's.

    Args:
      ram_bytes, flash_bytes: of the engine and the model, without the program around them.
      bench: instructions and cycles of an inference; streaming: of a second of sound. None where not measured.
    """
    return [_fit(board, ram_bytes, flash_bytes, bench, streaming) for board in boards_to_buy()]


def _fit(board: BoardToBuy, ram: int, flash: int, bench: Bench | None, streaming: Streaming | None) -> Fit:
    ratio = cycles_per_instruction(bench)
    milliseconds = listening = counted_on = None
    if ratio and bench and _runs(board.core, _core(bench.board)):
        milliseconds, counted_on = (bench.estimated_cycles or 0) / board.clock_mhz / 1e3, _core(bench.board)
        if streaming and _runs(board.core, _core(streaming.board)):
            cycles = streaming.instructions_per_second_of_audio["total"] * ratio
            listening = (1 + clock.MARGIN) * cycles / board.clock_mhz / 1e6
    shares = ram / board.ram_kb / _KILOBYTE, flash / board.flash_kb / _KILOBYTE
    return Fit(board, *shares, milliseconds, listening, counted_on)


def _core(board: str) -> str:
    """Of an emulated board; "" for one that there is none of any more."""
    return emulated.load(board).cpu if board in emulated.names() else ""


def _runs(core: str, counted: str) -> bool:
    return core == counted or counted in _RUNS_CODE_OF.get(core, ())
