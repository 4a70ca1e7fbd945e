"""The plan of the streaming network: which kernel runs each layer's few new rows, and what is kept between steps.

A layer whose window is more than its stride has its last rows in the caller's state: the kernel of the layer before
it writes the new ones behind them, its own kernel runs over all of them, and the last ones move to the front. Or its
kernel takes the new rows alone, and keeps there what it needs of earlier ones. What has no history lies in the arena,
which a step leaves as it likes.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from export.model import accumulator
from export.model.integer_model import AVERAGE_POOL, DENSE, IntegerModel, Layer
from export.model.stream_interpreter import rows_per_step, step_layer, why_not, window_rows
from export.plan import CHOICES, FAST, PROFILES, row_kernels
from export.plan.kernel import Kernel
from export.plan.layout import S8, padded
from export.plan.placement import ALIGNMENT, Need, place
from export.plan.steps import INPUT, OUTPUT, Conversion, Step, Tensor, conversions_cost
from kws_cli.table import aligned

REPEATED = (AVERAGE_POOL, DENSE)
"""Layers whose kernels compute one row."""
_WORD = 4
_SUM_INDEX_BYTES = _WORD


@dataclasses.dataclass(frozen=True)
class Rows:
    """What a layer keeps of its input from step to step.

    Attributes:
      field: of the state, in C.
      kept_bytes: of the rows that stay.
      new_bytes: of the rows that a step adds behind them.
    """

    field: str
    kept_bytes: int
    new_bytes: int

    @property
    def bytes(self) -> int:
        return self.kept_bytes + self.new_bytes


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a layer's kernel keeps by itself.

    Attributes:
      field: of the state, in C.
      bytes: of it.
      begin: the engine function that writes it at the start; empty for zeros.
    """

    field: str
    bytes: int
    begin: str


@dataclasses.dataclass(frozen=True)
class Sums:
    """A pool's running sums: of all positions, and of each of the last rows.

    Attributes:
      field: of the state, in C.
      rows: of the window.
      positions: of a row.
      words: of a position: two channels each.
    """

    field: str
    rows: int
    positions: int
    words: int

    @property
    def bytes(self) -> int:
        """The sums, a row's sums for each row, and which of them is the oldest."""
        return _WORD * (1 + self.rows) * self.words + _SUM_INDEX_BYTES


@dataclasses.dataclass(frozen=True)
class StreamStep:
    """One layer of a step.

    Attributes:
      step: kernel, constants, places; its layer has the rows that the kernel sees in one call and no padding along
        time, its input starts at the first of them, its conversions are of the new ones.
      repetitions: calls of the kernel, one for each row.
      history: rows, sums, or what the kernel keeps, that last; None for a layer without.
      copies: whether the new rows must be copied to the history: they are the caller's frames.
    """

    step: Step
    repetitions: int
    history: Rows | Sums | Kept | None
    copies: bool


@dataclasses.dataclass(frozen=True)
class StreamPlan:
    """The schedule of a call.

    Attributes:
      profile: that it was made for.
      steps: one per layer, in order of execution.
      answer: conversions from the last layer's output to the caller's int8 logits.
      steps_per_call: rows of logits.
      frames_per_call: frames.
      arena_bytes: memory that nothing stays in.
      state_bytes: memory that lasts from call to call.
    """

    profile: str
    steps: tuple[StreamStep, ...]
    answer: tuple[Conversion, ...]
    steps_per_call: int
    frames_per_call: int
    arena_bytes: int

    @property
    def state_bytes(self) -> int:
        return sum(-(-step.history.bytes // ALIGNMENT) * ALIGNMENT for step in self.steps if step.history)

    def instructions(self) -> float:
        """Of a call, estimated: kernels and conversions."""
        steps = [item.step for item in self.steps]
        calls = sum(item.repetitions * item.step.kernel.instructions(item.step.layer) for item in self.steps)
        return calls + sum(conversions_cost(step.conversions) for step in steps) + conversions_cost(self.answer)

    def rows(self) -> list[dict[str, Any]]:
        """The plan as a table: layer, kernel, rows in and out, bytes kept."""
        return [
            {
                "layer": item.step.layer.name,
                "kernel": item.step.kernel.function,
                "input_rows": item.step.layer.input_shape[0],
                "output_rows": item.step.layer.output_shape[0],
                "conversions": [conversion.function for conversion in item.step.conversions],
                "state_bytes": item.history.bytes if item.history else 0,
                "constant_bytes": item.step.constant_bytes,
            }
            for item in self.steps
        ]

    def table(self) -> str:
        """`rows` as aligned text."""
        lines = [("layer", "kernel", "rows in", "rows out", "conversions", "state", "constants")]
        for row in self.rows():
            sizes = (f"{row['state_bytes']:,} B", f"{row['constant_bytes']:,} B")
            counts = (str(row["input_rows"]), str(row["output_rows"]))
            lines.append((row["layer"], row["kernel"], *counts, ", ".join(row["conversions"]) or "-", *sizes))
        constants = sum(item.step.constant_bytes for item in self.steps)
        total = f"state {self.state_bytes:,} B, arena {self.arena_bytes:,} B, constants {constants:,} B"
        return "\n".join([*aligned(lines), f"profile {self.profile}, {self.frames_per_call} frames a call: {total}"])


def plan(model: IntegerModel, profile: str = FAST, steps_per_call: int = 1) -> StreamPlan:
    """Chooses kernels, and places activations and history.

    Args:
      steps_per_call: rows of logits that one call computes, from as many times the frames of a step.

    Raises:
      ValueError: an unknown profile, a model that can't be streamed, a layer whose accumulators are not proved to fit,
        or one that no kernel runs.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r}: expected one of {PROFILES}")
    if steps_per_call < 1:
        raise ValueError(f"steps_per_call={steps_per_call}: expected 1 or more")
    if reason := why_not(model):
        raise ValueError(reason)
    accumulator.prove(model)
    rows = [count * steps_per_call for count in rows_per_step(model)]
    layers = [_few_rows(layer, count) for layer, count in zip(model.layers, rows, strict=True)]
    kernels = row_kernels.choose(layers, CHOICES[profile], len(model.labels), keeping=True)
    return _place(profile, layers, rows, kernels)


def _few_rows(layer: Layer, rows: int) -> Layer:
    """The layer as its kernel sees it in one call; a pool and a dense layer run once for each row."""
    return step_layer(layer, 1 if layer.op in REPEATED else rows)


def _history(layer: Layer, kernel: Kernel, rows: int) -> Rows | Sums | Kept | None:
    """What stays of a layer's input, of which a call adds `rows` rows."""
    _, width, channels = layer.input_shape
    if layer.op == AVERAGE_POOL:
        return Sums(f"{layer.name}_sums", window_rows(layer), width, padded(channels) // 2)
    if kernel.kept_bytes is not None:
        return Kept(f"{layer.name}_kept", kernel.kept_bytes(layer), kernel.begin)
    row_bytes = kernel.input_layout.size((1, width, channels))
    kept = window_rows(layer) - layer.stride[0]
    return Rows(f"{layer.name}_rows", kept * row_bytes, rows * row_bytes) if kept else None


def _place(profile: str, layers: Sequence[Layer], rows: Sequence[int], kernels: Sequence[Kernel]) -> StreamPlan:
    """Places of everything; `rows` are those of each layer's output in a call."""
    frames = rows[0] * layers[0].stride[0]
    arriving = [frames, *rows[:-1]]
    shapes = [(count, *layer.input_shape[1:]) for count, layer in zip(arriving, layers, strict=True)]
    answer_shape = (rows[-1], *layers[-1].output_shape[1:])
    histories = [_history(*item) for item in zip(layers, kernels, arriving, strict=True)]
    # Where what arrives at a layer goes: behind the rows that it keeps, to the arena (""), or at the end to the caller.
    ends = [f"state->{h.field} + {h.kept_bytes}" if isinstance(h, Rows) else "" for h in histories] + [OUTPUT]
    # Layouts from which conversions start: the frames', and each kernel's.
    sources = [S8, *(kernel.output_layout for kernel in kernels)]
    targets = [*(kernel.input_layout for kernel in kernels), S8]
    functions = [row_kernels.conversions(*pair) for pair in zip(sources, targets, strict=True)]
    needs = []
    for i, (layer, kernel) in enumerate(zip(layers, kernels, strict=True)):
        needs += [Need(None if ends[i] else to.size(shapes[i])) for _, to in functions[i]]
        shape = shapes[i + 1] if i + 1 < len(layers) else answer_shape
        external = bool(ends[i + 1]) and not functions[i + 1]
        scratch = kernel.scratch_of(layer)
        in_place = histories[i] is None and kernel.in_place(layer)
        needs.append(Need(None if external else kernel.output_layout.size(shape), scratch, in_place))
    needs += [Need(None) for _ in functions[-1]]
    arena_bytes, places = place(needs)
    following = iter(places)

    tensor = Tensor(shapes[0], S8, INPUT)

    def converted(index: int) -> tuple[Conversion, ...]:
        nonlocal tensor
        made = []
        for function, to in functions[index]:
            offset = next(following).output
            result = Tensor(tensor.shape, to, ends[index] if offset is None else offset)
            made.append(Conversion(function, tensor, result))
            tensor = result
        return tuple(made)

    steps = []
    for i, (layer, kernel) in enumerate(zip(layers, kernels, strict=True)):
        before, history = converted(i), histories[i]
        arrived = tensor
        if isinstance(history, Rows):
            tensor = Tensor(layer.input_shape, kernel.input_layout, f"state->{history.field}")
        source, at = tensor, next(following)
        shape = shapes[i + 1] if i + 1 < len(layers) else answer_shape
        tensor = Tensor(shape, kernel.output_layout, ends[i + 1] if at.output is None else at.output)
        placed = (source, tensor, at.scratch if kernel.scratch_bytes else None)
        step = Step(layer, kernel, before, *placed, kernel.constants(layer), kernel.instances(layer))
        copies = isinstance(history, Rows) and arrived.place == INPUT
        steps.append(StreamStep(step, rows[i] if layer.op in REPEATED else 1, history, copies))
    return StreamPlan(profile, tuple(steps), converted(len(layers)), rows[-1], frames, arena_bytes)
