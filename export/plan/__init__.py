"""The plan of a model's C: which engine kernel runs each layer, how its weights lie, and where its activations do.

A profile names a set of kernels. For each layer the plan takes the kernel that makes the whole network cheapest;
where two neighbours want different activation layouts, it inserts a conversion. `docs/engine.md` says how a kernel is
added.
"""

import dataclasses
import math
from typing import Any

from export.model import accumulator
from export.model.integer_model import IntegerModel, Layer
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels import profiles
from export.plan.layout import S8, ActivationLayout, Shape
from export.plan.placement import ALIGNMENT, Need, Place, place
from export.plan.schedule import CYCLES_PER_INSTRUCTION, Profile, choose, conversion_cost, cycles_of
from kws_cli.table import aligned

__all__ = [
    "ALIGNMENT",
    "CHOICES",
    "CYCLES",
    "FAST",
    "HELIUM",
    "PACKED",
    "PORTABLE",
    "PROFILES",
    "SMALL",
    "Conversion",
    "Kernel",
    "Need",
    "Place",
    "Plan",
    "Profile",
    "Step",
    "Tensor",
    "place",
    "plan",
    "plan_from",
]

CYCLES = "cycles"
FAST = "fast"
HELIUM = "helium"
PACKED = "packed"
PORTABLE = "portable"
SMALL = "small"
CHOICES: dict[str, Profile] = {
    FAST: Profile(profiles.FAST),
    SMALL: Profile(profiles.SMALL, byte_price=100.0),
    PACKED: Profile(profiles.PACKED),
    PORTABLE: Profile(profiles.PORTABLE),
    HELIUM: Profile(profiles.HELIUM),
    CYCLES: Profile(profiles.CYCLES, by_cycles=True),
}
"""`fast`: fewest instructions; `small`: less flash, at up to 100 instructions per byte; `packed`: plain C with several
products in a multiplication, for cores without the DSP extension; `portable`: plain C only; `helium`: vectors of a
Cortex-M55; `cycles`: fewest estimated cycles of a Cortex-M4.
"""
PROFILES = tuple(CHOICES)
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
class Plan:
    """The schedule.

    Attributes:
      profile: that it was made for.
      steps: in order of execution.
      answer: conversions from the last layer's output to the caller's int8 logits.
      arena_bytes: working memory of one inference.
    """

    profile: str
    steps: tuple[Step, ...]
    answer: tuple[Conversion, ...]
    arena_bytes: int

    def instructions(self) -> dict[str, float]:
        """Of one inference, by layer, as they were estimated for the choice: kernel and conversions before it.

        The last layer's has those of the answer, too.
        """
        estimates = {
            step.layer.name: step.kernel.instructions(step.layer) + _cost(step.conversions) for step in self.steps
        }
        estimates[self.steps[-1].layer.name] += _cost(self.answer)
        return estimates

    def cycles(self) -> dict[str, float]:
        """The same in cycles of a Cortex-M4; a kernel without an estimate has them by its instructions."""
        estimates = {
            step.layer.name: cycles_of(step.kernel, step.layer) + CYCLES_PER_INSTRUCTION * _cost(step.conversions)
            for step in self.steps
        }
        estimates[self.steps[-1].layer.name] += CYCLES_PER_INSTRUCTION * _cost(self.answer)
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
        return "\n".join([*aligned(lines), f"profile {self.profile}: {total}"])


def plan(model: IntegerModel, profile: str = FAST) -> Plan:
    """Chooses kernels and layouts, and places the activations.

    Raises:
      ValueError: an unknown profile, a layer whose accumulators are not proved to fit, or one that no kernel runs.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r}: expected one of {PROFILES}")
    return plan_from(model, CHOICES[profile], profile)


def plan_from(model: IntegerModel, choice: Profile, name: str) -> Plan:
    """`plan` with any choice of kernels, under a name of letters, digits and underscores.

    Raises:
      ValueError: a layer whose accumulators are not proved to fit, or one that no kernel runs.
    """
    accumulator.prove(model)
    kernels = choose(model, choice)
    # The chain of calls: for each layer its conversions and its kernel, then the conversions of the answer.
    functions: list[list[tuple[str, ActivationLayout]]] = []
    layout = S8
    for kernel in kernels:
        functions.append(_conversions(layout, kernel.input_layout))
        layout = kernel.output_layout
    functions.append(_conversions(layout, S8))
    needs = []
    for i, (layer, kernel) in enumerate(zip(model.layers, kernels, strict=True)):
        needs += [Need(to.size(layer.input_shape), in_place=True) for _, to in functions[i]]
        last = i == len(kernels) - 1 and not functions[-1]
        size = None if last else kernel.output_layout.size(layer.output_shape)
        scratch = kernel.scratch_of(layer)
        needs.append(Need(size, scratch, kernel.in_place(layer)))
    last_shape = model.layers[-1].output_shape
    needs += [Need(to.size(last_shape), in_place=True) for _, to in functions[-1][:-1]]
    needs += [Need(None) for _ in functions[-1][-1:]]
    arena_bytes, places = place(needs)

    tensor = Tensor(model.input_shape, S8, INPUT)
    following = iter(places)

    def convert(conversions: list[tuple[str, ActivationLayout]]) -> tuple[Conversion, ...]:
        nonlocal tensor
        made = []
        for function, to in conversions:
            offset = next(following).output
            converted = Tensor(tensor.shape, to, OUTPUT if offset is None else offset)
            made.append(Conversion(function, tensor, converted))
            tensor = converted
        return tuple(made)

    steps = []
    for i, (layer, kernel) in enumerate(zip(model.layers, kernels, strict=True)):
        conversions, source = convert(functions[i]), tensor
        at = next(following)
        tensor = Tensor(layer.output_shape, kernel.output_layout, OUTPUT if at.output is None else at.output)
        placed = (source, tensor, at.scratch if kernel.scratch_bytes else None)
        made = (kernel.constants(layer), kernel.instances(layer))
        steps.append(Step(layer, kernel, conversions, *placed, *made))
    return Plan(name, tuple(steps), convert(functions[-1]), arena_bytes)


def _cost(conversions: tuple[Conversion, ...]) -> float:
    return sum(conversion_cost(c.input.layout, c.output.layout, math.prod(c.input.shape)) for c in conversions)


def _conversions(before: ActivationLayout, after: ActivationLayout) -> list[tuple[str, ActivationLayout]]:
    """Engine functions from one layout to another, by way of int8 where both are others."""
    if before == after:
        return []
    unpack = [(before.unpack, S8)] if before != S8 else []
    return unpack + ([(after.pack, after)] if after != S8 else [])
