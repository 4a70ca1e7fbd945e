"""The estimate: executed instructions times what each takes."""

import dataclasses
import itertools
import subprocess
from collections.abc import Sequence

from microcontroller.cycles import counts, disassembly, timing
from microcontroller.cycles.counts import Segment, Unavailable
from microcontroller.cycles.disassembly import Instruction
from microcontroller.firmware.build import Firmware, tool
from microcontroller.firmware.clip_image import ClipImage


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Estimated cycles.

    Attributes:
      cycles: of one inference.
      layers: per layer, of the same inference with an observer.
      instructions: that the plugin saw in the inference.
    """

    cycles: int
    layers: tuple[int, ...]
    instructions: int


def estimate(firmware: Firmware, image: ClipImage, observed: Sequence[int], timeout_s: float) -> Estimate:
    """Runs one clip and estimates its cycles.

    Args:
      image: of one clip.
      observed: layers in the order in which an observer sees their outputs; again for each row where it sees rows.

    Raises:
      Unavailable: the plugin can't be had on this machine, or the board's core is not the table's.
      EmulatorError, MeasurementError: the run failed.
    """
    if firmware.board.cpu != timing.CPU:
        raise Unavailable(f"the timing table is the {timing.CPU}'s, {firmware.board.name} has a {firmware.board.cpu}")
    counted = counts.count(firmware, image, observed, timeout_s)
    command = [tool("objdump"), "-d", "--no-show-raw-insn", str(firmware.elf)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    program = disassembly.parse(listing)
    return Estimate(
        cycles_of(program, counted.inference),
        tuple(cycles_of(program, segment) for segment in counted.layers),
        sum(site.executed for site in counted.inference.values()),
    )


def cycles_of(program: dict[int, Instruction], segment: Segment) -> int:
    """Cycles of a segment: every instruction in its two surroundings, and a refill for every jump.

    An instruction is pipelined with its neighbour in memory only where it was not jumped to.
    """
    ahead = {after: program[before] for before, after in itertools.pairwise(program)}
    total = 0
    for address, site in segment.items():
        instruction = program[address]
        alone = timing.cycles(instruction)
        in_sequence = timing.cycles(instruction, ahead.get(address))
        total += site.jumped * alone + (site.executed - site.jumped) * in_sequence + site.left * timing.REFILL
    return total
