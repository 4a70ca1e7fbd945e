"""What a plan says: layers with their kernels and places, in order of execution."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.layout import ActivationLayout, Shape
from export.plan.schedule import CYCLES_PER_INSTRUCTION, conversion_cost, cycles_of
from kws_cli.table import aligned

INPUT = "input"
OUTPUT = "output"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """Activations between two calls.

    Attributes:
      shape: (height, width, channels).
      layout: how they lie there.
      place: offset in bytes from the arena's start, or `INPUT` or `OUTPUT`, which belong to the caller.
    """

    shape: Shape
    layout: ActivationLayout
    place: int | str

    @property
    def bytes(self) -> int:
        return self.layout.size(self.shape)


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A change of layout by an engine function: f(shape, input, output)."""

    function: str
    input: Tensor
    output: Tensor


@dataclasses.dataclass(frozen=True)
class Step:
    """One layer of the static schedule.

    Attributes:
      layer: what is computed.
      kernel: what computes it.
      conversions: what must happen to the input first.
      input, output: tensors in the kernel's layouts.
      scratch: offset of the kernel's scratch memory; None for a kernel without.
      constants: field of the argument struct -> array.
      instances: field of the argument struct -> function made for this layer.
    """

    layer: Layer
    kernel: Kernel
    conversions: tuple[Conversion, ...]
    input: Tensor
    output: Tensor
    scratch: int | None
    constants: dict[str, Constant]
    instances: dict[str, Instance]

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constants as stored: weights and biases."""
        return sum(constant.values.nbytes for constant in self.constants.values())


@dataclasses.dataclass(frozen=True)
class Ticks:
    """When something happens in a network that is computed row by row: at `first`, then every so many ticks."""

    first: int
    every: int
    count: int

    def at(self, row: int) -> int:
        """The tick of a row, of those beyond the last one, too."""
        return self.first + self.every * row


@dataclasses.dataclass(frozen=True)
class Kept:
    """The last rows of a layer's input, which last from tick to tick.

    Attributes:
      place: offset in bytes from the arena's start.
      shape: of these rows.
      layout: how they lie there; the kernel reads them in its own.
    """

    place: int
    shape: Shape
    layout: ActivationLayout

    @property
    def bytes(self) -> int:
        return self.layout.size(self.shape)

    @property
    def row_bytes(self) -> int:
        return self.layout.size((1, *self.shape[1:]))


@dataclasses.dataclass(frozen=True)
class Turn:
    """What a layer does in a network that is computed row by row.

    Attributes:
      arrivals: of its input's rows, then of rows of zeros where there is padding below; the first layer has none, as it
        reads the caller's input.
      rows: of its output.
      kept: what it keeps of its input; None where its window is one row.
      sums: offset of a pool's running sums; None for other layers.
      instructions: that all its turns take beside its kernel and conversions, estimated.
    """

    arrivals: Ticks | None
    rows: Ticks
    kept: Kept | None = None
    sums: int | None = None
    instructions: float = 0.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """The schedule.

    Attributes:
      profile: that it was made for.
      steps: in order of execution.
      answer: conversions from the last layer's output to the caller's int8 logits.
      arena_bytes: working memory of one inference.
      turns: of each step, where the network is computed row by row; then a step's layer is what its kernel sees in one
        call, one row of output and no padding along rows. Else none.
      state_bytes: at the arena's start, of what lasts from row to row.
    """

    profile: str
    steps: tuple[Step, ...]
    answer: tuple[Conversion, ...]
    arena_bytes: int
    turns: tuple[Turn, ...] = ()
    state_bytes: int = 0

    @property
    def ticks(self) -> int:
        """Of a network that is computed row by row."""
        return max((turn.rows.at(turn.rows.count - 1) + 1 for turn in self.turns), default=0)

    def observed(self) -> tuple[int, ...]:
        """Layers in the order in which an observer sees their outputs, or their outputs' rows."""
        seen = [(turn.rows.at(row), i) for i, turn in enumerate(self.turns) for row in range(turn.rows.count)]
        return tuple(i for _, i in sorted(seen)) or tuple(range(len(self.steps)))

    def instructions(self) -> dict[str, float]:
        """Of one inference, by layer, as they were estimated for the choice: kernel and conversions before it.

        The last layer's has those of the answer, too.
        """
        return self._estimates(lambda step: step.kernel.instructions(step.layer), 1.0)

    def cycles(self) -> dict[str, float]:
        """The same in cycles of a Cortex-M4; a kernel without an estimate has them by its instructions."""
        return self._estimates(lambda step: cycles_of(step.kernel, step.layer), CYCLES_PER_INSTRUCTION)

    def _estimates(self, of_kernel: Callable[[Step], float], per_instruction: float) -> dict[str, float]:
        """Args:
        of_kernel: what a call of a step's kernel takes.
        per_instruction: what an instruction of the rest does.
        """
        estimates = {}
        for step, turn in zip(self.steps, self.turns or [_ONCE] * len(self.steps), strict=True):
            rest = turn.rows.count * conversions_cost(step.conversions) + turn.instructions
            estimates[step.layer.name] = turn.rows.count * of_kernel(step) + per_instruction * rest
        estimates[self.steps[-1].layer.name] += per_instruction * conversions_cost(self.answer)
        return estimates

    def rows(self) -> list[dict[str, Any]]:
        """The plan as a table: layer, kernel, input and output layouts, weight layout, proof, bytes."""
        return [
            {
                "layer": step.layer.name,
                "kernel": step.kernel.function,
                "instances": [instance.name for instance in step.instances.values()],
                "input": step.kernel.input_layout.name,
                "output": step.kernel.output_layout.name,
                "conversions": [conversion.function for conversion in step.conversions],
                "weights": "; ".join(constant.layout for constant in step.constants.values()),
                "worst_case": int(accumulator.worst_case(step.layer).max()),
                "accumulator_bits": step.layer.accumulator_bits,
                "proof": step.kernel.proof(step.layer),
                "required_bits": accumulator.required_bits(step.layer),
                "constant_bytes": step.constant_bytes,
                "input_at": step.input.place,
                "output_at": step.output.place,
                "scratch_bytes": step.kernel.scratch_of(step.layer),
            }
            for step in self.steps
        ]

    def table(self) -> str:
        """`rows` as aligned text, without the weights' layouts."""
        header = ("layer", "kernel", "input", "output", "conversions", "accumulator", "constants", "in", "out")
        lines = [header]
        for row in self.rows():
            proof = row["proof"] or f"{row['worst_case']:,} fits {row['accumulator_bits']} bits"
            conversions = ", ".join(row["conversions"]) or "-"
            numbers = (f"{row['constant_bytes']:,} B", str(row["input_at"]), str(row["output_at"]))
            lines.append((row["layer"], row["kernel"], row["input"], row["output"], conversions, proof, *numbers))
        constants = sum(step.constant_bytes for step in self.steps)
        total = f"arena {self.arena_bytes:,} B, constants {constants:,} B"
        how = ", row by row" if self.turns else ""
        return "\n".join([*aligned(lines), f"profile {self.profile}{how}: {total}"])


_ONCE = Turn(None, Ticks(0, 1, 1))
"""Of a layer that is computed as a whole."""


def conversions_cost(conversions: tuple[Conversion, ...]) -> float:
    """Instructions of all of them, estimated."""
    return sum(conversion_cost(c.input.layout, c.output.layout, math.prod(c.input.shape)) for c in conversions)
